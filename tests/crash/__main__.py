"""Kill at every write, cut the power at every moment: `python -m tests.crash --help`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.crash import cuts, points
from tests.crash.places import base, make_template
from tests.crash.processes import PtraceRefused
from tests.planted.crash_bugs import BUGS

SHOWN = 5
IMAGES_EACH = 2_000
"""So many moments of a recorded conversation are looked at before the next is recorded."""

BROKEN, CANNOT_RUN = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when no promise was broken."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="talkbot-crash-", dir=base()) as folder:
        template = Path(folder)
        make_template(template)
        try:
            if options.point:
                point = points.Point.parse(options.point)
                return min(BROKEN, _tell_points([_trial(template, options)(point)]))
            broken = _points(template, options) + _images(template, options)
            return min(BROKEN, broken)
        except PtraceRefused as refused:
            print(f"crash: CANNOT RUN: {refused}", file=sys.stderr)
            return CANNOT_RUN


def _points(template: Path, options: argparse.Namespace) -> int:
    if not options.points:
        return 0
    began = time.monotonic()
    shares = {side: points.SIDES[side] for side in options.sides if side in points.SIDES}
    with _workers(options.jobs) as pool:
        every = chosen(template, options.points, shares, options.calls)
        broken = _tell_points(pool.map(_trial(template, options), every), options.first)
        pool.shutdown(cancel_futures=True)
    spent = time.monotonic() - began
    print(f"crash: {options.points} kill points in {spent:.0f} s: {broken} broke a promise")
    return broken


def _trial(template: Path, options: argparse.Namespace) -> partial[points.Outcome]:
    return partial(
        points.try_point,
        template,
        bug=options.bug,
        patience=options.patience,
        keep=options.keep,
    )


def _images(template: Path, options: argparse.Namespace) -> int:
    if not options.images:
        return 0
    began = time.monotonic()
    shares = {side: cuts.SIDES[side] for side in options.sides if side in cuts.SIDES}
    tasks = [
        (side, seed, min(IMAGES_EACH, count - done))
        for side, count in _split(options.images, shares)
        for seed, done in enumerate(range(0, count, IMAGES_EACH), 1)
    ]
    # The long conversations take longest: they come first.
    tasks.sort(key=lambda task: task[1] % cuts.LONG != 0)
    broken = images = 0
    with _workers(options.jobs) as pool:
        work = partial(cuts.try_cuts, template, bug=options.bug, keep=options.keep)
        for report in pool.map(work, *zip(*tasks, strict=True)):
            images += report.images
            broken += len(report.broken)
            for text in report.broken[:SHOWN]:
                print(f"FAILED {text} (the first of each conversation is kept in {options.keep})")
    spent = time.monotonic() - began
    print(f"crash: {images} power cuts in {spent:.0f} s: {broken} lost a promise")
    return broken


def chosen(
    template: Path, count: int, shares: Mapping[str, int], calls: Collection[str]
) -> Iterator[points.Point]:
    """`count` points, each side with its share, each spread over the whole conversation.

    When all points of a conversation are had, another conversation follows.
    """
    for side, left in _split(count, shares):
        seed = 0
        while left > 0:
            seed += 1
            every = [p for p in points.all_points(template, side, seed) if p.call in calls]
            take = min(left, len(every))
            yield from (every[index * len(every) // take] for index in range(take))
            left -= take


def _split(count: int, shares: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    rest = sum(shares.values())
    for name, share in shares.items():
        part = count * share // rest
        yield name, part
        count, rest = count - part, rest - share


def _tell_points(outcomes: Iterable[points.Outcome], first: bool = False) -> int:
    broken = 0
    for outcome in outcomes:
        if outcome.violations:
            broken += 1
            print(f"FAILED {outcome.point} (python -m tests.crash --point {outcome.point})")
            for violation in outcome.violations[:SHOWN]:
                print(f"  {str(violation)[:600]}")
            if first:
                break
    return broken


def _workers(jobs: int) -> ProcessPoolExecutor:
    # Forked workers have everything imported, and no thread of their own when they fork again.
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("fork"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    sides = [*dict.fromkeys([*points.SIDES, *cuts.SIDES])]
    kept = Path(tempfile.gettempdir()) / "talkbot-crash-failures"
    parser.add_argument("--points", type=int, default=120, help="kill points (%(default)s)")
    parser.add_argument("--images", type=int, default=20_000, help="power cuts (%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (%(default)s)")
    parser.add_argument("--sides", nargs="+", choices=sides, default=sides)
    parser.add_argument("--calls", nargs="+", choices=points.CALLS, default=points.CALLS)
    parser.add_argument("--first", action="store_true", help="end at the first broken promise")
    parser.add_argument("--point", default="", help="one point: side:call:number:seed")
    parser.add_argument("--bug", default="", choices=["", *BUGS], help="plant this bug")
    parser.add_argument("--keep", type=Path, default=kept, help="of broken runs (%(default)s)")
    parser.add_argument("--patience", type=float, default=15.0, help="for a conversation, in s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
