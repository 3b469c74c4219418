"""Runs kinds of faults against real processes, prints what was found, and how to see it again."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.kinds import BY_NAME, KINDS, Kind, heal
from tests.chaos.machine import NotHere
from tests.chaos.world import Size, World, judge
from tests.histories.checker import Violation

SHOWN_MAX = 5


@dataclass(slots=True)
class Result:
    """What one run gave."""

    kind: str
    seed: int
    acked: int = 0
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    not_executed: str = ""


async def run(kind: Kind, seed: int, size: Size, folder: Path) -> Result:
    """One kind with one seed, in `folder`."""
    began = time.monotonic()
    result = Result(kind.name, seed)
    world = World(folder, seed, size)
    try:
        kind.prepare(world)
        await world.open()
        world.load()
        await kind.deal(world)
        await heal(world)
        await world.spoken()
        stuck = await world.settle()
        await world.close()
        result.acked, result.violations = judge(world)
        result.violations += stuck
    except NotHere as reason:
        result.not_executed = str(reason)
    except Exception:
        result.violations.append(Violation("the run failed", traceback.format_exc()))
    finally:
        await world.close()
    result.faults = world.done
    result.seconds = time.monotonic() - began
    return result


async def run_all(plan: list[tuple[Kind, int]], size: Size, jobs: int, keep: Path) -> list[Result]:
    """All runs, some at a time."""
    turn = asyncio.Semaphore(jobs)

    async def one(kind: Kind, seed: int) -> Result:
        async with turn:
            folder = Path(tempfile.mkdtemp(prefix="talkbot-chaos-"))
            result = await run(kind, seed, size, folder)
            show(result)
            await asyncio.to_thread(put_away, folder, result, keep)
            return result

    return await asyncio.gather(*(one(kind, seed) for kind, seed in plan))


def put_away(folder: Path, result: Result, keep: Path) -> None:
    """Keep the files of a run that broke a promise, and no others."""
    if result.violations:
        name = f"{result.kind.replace(' ', '-')}-{result.seed}"
        shutil.copytree(folder, keep / name, dirs_exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def show(result: Result) -> None:
    """One line for a run; a few more when a promise was broken."""
    faults = sum(result.faults.values())
    if result.not_executed:
        print(f"{result.kind:20} seed {result.seed:<5} NOT EXECUTED: {result.not_executed}")
        return
    verdict = f"{len(result.violations)} VIOLATIONS" if result.violations else "ok"
    print(
        f"{result.kind:20} seed {result.seed:<5} {result.acked:6} acked {faults:5} faults"
        f" {result.seconds:6.1f} s  {verdict}",
        flush=True,
    )
    for violation in result.violations[:SHOWN_MAX]:
        print(f"    {violation}")
    if result.violations:
        print(f'    again: python -m tests.chaos --kinds "{result.kind}" --first {result.seed}')


def total(results: list[Result]) -> int:
    """The last lines, with every broken run once more; the exit code."""
    for result in results:
        if result.violations:
            show(result)
    names = Counter(violation.name for result in results for violation in result.violations)
    acked = sum(result.acked for result in results)
    faults = sum(sum(result.faults.values()) for result in results)
    kinds = len({result.kind for result in results})
    skipped = sum(bool(result.not_executed) for result in results)
    runs = len(results) - skipped
    print(
        f"{runs} runs of {kinds} kinds: {acked} messages acknowledged, {faults} faults;"
        f" lost {names['lost write'] + names['lost pending']},"
        f" doubled {names['duplicate']}, reordered {names['order inversion']},"
        f" other violations {sum(names.values()) - sum(names[n] for n in COUNTED)}"
    )
    if skipped:
        print(f"{skipped} runs were not executed; this machine does not permit their faults")
    return 1 if names else 0


COUNTED = ("lost write", "lost pending", "duplicate", "order inversion")


def main() -> int:
    """What the command line asks for."""
    usual = Size()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kinds", nargs="+", default=["all"], help="names of kinds, or all")
    parser.add_argument("--seeds", type=int, default=1, help="how many runs of each kind")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--messages", type=int, default=usual.messages, help="of each person")
    parser.add_argument("--rate", type=float, default=usual.rate, help="messages a second")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument(
        "--keep", type=Path, default=Path("chaos-failed"), help="failed runs' files"
    )
    parser.add_argument("--list", action="store_true", help="the kinds and what they show")
    args = parser.parse_args()
    if args.list:
        for kind in KINDS:
            print(f"{kind.name:20} {kind.rows}")
        return 0
    kinds = list(KINDS) if args.kinds == ["all"] else [BY_NAME[name] for name in args.kinds]
    seeds = range(args.first, args.first + args.seeds)
    plan = [(kind, seed) for seed in seeds for kind in kinds]
    size = Size(messages=args.messages, rate=args.rate)
    return total(asyncio.run(run_all(plan, size, args.jobs, args.keep)))


if __name__ == "__main__":
    sys.exit(main())
