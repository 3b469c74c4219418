"""Measure talkbot-tui beside WeeChat and irssi on one pty rig, in turn.

Without `--only` everything is measured and bench/TUI.md is written. `--ci` measures less and
fails where a ratio is over its goal and over bench/tui/baseline.json, both made looser.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.tui import peers, report
from bench.tui.clients import Client
from bench.tui.figures import Samples
from bench.tui.loop import Loop, TooLate
from bench.tui.measures import moving, start, talking, typing, waiting
from bench.tui.ours import Ours

MEASURES = ("start", "memory", "keys", "messages", "rooms", "pages", "resize", "idle", "stuck",
            "top", "burst")  # fmt: skip
CI_MEASURES = tuple(name for name in MEASURES if name not in ("top", "idle"))


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    history: int
    runs: int
    idle_s: float = 60.0
    keys: int = 80
    messages: int = 60
    switches: int = 16
    pages: int = 12
    resizes: int = 2
    burst: int = 5_000
    fewer: int = 3

    def runs_of(self, name: str) -> int:
        """How many rounds of a measure: some take long, some are what they are."""
        if name in ("memory", "idle", "top"):
            return 1
        return min(self.runs, self.fewer) if name in ("start", "burst", "stuck") else self.runs


CI = Plan(
    history=2_000, runs=5, idle_s=10.0, keys=30, messages=20, switches=4, pages=3, resizes=1,
    burst=200, fewer=2,
)  # fmt: skip


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.tui", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=None, metavar="MEASURE",
                        help=", ".join(MEASURES))  # fmt: skip
    parser.add_argument("--runs", type=int, help="rounds, in each of which all take their turn")
    parser.add_argument("--history", type=int, help="messages in the room (10,000)")
    parser.add_argument("--deep", action="store_true", help="100,000 messages in the room")
    parser.add_argument("--burst", type=int, help="messages of the burst (5,000)")
    parser.add_argument("--idle", type=float, metavar="SECONDS", help="how long to be idle (60)")
    parser.add_argument("--no-margins", action="store_true",
                        help="ours has a terminal without left and right margins")  # fmt: skip
    parser.add_argument("--ci", action="store_true", help="less, and only check")
    parser.add_argument("--save-baseline", action="store_true", help="remember this run's ratios")
    return parser.parse_args()


def plan_of(args: argparse.Namespace) -> Plan:
    """What was asked, over the plan of a full run or of CI."""
    plan = CI if args.ci else Plan(history=100_000 if args.deep else 10_000, runs=3)
    asked = {"history": args.history, "runs": args.runs, "burst": args.burst, "idle_s": args.idle}
    return Plan(**{**vars(plan), **{k: v for k, v in asked.items() if v is not None}})


class Bench:
    """The clients and what was measured of them."""

    def __init__(self, loop: Loop, clients: list[Client], plan: Plan) -> None:
        self._loop = loop
        self._clients = clients
        self._plan = plan
        self._talk = talking.Talk()
        self._began = time.monotonic()
        self.samples = Samples()

    def measure(self, wanted: tuple[str, ...]) -> None:
        """First those that start the clients anew, then the rest in one session of each."""
        if "start" in wanted:
            for client in self._clients:
                start.prime(client)
            self._rounds("start")
        rest = [name for name in wanted if name != "start"]
        if not rest:
            return
        for client in self._clients:
            client.start(self._plan.history)
        try:
            for name in rest:
                self._rounds(name)
        finally:
            for client in self._clients:
                client.stop()

    def _rounds(self, name: str) -> None:
        print(f"{time.monotonic() - self._began:4.0f} s: {name} …", file=sys.stderr, flush=True)
        if name == "idle":
            for one, sample in waiting.idle(self._loop, self._clients, self._plan.idle_s).items():
                self.samples.add(one, sample)
            return
        for _ in range(self._plan.runs_of(name)):
            for client in self._clients:
                gc.collect()
                try:
                    sample = self._sample(name, client)
                except TooLate as error:
                    print(f"{client.name}, {name}: {error}", file=sys.stderr)
                    sample = {}
                self.samples.add(client.name, sample)

    def _sample(self, name: str, client: Client) -> dict[str, list[float]]:
        plan = self._plan
        match name:
            case "start":
                return start.sample(client)
            case "memory":
                return {"memory.resident": [client.open.resident()]}
            case "keys":
                return typing.sample(client, plan.keys)
            case "messages":
                return talking.sample(client, self._talk.take(client, plan.messages))
            case "rooms":
                return moving.rooms(client, plan.switches)
            case "pages":
                return moving.pages(client, plan.pages)
            case "top":
                return moving.top(client)
            case "resize":
                return moving.resize(client, plan.resizes)
            case "burst":
                return talking.burst(client, self._talk.take(client, plan.burst))
            case "stuck" if isinstance(client, Ours):
                return waiting.stuck(client, plan.keys)
        return {}


@contextmanager
def clients_in(folder: Path, loop: Loop, plan: Plan, *, margins: bool) -> Iterator[list[Client]]:
    """All three, each with a home of its own in `folder`."""
    ours = Ours(loop, folder / "ours", plan.history, margins=margins)
    try:
        yield [ours, peers.WeeChat(loop, folder / "weechat"), peers.Irssi(loop, folder / "irssi")]
    finally:
        ours.close()


def main() -> int:
    """Return 1 when `--ci` finds something slower, 2 when a peer is missing."""
    args = arguments()
    if missing := peers.missing():
        print(f"Please install: {' '.join(missing)} (.ci/system-packages does)", file=sys.stderr)
        return 2
    plan = plan_of(args)
    loop = Loop()
    gc.disable()
    with (
        tempfile.TemporaryDirectory() as folder,
        clients_in(Path(folder), loop, plan, margins=not args.no_margins) as clients,
    ):
        bench = Bench(loop, clients, plan)
        bench.measure(tuple(args.only or (CI_MEASURES if args.ci else MEASURES)))
    print(report.table(bench.samples))
    if args.save_baseline:
        report.save_baseline(bench.samples)
    if args.ci:
        found = report.slower(bench.samples)
        print("\n".join(["slower than it was:", *found] if found else ["nothing is slower"]))
        return int(bool(found))
    if not args.only:
        command = " ".join(["python -m bench.tui", *sys.argv[1:]])
        report.write(bench.samples, command, plan.history, plan.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
