"""The crash harness can fail: each planted bug of the stores is caught, and only with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash import points
from tests.crash.points import Point
from tests.crash.processes import Child, PtraceRefused, Tracer
from tests.planted.crash_bugs import BUGS

ROOT = Path(__file__).resolve().parent.parent.parent

CAUGHT_BY_CUTS = {
    "ack-before-commit": ("server", "clients were told of .* which is not stored"),
    "client-synchronous-normal": ("client", "was shown as pending and is nowhere"),
    "server-synchronous-normal": ("server", "clients were told of .* which is not stored"),
    "dropped-before-ack": ("client", "was shown as pending and is nowhere"),
    "pending-before-saved": ("client", "was shown as pending and is nowhere"),
}
# A process that is killed leaves to its kernel what it has written: what is not synced is not lost.
CAUGHT_BY_KILLS = {
    # A place that was told of and lost is given again: which of the two is seen first is chance.
    "ack-before-commit": ("server", "pwrite64", "lost write|divergent seq"),
    "dropped-before-ack": ("client", "sendto", "lost pending"),
    "pending-before-saved": ("client", "pwrite64", "lost pending"),
}


def crash(tmp_path: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash", "--keep", str(tmp_path), *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=50,
    )
    return done.returncode, done.stdout + done.stderr


def test_every_bug_has_its_test() -> None:
    assert set(CAUGHT_BY_CUTS) | set(CAUGHT_BY_KILLS) == set(BUGS)


@pytest.mark.parametrize("bug", CAUGHT_BY_CUTS)
def test_a_power_cut_shows_the_bug(tmp_path: Path, bug: str) -> None:
    side, text = CAUGHT_BY_CUTS[bug]
    code, said = crash(tmp_path, "--points", "0", "--images", "400", "--sides", side, "--bug", bug)
    assert code == 1, said
    assert re.search(text, said), said
    # What failed is kept, to be looked at.
    assert list(tmp_path.glob(f"{side}-1-*/*.db"))


@pytest.mark.parametrize("side", ["client", "server", "server-first"])
def test_without_a_bug_a_power_cut_loses_nothing(tmp_path: Path, side: str) -> None:
    code, said = crash(tmp_path, "--points", "0", "--images", "400", "--sides", side)
    assert (code, list(tmp_path.iterdir())) == (0, []), said


@pytest.mark.parametrize("bug", CAUGHT_BY_KILLS)
def test_a_kill_shows_the_bug(tmp_path: Path, bug: str) -> None:
    side, call, text = CAUGHT_BY_KILLS[bug]
    what = ["--points", "120", "--images", "0", "--sides", side, "--calls", call]
    code, said = crash(tmp_path, *what, "--bug", bug, "--first", "--patience", "2")
    assert code == 1, said
    assert re.search(text, said), said


def test_without_a_bug_a_kill_loses_nothing(tmp_path: Path) -> None:
    few = ("--points", "6", "--images", "0", "--sides", "client", "server")
    code, said = crash(tmp_path, *few)
    assert (code, said.count("0 broke a promise")) == (0, 1), said


def test_without_strace_it_fails_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = crash(tmp_path, "--points", "1", "--images", "1")
    assert code == 2
    assert "CANNOT RUN: strace is not installed" in said


def test_where_nothing_may_be_traced_it_fails_and_says_so(tmp_path: Path) -> None:
    child = Child(lambda: os._exit(0), tmp_path / "log")
    try:
        # A process has one tracer: to a second one this machine is one that forbids it.
        tracer = Tracer(child, ["-e", "trace=none"])
        with pytest.raises(PtraceRefused, match="not permitted"):
            Tracer(child, ["-e", "trace=none"])
        child.go()
        assert child.ended(20) == 0
        tracer.ended()
    finally:
        child.end()


def test_points_are_named_so_that_they_can_be_repeated() -> None:
    point = Point("server", "fdatasync", 7, 3)
    assert Point.parse(str(point)) == point
    assert "inject=fdatasync:signal=KILL:when=7" in point.options()
    assert set(points.SIDES) >= {"client", "server"}
