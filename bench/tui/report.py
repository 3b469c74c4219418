"""The table, the baseline, and what a run is worth."""

from __future__ import annotations

import json
import math
import os
import platform
from pathlib import Path

from bench.tui import peers
from bench.tui.figures import FIGURES, FIXED, IRSSI, OURS, USUAL, WEECHAT, Figure, Samples

HERE = Path(__file__).resolve().parent
BASELINE = HERE / "baseline.json"
REPORT = HERE.parent / "TUI.md"
NOT_MEASURED = "–"


def measured(samples: Samples) -> list[Figure]:
    """The figures that this run was to measure, also where ours gave none."""
    tried = {key for client in samples.held.values() for key in client}
    return [figure for figure in FIGURES if figure.key in tried]


def table(samples: Samples) -> str:
    """Every figure beside the peers', as Markdown."""
    lines = [
        "| measure | talkbot-tui | WeeChat | irssi | ÷ WeeChat | ÷ irssi | goal | met |",
        "|---|--:|--:|--:|--:|--:|---|---|",
    ]
    for figure in measured(samples):
        values = [_shown(samples, figure, client) for client in (OURS, WEECHAT, IRSSI)]
        ratios = [_number(samples.ratio(figure, peer, figure.key)) for peer in (WEECHAT, IRSSI)]
        rows = samples.rows(figure)
        wanted = "; ".join(_goal(row.peer, row.goal, row.ratio, figure.unit) for row in rows)
        met = "" if not rows else "; ".join("yes" if row.met else "**no**" for row in rows)
        lines.append(f"| {' | '.join([figure.name, *values, *ratios, wanted, met])} |")
    return "\n".join(lines)


def _shown(samples: Samples, figure: Figure, client: str) -> str:
    value = samples.value(client, figure.key, figure.statistic)
    if value is None:
        return NOT_MEASURED
    return f"{_number(value * figure.scale)} {figure.unit}".rstrip()


def _number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return NOT_MEASURED
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _goal(peer: str, limit: float, ratio: float, unit: str) -> str:
    if peer == FIXED:
        return f"≤ {limit:g} {unit}".rstrip()
    if peer == USUAL:
        return f"≤ {limit:g} × usual (here {_number(ratio)})"
    return f"≤ {limit:g} × {peer}"


def facts(command: str, history: int, runs: int) -> str:
    """What was run, on what."""
    return (
        f"`{command}`: {runs} rounds, {history:,} messages in the room, 50 rooms, 120×40; "
        f"Python {platform.python_version()}, WeeChat {peers.version('weechat')}, "
        f"irssi {peers.version('irssi')}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} CPUs."
    )


def write(samples: Samples, command: str, history: int, runs: int) -> None:
    """Write bench/TUI.md."""
    REPORT.write_text(
        "# The app beside WeeChat and irssi\n\n"
        "`make bench-tui` writes this file. All three run in turn on one pty rig (`bench/tui/`); "
        "the ratio is the\nmedian of the ratios round by round, of p99 that of all rounds "
        "together, and it alone means something.\n"
        "Ours is the real app on its real server; a message's way begins when the client is "
        "handed it. At a start\nthe peers are played back 100 messages and ours reads its "
        "cache; everywhere else all hold the whole history.\n\n"
        f"{table(samples)}\n\n{facts(command, history, runs)}\n",
        encoding="utf-8",
    )


# --- the gate of CI ----------------------------------------------------------------------


def save_baseline(samples: Samples) -> None:
    """Remember this run's ratios; what was not measured keeps what is remembered."""
    held = _baseline()
    for figure in measured(samples):
        for row in samples.rows(figure):
            if math.isfinite(row.ratio):
                held[f"{figure.id} / {row.peer}"] = round(row.ratio, 3)
    BASELINE.write_text(json.dumps(held, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def slower(samples: Samples) -> list[str]:
    """What is over the goal and over the baseline, both made looser; a line for each.

    What ours did not give is over everything; what a peer did not give proves nothing.
    """
    held = _baseline()
    found = []
    for figure in measured(samples):
        for row in samples.rows(figure):
            limit = max(row.goal, held.get(f"{figure.id} / {row.peer}", 0.0)) * figure.slack
            if row.ratio > limit:
                found.append(
                    f"{figure.name}: {row.ratio:.2f} to {row.peer}, at most {limit:.2f} is allowed"
                )
    return found


def _baseline() -> dict[str, float]:
    held: dict[str, float] = json.loads(BASELINE.read_text(encoding="utf-8"))
    return held
