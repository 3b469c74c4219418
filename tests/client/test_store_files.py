from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from talkbot_tui.client import migrations
from talkbot_tui.client.sqlite_checks import EVENTS_CHECKED_BYTES
from talkbot_tui.client.sqlite_store import OWED_MAX, SqliteStore
from talkbot_tui.client.store import StoreError
from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import PageLoaded, Saved, SaveFailed
from talkbot_tui.core.model import MessageDeleted, MessagePosted, RoomSummary
from tests.client.stored import (
    ANA,
    ROOM,
    events,
    limit_pages,
    local,
    opened,
    page,
    posted,
    put_aside,
)


async def test_a_newer_file_is_refused_untouched(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([f.SaveLocal(local(1))])
    path = tmp_path / "cache.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(migrations.steps()) + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreError) as refused:
        await SqliteStore(tmp_path).open()
    assert (refused.value.code, refused.value.path) == ("newer", str(path))
    assert path.read_bytes() == before
    assert not put_aside(tmp_path)


async def test_another_programs_file_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
        db.commit()
    before = path.read_bytes()
    with pytest.raises(StoreError) as refused:
        await SqliteStore(tmp_path).open()
    assert refused.value.code == "unsafe"
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
async def test_strange_things_in_the_files_place_are_not_followed(
    tmp_path: Path, kind: str
) -> None:
    path, elsewhere = tmp_path / "p" / "cache.db", tmp_path / "precious"
    (tmp_path / "p").mkdir(mode=0o700)
    elsewhere.write_text("untouched")
    if kind == "link":
        path.symlink_to(elsewhere)
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(StoreError) as refused:
        await SqliteStore(tmp_path / "p").open()
    assert refused.value.code == "unsafe"
    assert elsewhere.read_text() == "untouched"


@pytest.mark.parametrize("damage", ["text", "one byte", "truncated", "middle"])
async def test_a_damaged_file_is_kept_and_replaced(tmp_path: Path, damage: str) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([f.SaveLocal(local(1)), f.SaveRoom(RoomSummary(ROOM))])
        await store.apply([events(*(posted(seq, "x" * 300) for seq in range(1, 200)))])
    path = tmp_path / "cache.db"
    whole = path.read_bytes()
    harmed = {
        "text": b"this is no database" * 100,
        "one byte": b"x",
        "truncated": whole[: len(whole) // 2],
        "middle": whole[:4096] + b"\xff" * 8192 + whole[12288:],
    }[damage]
    path.write_bytes(harmed)
    async with opened(tmp_path) as (store, _loaded):
        kept = put_aside(tmp_path)
        assert [path.read_bytes() for path in kept] == [harmed]
        assert store.notices()[0] == ("cache_damaged", str(kept[0]))
        assert await store.apply([f.SaveLocal(local(9))]) == [Saved("c9")]


async def test_unsent_messages_are_rescued_from_a_damaged_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([f.SaveLocal(local(1)), f.SaveLocal(local(2))])
        await store.apply([f.SaveRoom(RoomSummary(ROOM)), f.SaveDraft("r2", "half")])
    with closing(sqlite3.connect(tmp_path / "cache.db")) as db:
        db.execute("UPDATE rooms SET summary = '{not json'")
        db.commit()
    async with opened(tmp_path) as (store, loaded):
        assert [m.text for m in loaded.outbox] == ["unsent 1", "unsent 2"]
        assert [code for code, _ in store.notices()] == ["cache_damaged"]


async def test_damage_found_while_running_is_mended_at_the_next_start(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([f.SaveLocal(local(1))])
        # So large a file is not read through at its opening.
        texts = ("x" * (EVENTS_CHECKED_BYTES // 50) for _ in range(60))
        await store.apply([events(*(posted(seq, text) for seq, text in enumerate(texts, 1)))])
    with closing(sqlite3.connect(tmp_path / "cache.db")) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    data = bytearray((tmp_path / "cache.db").read_bytes())
    data[(root - 1) * size : root * size] = b"\xff" * size
    (tmp_path / "cache.db").write_bytes(data)
    async with opened(tmp_path) as (store, loaded):
        assert [m.client_msg_id for m in loaded.outbox] == ["c1"]
        answers = await store.apply([events(posted(400)), f.SaveLocal(local(2))])
        assert answers == [SaveFailed("c2", "unreadable")]
    async with opened(tmp_path) as (store, loaded):
        assert [m.client_msg_id for m in loaded.outbox] == ["c1"]
        assert [code for code, _ in store.notices()] == ["cache_damaged"]
        assert await page(store) == ()


async def test_a_full_disk_is_told_and_passes(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([f.SaveLocal(local(1)), events(posted(1))])
        limit_pages(store, 1)
        big = local(2, "x" * 30_000)
        answers = await store.apply([f.SaveLocal(big), events(posted(2, "y" * 30_000))])
        assert answers == [SaveFailed("c2", "disk_full")]
        assert [e.seq for e in await page(store)] == [1, 2]
        limit_pages(store, 1 << 30)
        assert await store.apply([f.SaveLocal(local(3))]) == [Saved("c3")]
        assert [e.seq for e in await page(store)] == [1, 2]
    async with opened(tmp_path) as (_, loaded):
        assert [m.client_msg_id for m in loaded.outbox] == ["c1", "c3"]


async def test_a_page_on_a_full_disk_has_what_could_not_be_written(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([events(posted(1), posted(2))])
        limit_pages(store, 1)
        gone = MessageDeleted("r1", 4, 4, ANA, "s2")
        await store.apply([events(posted(3, "x" * 30_000), gone)])
        assert [e.seq for e in await page(store)] == [1, 2, 3]
        await store.apply([f.SaveDraft("r1", "y" * 30_000)])
        found = await page(store)
        assert [e.seq for e in found] == [1, 2, 3]
        assert [isinstance(e, MessagePosted) and e.message.deleted for e in found] == [
            False,
            True,
            False,
        ]
        older = f.LoadPage("r1", 3, 1)
        (answer,) = await store.apply([older])
        assert isinstance(answer, PageLoaded)
        assert [e.seq for e in answer.events] == [2]
        await store.apply([f.ForgetRoom("r1")])
        assert await page(store) == ()


async def test_what_could_not_be_written_for_long_is_fetched_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([f.SaveRoom(RoomSummary(ROOM)), events(posted(1)), f.SaveLocal(local(1))])
        limit_pages(store, 1)
        for seq in range(2, OWED_MAX + 5):
            await store.apply([events(posted(seq, "z" * 3000))])
        assert len(store._owed) < 10
        limit_pages(store, 1 << 30)
        await store.apply([events(posted(OWED_MAX + 5))])
    async with opened(tmp_path) as (store, loaded):
        assert loaded.rooms == ()
        assert await page(store) == ()
        assert [m.client_msg_id for m in loaded.outbox] == ["c1"]


async def test_a_text_that_cannot_be_stored_does_not_harm_its_neighbours(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        answers = await store.apply(
            [f.SaveLocal(local(1)), f.SaveLocal(local(2, "half \ud83d")), f.SaveLocal(local(3))]
        )
        assert answers == [Saved("c1"), SaveFailed("c2", "not_storable"), Saved("c3")]


async def test_a_cancelled_caller_does_not_cut_a_transaction(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        calls = [
            asyncio.ensure_future(store.apply([f.SaveLocal(local(number))])) for number in range(20)
        ]
        await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert await store.apply([f.SaveLocal(local(99))]) == [Saved("c99")]
    async with opened(tmp_path) as (_, loaded):
        assert len(loaded.outbox) == 21


OPENED_BY_ANOTHER = """
import asyncio, os, sys
from pathlib import Path
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.client.store import StoreError
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    asyncio.run(SqliteStore(Path(sys.argv[1])).open())
except StoreError as error:
    print(error.code)
"""


def opened_by_another(folder: Path) -> str:
    """What somebody without special rights is told about `folder`."""
    done = subprocess.run(
        [sys.executable, "-c", OPENED_BY_ANOTHER, str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_folder_that_cannot_be_written_is_told() -> None:
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        folder.chmod(0o500)
        assert opened_by_another(folder) == "read_only"
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)


def test_somebody_elses_folder_is_refused() -> None:
    assert opened_by_another(Path("/usr")) == "unsafe"


def test_steps_are_numbered_and_never_touch_what_is_unsent() -> None:
    names = sorted(p.name for p in Path(migrations.__file__).parent.glob("*.sql"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    for step in migrations.steps():
        lowered = step.lower()
        assert "delete from outbox" not in lowered
        assert "drop table" not in lowered


async def test_a_first_start_that_was_cut_short_is_no_damage(tmp_path: Path) -> None:
    """The power went while the first page was on its way: its journal says to take it back."""
    path = tmp_path / "cache.db"
    path.write_bytes(bytes(4096))
    # As SQLite writes it: no page was there before, sectors of 512 bytes, pages of 4096.
    journal = bytes.fromhex("d9d505f920a163d7 00000000 45fc24cc 00000000 00000200 00001000")
    path.with_name("cache.db-journal").write_bytes(journal.ljust(512, b"\0"))
    async with opened(tmp_path) as (store, _):
        assert store.notices() == ()
        assert await store.apply([f.SaveLocal(local(1))]) == [Saved("c1")]
    assert not put_aside(tmp_path)
