"""Measure talkbot-tui against peers in the same run; writes bench/RESULTS.md.

`--ci` measures less and only checks the goals, made 1.3 looser: its machines share their cores.
"""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

import floods
import measure
import panes
import servers
import sql

HERE = Path(__file__).resolve().parent
CI_SLACK = 1.3


def server_rows(runs: int, messages: int) -> list[measure.Row]:
    """Durable messages through the whole server.

    The peer knows no accounts, members, numbers, ids or full-text search, so a part of
    its speed is what is asked of ours. Both fan out the way the library does.
    """
    ours, plain = servers.Ours(), servers.Plain()
    rows = []
    try:
        for senders, readers, goal in ((1, 1, 0.4), (16, 10, 0.6)):

            def run(
                server: servers.Ours | servers.Plain, n: int = senders, r: int = readers
            ) -> float:
                return servers.acked_per_second(server, messages=messages, senders=n, readers=r)

            rows.append(
                measure.compare(
                    f"messages stored and acknowledged, senders: {senders}, readers: {readers}",
                    "python-socketio + one commit each",
                    lambda: run(ours),
                    lambda: run(plain),
                    unit="/s",
                    goal=goal,
                    higher_is_better=True,
                    runs=runs,
                )
            )
    finally:
        ours.close()
        plain.close()
    return rows


def main() -> int:
    """Return 1 when a goal is missed under `--ci`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ci", action="store_true", help="less, and only check")
    args = parser.parse_args()
    runs, messages, seconds = (5, 160, 6.0) if args.ci else (7, 480, 8.0)
    cached = 100_000 if args.ci else 1_000_000
    rows = panes.rows(runs) + server_rows(runs, messages) + floods.rows(runs, seconds)
    rows += sql.rows(runs, cached)
    print(measure.table(rows))
    if args.ci:
        missed = [row.name for row in rows if not row.within(CI_SLACK)]
        print("missed, even 1.3 looser: " + "; ".join(missed) if missed else "every goal is met")
        return int(bool(missed))
    text = (
        "# Measured\n\n"
        "`make bench` writes this file. Both sides run in turn on one machine; the ratio is the\n"
        "median of the ratios pair by pair, and it alone means something.\n\n"
        f"{measure.table(rows)}\n\n"
        f"{runs} counted runs each, Python {platform.python_version()}, {platform.system()}.\n"
    )
    (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
