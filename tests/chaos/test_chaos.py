"""A taste of `make chaos`: that the harness runs, and that it can find something."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.__main__ import run
from tests.chaos.kinds import BY_NAME, KINDS, heal
from tests.chaos.world import Size, World, judge, late
from tests.histories.record import Entry, History, What

SMALL = Size(messages=25, rate=50.0, people=2)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", ["calm", "server killed"])
async def test_a_run_acknowledges_everything_and_finds_nothing(kind: str, tmp_path: Path) -> None:
    result = await run(BY_NAME[kind], 1, SMALL, tmp_path)
    assert result.violations == []
    assert result.acked == 50
    assert bool(result.faults) is (kind != "calm")


@pytest.mark.timeout(120)
async def test_a_message_taken_out_of_the_servers_file_is_found(tmp_path: Path) -> None:
    world = World(tmp_path, 1, SMALL)
    try:
        await world.open()
        world.load()
        await heal(world)
        await world.spoken()
        await world.settle()
    finally:
        await world.close()
    with closing(sqlite3.connect(world.database)) as db, db:
        db.execute("PRAGMA foreign_keys = OFF")
        victim = db.execute("SELECT max(seq) FROM message").fetchone()[0]
        db.execute("DELETE FROM message WHERE seq = ?", (victim,))
        db.execute("DELETE FROM event WHERE seq = ?", (victim,))
    _acked, found = judge(world)
    assert {"lost write", "ghost"} <= {violation.name for violation in found}


def test_who_comes_back_late_or_never_is_told() -> None:
    healed = Entry(What.HEALED, 10.0)
    gone = Entry(What.OFFLINE, 9.0, "ana.1")
    back = Entry(What.ONLINE, 13.0, "ana.1")
    assert late(History([gone, healed, back]), 5.0) == []
    assert len(late(History([gone, healed, back]), 2.0)) == 1
    assert len(late(History([gone, healed]), 5.0)) == 1


def test_each_kind_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(KINDS) >= 20
