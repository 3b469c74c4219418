from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from talkbot_tui.client import migrations
from talkbot_tui.client.memory import MemoryStore
from talkbot_tui.client.sqlite_store import OWED_MAX, SqliteStore
from talkbot_tui.client.store import Store, StoreError
from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Loaded, PageLoaded, Saved, SaveFailed
from talkbot_tui.core.model import (
    Conversation,
    Kind,
    LogEvent,
    MemberChanged,
    Message,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Reaction,
    ReactionsChanged,
    RoomSummary,
    SendState,
    User,
)

SIDES = ("-wal", "-shm")
ANA = User("u1", "ana")
ROOM = Conversation("r1", Kind.CHANNEL, "general")


def local(number: int, text: str = "") -> Message:
    return Message(
        key=f"c{number}",
        conversation_id="r1",
        sender=ANA,
        text=text or f"unsent {number}",
        ts=number,
        client_msg_id=f"c{number}",
        state=SendState.QUEUED,
    )


def posted(seq: int, text: str = "") -> MessagePosted:
    message = Message(
        key=f"s{seq}",
        conversation_id="r1",
        sender=ANA,
        text=text or f"line {seq}",
        ts=seq,
        server_msg_id=f"s{seq}",
        seq=seq,
        changed_seq=seq,
        reactions=(Reaction("👍", ("u2",)),),
    )
    return MessagePosted("r1", seq, seq, ANA, message)


def events(*found: LogEvent, cursor: int = 0) -> f.SaveEvents:
    cursor = cursor or max(event.seq for event in found)
    return f.SaveEvents("r1", found, cursor, ((1, cursor),))


def put_aside(folder: Path) -> list[Path]:
    return [p for p in folder.glob("cache.db.corrupt-*") if p.name[-4:] not in SIDES]


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[SqliteStore, Loaded]]:
    store = SqliteStore(folder)
    loaded = await store.open()
    try:
        yield store, loaded
    finally:
        await store.close()


async def page(store: Store, before: int = 0, limit: int = 200) -> tuple[LogEvent, ...]:
    (answer,) = await store.apply([f.LoadPage("r1", before, limit)])
    assert isinstance(answer, PageLoaded)
    return answer.events


async def test_everything_comes_back_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        answers = await store.apply(
            [
                f.SaveIdentity("epoch", ANA),
                f.SaveRoom(RoomSummary(ROOM, head_seq=2, last_text="é")),
                events(posted(1), posted(2)),
                f.SaveLocal(local(1)),
                f.SaveLocal(local(2)),
                f.UpdateLocal(replace(local(1), state=SendState.FAILED, error="no: No.")),
                f.SaveDraft("r1", "half"),
            ]
        )
        assert answers == [Saved("c1"), Saved("c2")]
    async with opened(tmp_path) as (store, loaded):
        assert (loaded.epoch, loaded.me) == ("epoch", ANA)
        (room,) = loaded.rooms
        assert (room.cursor, room.ranges, room.summary.draft) == (2, ((1, 2),), "half")
        assert [m.text for m in loaded.outbox] == ["unsent 1", "unsent 2"]
        assert loaded.outbox[0].error == "no: No."
        assert await page(store) == (posted(1), posted(2))


async def test_pages_go_back_in_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([events(*(posted(seq) for seq in range(1, 101)))])
        assert [e.seq for e in await page(store, 0, 10)] == list(range(91, 101))
        assert [e.seq for e in await page(store, 91, 10)] == list(range(81, 91))
        assert await page(store, 1) == ()


async def test_a_deleted_message_leaves_no_word_in_the_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([events(posted(1, "Geheimnis-one"))])
        await store.apply([events(MessageEdited("r1", 2, 2, ANA, "s1", "Geheimnis-two", 1))])
        assert b"Geheimnis" in (tmp_path / "cache.db-wal").read_bytes()
        await store.apply([events(MessageDeleted("r1", 3, 3, ANA, "s1"))])
    assert b"Geheimnis" not in (tmp_path / "cache.db").read_bytes()


