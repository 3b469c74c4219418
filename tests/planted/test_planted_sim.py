"""The simulator can fail: it finds each planted bug within a few seeds."""

from __future__ import annotations

import pytest

from tests.planted.sim_bugs import BUGS, Planted
from tests.sim.simulation import simulate

SEEDS_MAX = 200


def first_caught(planted: Planted) -> int:
    """The first seed whose run shows the bug."""
    with planted.bug():
        for seed in range(1, SEEDS_MAX + 1):
            found = {violation.name for violation in simulate(seed).violations}
            if found & set(planted.caught_as):
                return seed
    raise AssertionError(f"not caught within {SEEDS_MAX} seeds")


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name: str) -> None:
    seed = first_caught(BUGS[name])
    assert simulate(seed).violations == [], "the run is good without the bug"
