"""`debug perf`: the chat as ever, and at its end what its screen has cost."""

from __future__ import annotations

import argparse
import json
import os
from typing import TYPE_CHECKING, Any

from talkbot_tui import i18n
from talkbot_tui.cli import chat

if TYPE_CHECKING:
    from talkbot_tui.ui.terminal.gauge import Gauge

_ = i18n.Domain("cli")

HELP = i18n.N_("measure what the chat's screen costs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and the options of `chat`."""
    parts = parser.add_subparsers(dest="part", required=True, metavar="perf")
    text = _("open the chat; when you leave it, tell times, bytes and queues of its pictures")
    perf = parts.add_parser("perf", help=text, description=text)
    chat.add_arguments(perf)
    perf.add_argument("--json", action="store_true", help=_("print one JSON object"))


def run(args: argparse.Namespace) -> int:
    """Open the chat with a gauge, then print what it saw."""
    chat.require_terminal()
    from talkbot_tui.cli import common
    from talkbot_tui.ui.terminal.gauge import Gauge

    gauge = Gauge()
    size = os.get_terminal_size(1)
    code = chat.run(args, gauge)
    if args.json:
        common.write_line(json.dumps(facts(gauge, size.columns, size.lines)))
    else:
        for line in report(gauge, size.columns, size.lines):
            common.write_line(line)
    return code


def facts(gauge: Gauge, columns: int, rows: int) -> dict[str, Any]:
    """What was seen, for programs: times in ms, sizes in bytes, as p50, p99 and maximum."""
    from talkbot_tui.ui.terminal.gauge import KINDS

    made: dict[str, Any] = {}
    for kind in KINDS:
        seen = [picture for picture in gauge.pictures if picture.kind == kind]
        made[kind] = {
            "pictures": gauge.counts[kind],
            "ms": _spread([picture.ms for picture in seen]),
            "bytes": _spread([picture.written for picture in seen]),
        }
    return {
        "columns": columns,
        "rows": rows,
        "seconds": round(gauge.seconds, 3),
        "pictures": made,
        "queued": _spread([picture.queued for picture in gauge.pictures]),
        "waitingBytes": _spread([picture.waiting for picture in gauge.pictures]),
    }


def report(gauge: Gauge, columns: int, rows: int) -> list[str]:
    """What was seen, for people: at most 12 lines of at most 79 columns."""
    seen = facts(gauge, columns, rows)
    names = {
        "echo": _("typed characters"),
        "direct": _("parts of the screen"),
        "whole": _("whole layouts"),
    }
    head = _("{n} pictures in {seconds} s on {columns}×{rows}")
    total = sum(gauge.counts.values())
    number, times = _("number"), _("ms: p50, p99, most")
    sizes = _("bytes: p50, p99, most")
    lines = [
        head.format(n=total, seconds=f"{seen['seconds']:.1f}", columns=columns, rows=rows),
        "",
        f"{'':19} {number:>6}  {times:>23}  {sizes:>23}",
    ]
    for kind, name in names.items():
        one = seen["pictures"][kind]
        took = " ".join(f"{value:7.1f}" for value in one["ms"])
        written = " ".join(f"{value:7g}" for value in one["bytes"])
        lines.append(f"{name:19.19} {one['pictures']:6}  {took}  {written}")
    text = _("waiting at a picture, p50, p99, most: messages of the app {queued};")
    lines += ["", text.format(queued=_numbers(seen["queued"]))]
    text = _("bytes that the terminal had not taken {waiting}")
    return [*lines, text.format(waiting=_numbers(seen["waitingBytes"]))]


def _numbers(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _spread(values: list[float] | list[int]) -> list[float]:
    """Median, 99th percentile and maximum."""
    from talkbot_tui.ui.terminal.gauge import percentile

    return [round(percentile(values, part), 3) for part in (0.5, 0.99, 1.0)]
