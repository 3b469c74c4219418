"""Each page of a cache, flipped, emptied or cut off: no crash, and nothing is lost in silence."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from talkbot_tui.client import migrations
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.client.store import StoreError
from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Saved, SaveFailed
from talkbot_tui.core.model import Message, RoomSummary
from tests.client.schemas.make import DRAFTS, LINES, UNSENT, fixture
from tests.client.stored import ROOM, events, local, opened, page, posted, put_aside

WHOLE = fixture(len(migrations.steps())).read_bytes()
PAGE = 4096
PAGES = len(WHOLE) // PAGE
IDENTITY = {*range(60, 64), *range(68, 72)}
"""Bytes of the header that say whose file it is, and of which version: believed as they are."""


def harmed(number: int) -> Iterator[tuple[str, bytes]]:
    """Page `number` in many bad ways."""
    start, dice = number * PAGE, random.Random(number)
    yield "cut before", WHOLE[:start]
    yield "cut within", WHOLE[: start + dice.randrange(1, PAGE)]
    for name, fill in (("zeros", b"\0"), ("ones", b"\xff")):
        yield name, WHOLE[:start] + fill * PAGE + WHOLE[start + PAGE :]
    begin = range(100 if number == 0 else 12)
    for at in [*begin, *(dice.randrange(PAGE) for _ in range(20))]:
        for bits in (0xFF, 1 << dice.randrange(8)):
            data = bytearray(WHOLE)
            data[start + at] ^= bits
            yield f"byte {at} ^ {bits:#x}", bytes(data)


def same(folder: Path, data: bytes) -> bool:
    return (folder / "cache.db").read_bytes() == data


async def used(store: SqliteStore) -> bool:
    """Do what an engine does; whether all that was cached is still shown."""
    rows = await page(store)
    (answer,) = await store.apply([f.SaveLocal(local(9)), events(posted(LINES + 3))])
    assert answer == Saved("c9") or isinstance(answer, SaveFailed)
    return len(rows) >= LINES + 1 and answer == Saved("c9")


async def found(folder: Path, data: bytes) -> str:
    """What came of it, in a word; fails when something was lost in silence."""
    path = folder / "cache.db"
    path.write_bytes(data)
    path.chmod(0o600)
    store = SqliteStore(folder)
    try:
        loaded = await store.open()
    except StoreError as error:
        return f"{error.code}, untouched: {same(folder, data)}"
    told = [code for code, _ in store.notices()]
    assert len(loaded.outbox) == len(UNSENT) or "unsent_lost" in told
    assert told[:1] in ([], ["cache_damaged"])
    kept = [aside.read_bytes() for aside in put_aside(folder)]
    assert kept == ([data] if told else [])
    shown = await used(store)
    await store.close()
    if told or shown:
        return "told" if told else "whole"
    # It was noticed in use: the next start tells of it and begins anew.
    async with opened(folder) as (store, loaded):
        told = [code for code, _ in store.notices()]
        assert told[:1] == ["cache_damaged"]
        assert len(loaded.outbox) >= len(UNSENT) or "unsent_lost" in told
        assert len(put_aside(folder)) == 1
        assert await store.apply([f.SaveLocal(local(10))]) == [Saved("c10")]
    return "told later"


@pytest.mark.parametrize("number", range(PAGES))
async def test_a_harmed_page(tmp_path: Path, number: int) -> None:
    seen = set()
    for place, (name, data) in enumerate(harmed(number)):
        if not data:
            continue
        folder = tmp_path / str(place)
        folder.mkdir(mode=0o700)
        try:
            outcome = await found(folder, data)
        except Exception as error:
            error.add_note(f"page {number}: {name}")
            raise
        seen.add(outcome)
        if outcome not in ("whole", "told", "told later"):
            assert outcome in ("newer, untouched: True", "unsafe, untouched: True")
            assert number == 0
            assert int(name.split()[1]) in IDENTITY
    assert seen & {"told", "told later"}


async def unsent_of(folder: Path, data: bytes) -> tuple[tuple[Message, ...], list[str], str]:
    """What is unsent after the damage, what is told, and the other room's draft."""
    (folder / "cache.db").write_bytes(data)
    (folder / "cache.db").chmod(0o600)
    async with opened(folder) as (store, loaded):
        codes = [code for code, _ in store.notices()]
        await store.apply([f.SaveRoom(RoomSummary(replace(ROOM, conversation_id="r2")))])
    async with opened(folder) as (_, again):
        assert again.outbox == loaded.outbox
        return loaded.outbox, codes, again.rooms[0].summary.draft


async def test_without_its_first_page_all_that_is_unsent_is_found(tmp_path: Path) -> None:
    """That page says where everything is; a new file of the same schema says it, too."""
    data = bytes(PAGE) + WHOLE[PAGE:]
    assert await unsent_of(tmp_path, data) == (UNSENT, ["cache_damaged"], DRAFTS["r2"])


async def test_what_lies_behind_an_unreadable_message_is_found_too(tmp_path: Path) -> None:
    second = WHOLE.index("código".encode())
    data = WHOLE[:second] + b"\xff" + WHOLE[second + 1 :]
    unsent, codes, draft = await unsent_of(tmp_path, data)
    assert unsent == (UNSENT[0], *UNSENT[2:])
    assert (codes, draft) == (["cache_damaged", "unsent_lost"], DRAFTS["r2"])
