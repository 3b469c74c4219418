"""`python -m tests.sim --seeds 10000 [--first N] [--jobs 2]`; `--seed N [--trace]` replays one."""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import sys
import time
from collections import Counter

from tests.sim.simulation import Result, simulate

SHOWN = 20
EVERY_S = 60.0


def main() -> int:
    """Return 1 when a promise was broken in any run."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many runs")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, help="replay this one")
    parser.add_argument("--trace", action="store_true", help="print what happened")
    asked = parser.parse_args()
    if asked.seed is not None:
        return replay(asked.seed, telling=asked.trace)
    return many(range(asked.first, asked.first + asked.seeds), asked.jobs)


def replay(seed: int, *, telling: bool) -> int:
    """One run, told in full."""
    result = simulate(seed, telling=telling)
    if telling:
        print("\n".join(result.trace))
        print(f"trace {result.digest}")
    report(result)
    print(f"seed {seed}: {result.messages} messages, {dict(result.faults)}")
    return 1 if result.violations else 0


def one(seed: int) -> Result:
    """A run whose details stay in the process that made it."""
    # The collector would look through a run's values again and again; they all go together.
    gc.disable()
    result = simulate(seed)
    result.history.entries.clear()
    gc.enable()
    return result


def many(seeds: range, jobs: int) -> int:
    """Runs on several processes; the failing ones are printed, each with its command."""
    began = told = time.monotonic()
    faults: Counter[str] = Counter()
    messages = virtual = done = 0
    failed: list[int] = []
    with multiprocessing.Pool(jobs) as pool:
        for result in pool.imap_unordered(one, seeds, chunksize=20):
            done += 1
            faults += result.faults
            messages += result.messages
            virtual += result.virtual_ms
            if result.violations:
                failed.append(result.seed)
                if len(failed) <= SHOWN:
                    report(result)
            if time.monotonic() - told > EVERY_S:
                told = time.monotonic()
                print(f"   {done} of {len(seeds)}, {len(failed)} failed", flush=True)
    spent = time.monotonic() - began
    print(
        f"{done} seeds in {spent:.0f} s ({done / spent:.0f}/s), {messages} messages,"
        f" {sum(faults.values())} faults, {virtual / 86_400_000:.1f} virtual days:"
        f" {len(failed)} failed"
    )
    print("faults: " + ", ".join(f"{kind} {count}" for kind, count in faults.most_common()))
    return 1 if failed else 0


def report(result: Result) -> None:
    """What was broken, and how to see it again."""
    if not result.violations:
        return
    print(f"seed {result.seed} FAILED; replay: python -m tests.sim --seed {result.seed} --trace")
    for violation in result.violations[:6]:
        print(f"   {violation}")
    if len(result.violations) > 6:
        print(f"   and {len(result.violations) - 6} more")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
