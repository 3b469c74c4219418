"""Rows S2, S3 and S5: a cache that somebody, or a bit, has changed, each page of it whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from talkbot_tui.client.outbox_file import read
from talkbot_tui.client.store import StoreError
from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Saved
from talkbot_tui.core.model import RoomSummary
from tests.client.stored import ROOM, local, opened, put_aside
from tests.corpus.rows import Row, load

ROWS = load("store.jsonl")
TOLD = {"whole": [], "told": ["cache_damaged"], "lost": ["cache_damaged", "unsent_lost"]}


def test_every_row_has_cases_of_its_own() -> None:
    assert list(dict.fromkeys(row.id.partition(".")[0] for row in ROWS)) == ["S2", "S3", "S5"]
    assert len({row.id for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_a_changed_cache_opens_and_loses_nothing_in_silence(row: Row, tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([f.SaveLocal(local(1)), f.SaveLocal(local(2))])
        await store.apply(
            [f.SaveRoom(RoomSummary(ROOM)), f.SaveDraft(ROOM.conversation_id, "half")]
        )
    with closing(sqlite3.connect(tmp_path / "cache.db")) as db:
        db.execute(str(row.pieces({})[0]))
        db.commit()
    (expected,) = row.expect
    with suppress(StoreError):
        # As `talkbot-tui outbox ls` looks into it, beside whoever writes.
        read(tmp_path)
    async with opened(tmp_path) as (store, loaded):
        assert [code for code, _ in store.notices()] == TOLD[expected]
        assert len(put_aside(tmp_path)) == (expected != "whole")
        texts = [message.text for message in loaded.outbox]
        assert texts == ["unsent 1", "unsent 2"] or (expected == "lost" and "unsent 2" in texts)
        assert all(isinstance(room.summary.draft, str) for room in loaded.rooms)
        assert await store.apply([f.SaveLocal(local(9))]) == [Saved("c9")]