async def test_both_stores_answer_alike(tmp_path: Path) -> None:
    script: list[list[f.SaveEvents | f.ForgetRoom | f.ForgetAll | f.SaveLocal | f.DropLocal]] = [
        [events(posted(1), posted(2), posted(4))],
        [events(MessageEdited("r1", 5, 5, ANA, "s2", "edited", 1))],
        [events(ReactionsChanged("r1", 6, 6, ANA, "s4", (Reaction("x", ("u9",)),)))],
        [events(MemberChanged("r1", 7, 7, ANA, ANA, "joined"))],
        [events(MessageDeleted("r1", 8, 8, ANA, "s1"))],
        [events(posted(2, "an old copy"))],
        [f.SaveLocal(local(1)), f.SaveLocal(local(2)), f.DropLocal("c1")],
    ]
    memory = MemoryStore()
    async with opened(tmp_path) as (store, _):
        for step in script:
            assert await store.apply(step) == await memory.apply(step)
            assert await page(store) == await page(memory)
        await store.apply([f.SaveRoom(RoomSummary(ROOM))])
        await memory.apply([f.SaveRoom(RoomSummary(ROOM))])
        await store.close()
        again = SqliteStore(tmp_path)
        assert await again.open() == await memory.open()
        for forget in (f.ForgetRoom("r1"), f.ForgetAll("e2", ANA)):
            await again.apply([forget])
            await memory.apply([forget])
            assert await page(again) == await page(memory) == ()
        await again.close()


async def test_forgetting_the_cache_keeps_what_is_unsent(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([f.SaveLocal(local(1)), f.SaveDraft("r1", "half"), events(posted(1))])
        await store.apply([f.ForgetRoom("r1"), f.ForgetAll("other", ANA)])
    async with opened(tmp_path) as (store, loaded):
        assert [m.client_msg_id for m in loaded.outbox] == ["c1"]
        await store.apply([f.SaveRoom(RoomSummary(ROOM))])
    async with opened(tmp_path) as (_, loaded):
        assert loaded.rooms[0].summary.draft == "half"


async def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        async with opened(tmp_path / "a" / "b") as (store, _):
            await store.apply([f.SaveLocal(local(1))])
            modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "a").rglob("*")}
    finally:
        os.umask(old)
    assert modes.pop("b") == 0o700
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert set(modes) >= {"cache.db", "cache.db-wal", "cache.db-shm", "lock"}
    assert set(modes.values()) == {0o600}


KILLED = """
import asyncio, sys
from pathlib import Path
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.core import effects as f
from tests.client.test_store import local

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.open()
    number = 0
    while True:
        number += 1
        await store.apply([f.SaveLocal(local(number))])
        print(number, flush=True)

asyncio.run(main())
"""


def saving_forever(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True
    )


async def test_what_was_saved_survives_kill_9(tmp_path: Path) -> None:
    process = saving_forever(tmp_path)
    assert process.stdout is not None
    for _ in range(30):
        promised = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    promised = max([promised, *(int(line) for line in process.stdout if line.strip())])
    process.wait()
    process.stdout.close()
    async with opened(tmp_path) as (store, loaded):
        numbers = [int(m.client_msg_id[1:]) for m in loaded.outbox]
        assert numbers[:promised] == list(range(1, promised + 1))
        assert store.notices() == ()


async def test_a_second_process_is_refused_a_second_writer(tmp_path: Path) -> None:
    process = saving_forever(tmp_path)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(StoreError) as refused:
            await SqliteStore(tmp_path).open()
        assert refused.value.code == "busy"
        patient = SqliteStore(tmp_path, wait_s=10)
        opening = asyncio.ensure_future(patient.open())
        await asyncio.sleep(0)
        process.kill()
        assert (await opening).outbox
        await patient.close()
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


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
        await store.apply([events(*(posted(seq, "x" * 300) for seq in range(1, 400)))])
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


def full(store: SqliteStore, pages: int) -> None:
    assert store._db is not None
    store._thread.submit(store._db.execute, f"PRAGMA max_page_count = {pages}").result()


async def test_a_full_disk_is_told_and_passes(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([f.SaveLocal(local(1)), events(posted(1))])
        full(store, 1)
        big = local(2, "x" * 30_000)
        answers = await store.apply([f.SaveLocal(big), events(posted(2, "y" * 30_000))])
        assert answers == [SaveFailed("c2", "disk_full")]
        assert [e.seq for e in await page(store)] == [1]
        full(store, 1 << 30)
        assert await store.apply([f.SaveLocal(local(3))]) == [Saved("c3")]
        assert [e.seq for e in await page(store)] == [1, 2]
    async with opened(tmp_path) as (_, loaded):
        assert [m.client_msg_id for m in loaded.outbox] == ["c1", "c3"]


async def test_what_could_not_be_written_for_long_is_fetched_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([f.SaveRoom(RoomSummary(ROOM)), events(posted(1)), f.SaveLocal(local(1))])
        full(store, 1)
        for seq in range(2, OWED_MAX + 5):
            await store.apply([events(posted(seq, "z" * 3000))])
        assert len(store._owed) < 10
        full(store, 1 << 30)
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
