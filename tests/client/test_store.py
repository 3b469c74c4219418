from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from talkbot_tui.client.memory import MemoryStore
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.client.store import StoreError
from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Saved
from talkbot_tui.core.model import (
    MemberChanged,
    MessageDeleted,
    MessageEdited,
    Reaction,
    ReactionsChanged,
    RoomSummary,
    SendState,
)
from tests.client.stored import ANA, ROOM, events, local, opened, page, posted


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
from tests.client.stored import local

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
