"""The targets hold for their seeds and for what fuzzing has found, with or without atheris."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpus.rows import Row, load
from tests.fuzz.planted import PlantedError, planted
from tests.fuzz.seeds import FOUND, bytes_of, row_of, seeds_of
from tests.fuzz.targets import TARGETS

FEW = {"long": 3}
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_hold_and_so_do_their_neighbours(name: str) -> None:
    take = TARGETS[name].take
    seeds = seeds_of(name)
    assert seeds
    for data in seeds[: FEW.get(name)]:
        take(data)
    chance = random.Random(name)
    for _ in range(FEW.get(name, 200)):
        near = bytearray(chance.choice(seeds))
        for _change in range(3):
            if near:
                near[chance.randrange(len(near))] = chance.randrange(256)
        take(bytes(near))


@pytest.mark.parametrize("row", load(FOUND), ids=lambda row: row.id)
def test_what_was_found_holds_now(row: Row) -> None:
    (data,) = row.pieces({})
    TARGETS[row.where].take(bytes_of(data))


def test_every_finding_names_a_target_and_has_an_id_of_its_own() -> None:
    rows = load(FOUND)
    assert [row.id for row in rows] == [f"F{number + 1}" for number in range(len(rows))]
    assert {row.where for row in rows} <= set(TARGETS)
    assert f'"F{len(rows) + 1}"' in row_of("text", b"\x00")


def test_the_planted_bug_is_there() -> None:
    planted(b"BUG")
    planted(b"BUGS")
    with pytest.raises(PlantedError):
        planted(b"BUG!")


def test_a_finding_can_be_seen_again(tmp_path: Path) -> None:
    file = tmp_path / "found"
    file.write_bytes(b"ol\xc3\xa1")
    replay = [sys.executable, "-m", "tests.fuzz", "--replay", "text", str(file)]
    done = subprocess.run(replay, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "holds\n"
