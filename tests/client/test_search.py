"""The same questions to both stores; and an index that is never in a message's way."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from talkbot_tui.client import sqlite_index, sqlite_search
from talkbot_tui.client.memory import MemoryStore
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.client.store import Store
from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Saved
from talkbot_tui.core.model import (
    MemberChanged,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    User,
)
from talkbot_tui.core.search import Ask, Found
from tests.client.stored import ANA, events, limit_pages, local, opened, page, posted

BRUNO = User("u2", "bruno")


def said(seq: int, text: str, room: str = "r1", sender: User = ANA, ts: int = 0) -> MessagePosted:
    event = posted(seq, text)
    ts = ts or seq * 60_000
    message = replace(event.message, conversation_id=room, sender=sender, ts=ts,
                      server_msg_id=f"{room}-{seq}")  # fmt: skip
    return MessagePosted(room, seq, ts, sender, message)


def saved(*found: MessagePosted) -> f.SaveEvents:
    return replace(events(*found), conversation_id=found[0].conversation_id)


SCRIPT: list[f.SaveEvents | f.ForgetRoom | f.ForgetAll] = [
    saved(said(1, "good morning everybody"), said(2, "the *build* is green"), said(3, "bom dia!")),
    saved(said(1, "Morning build report", "r2", BRUNO, 90_000), said(2, "ação já", "r2", BRUNO)),
    saved(said(4, "会議は明日の午後三時からです"), said(5, "Straße, Ärger, ΑΘΗΝΑ, café 🎉")),
    saved(said(6, "half a"), said(7, "tokyo\n  東京タワー"), said(8, "x" * 200)),
    events(MemberChanged("r1", 9, 9, ANA, ANA, "joined")),
    events(MessageEdited("r1", 10, 10, ANA, "r1-2", "the build is red", 1)),
    events(MessageDeleted("r1", 11, 11, ANA, "r1-1")),
    events(
        MessagePosted("r1", 12, 12, ANA, replace(said(12, "still wri").message, streaming=True))
    ),
    events(MessageEdited("r1", 13, 13, ANA, "r1-12", "still writing this", 1)),
]
QUESTIONS = [
    "build", "BUILD", "buil", '"build is"', '"is build"', "build is", "build report", "morning",
    "good", "green", "red", "acao", "AÇÃO ja", "明日", "明日の午", "午明", "東京", "strasse",
    "ARGER", "αθηνα", "cafe", "🎉", "caf*", "c*", "", " ", "!", "a", "x" * 200, "x" * 64, "xx", '"',
    '""',
    '"bom', "NOT", "NEAR(a b)", "text:build", "tags:1", "-build", "^build", "build OR morning",
    "'; DROP TABLE events; --", "*", "(", "1", "still wri", "writing", "half a", "tok* tow*",
    "b* d*", "dia bom", "\x00", "\ud800", "ะ", "l'été",
]  # fmt: skip


async def answers(store: Store, ask: Ask) -> tuple[list[object], str]:
    found: Found = await store.search(ask)
    hits: list[object] = [
        (h.message.conversation_id, h.message.seq, h.snippet.text, h.snippet.marks)
        for h in found.hits
    ]
    return hits, found.problem


async def test_both_stores_find_alike(tmp_path: Path) -> None:
    memory, total = MemoryStore(), 0
    async with opened(tmp_path) as (store, _):
        for step in SCRIPT:
            await store.apply([step])
            await memory.apply([step])
            for words in QUESTIONS:
                for ask in (Ask(words), Ask(words, "r2"), Ask(words, "", "u2"), Ask(words, "r9"),
                            Ask(words, since=61_000, until=200_000)):  # fmt: skip
                    hits, problem = await answers(store, ask)
                    assert (hits, problem or "") == await answers(memory, ask), (step, ask)
                    total += len(hits)
        for forget in (f.ForgetRoom("r2"), f.ForgetAll("e2", ANA)):
            await store.apply([forget])
            await memory.apply([forget])
            await store.indexed()
            for words in QUESTIONS:
                assert await answers(store, Ask(words)) == await answers(memory, Ask(words))
        assert await answers(store, Ask("build")) == ([], "")
    assert total > 300


async def test_the_words_that_must_be_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply(SCRIPT)
        await store.indexed()

        async def seqs(words: str, **more: object) -> list[int]:
            return [h.message.seq for h in (await store.search(Ask(words, **more))).hits]  # type: ignore[arg-type] # a test's keywords

        assert await seqs("build") == [2, 1]
        assert await seqs("build", conversation_id="r1") == [2]
        assert await seqs("build", sender_id="u2") == [1]
        assert await seqs("green") == await seqs("good") == []
        assert await seqs("明日の午") == [4]
        assert await seqs("caf*") == await seqs("🎉") == [5]
        assert await seqs("still wri") == [12]


async def test_hits_come_by_pages_the_newest_first_whatever_their_times(tmp_path: Path) -> None:
    dice = random.Random(3)
    times = [dice.choice((0, 5_000, 2**53, dice.randrange(10**6))) for _ in range(300)]
    both: list[Store] = [MemoryStore(), SqliteStore(tmp_path)]
    seen: list[list[int]] = []
    for store in both:
        await store.open()
        await store.apply([saved(*(said(n + 1, "same", ts=t) for n, t in enumerate(times)))])
        found, before = [], 0
        while True:
            got = await store.search(Ask("same", before=before, limit=7))
            found += [hit.message for hit in got.hits]
            before = got.more
            if not before:
                break
            assert len(got.hits) == 7
        assert sorted(message.seq for message in found) == list(range(1, 301))
        seconds = [message.ts // 1000 for message in found]
        assert seconds == sorted(seconds, reverse=True)
        seen.append(seconds)
        await store.close()
    assert seen[0] == seen[1]


@pytest.mark.parametrize("how", ["deleted", "edited", "left"])
async def test_no_word_stays_in_the_index(tmp_path: Path, how: str) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([saved(*(said(n, f"word{n} geheimnis") for n in range(1, 40)))])
        await store.apply([saved(said(40, "zzqsecretq"))])
        await store.indexed()
        assert (await store.search(Ask("zzqsecretq"))).hits
        if how == "deleted":
            await store.apply([events(MessageDeleted("r1", 41, 41, ANA, "r1-40"))])
        elif how == "edited":
            await store.apply([events(MessageEdited("r1", 41, 41, ANA, "r1-40", "other", 1))])
        else:
            await store.apply([f.ForgetRoom("r1")])
        await store.indexed()
        assert not (await store.search(Ask("zzqsecretq"))).hits
    assert b"zzqsecretq" not in (tmp_path / "search.db").read_bytes()
    assert not (tmp_path / "search.db-wal").exists()


async def test_an_older_cache_is_indexed_in_slices_and_goes_on_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_search, "SLICE", 10)
    monkeypatch.setattr(sqlite_search, "SLICES_COMMITTED", 2)
    async with opened(tmp_path) as (store, _):
        await store.apply([saved(*(said(n, f"line number{n}") for n in range(1, 200)))])
        await store.apply([saved(*(said(n, f"line other{n}", "r2") for n in range(1, 2000)))])
    (tmp_path / "search.db").unlink()
    monkeypatch.setattr(sqlite_search, "BUILD_FIRST_S", -1.0)
    store = SqliteStore(tmp_path)
    await store.open()

    def steps(count: int) -> tuple[str, int] | None:
        for _ in range(count):
            store._search.step(store._db)  # type: ignore[arg-type] # it is open
        return store._search._place

    store._thread.submit(steps, 6).result()
    found = await store.search(Ask("line"))
    assert (len(found.hits), found.problem) == (50, "building")
    # What changes meanwhile is right all the same.
    await store.apply([events(MessageDeleted("r1", 500, 500, ANA, "r1-3"))])
    await store.apply([events(MessageDeleted("r1", 501, 501, ANA, "r1-190"))])
    before = store._thread.submit(killed, store).result()
    assert before is not None
    # The store goes on by itself meanwhile, as far as it comes.
    assert before > ("r1", 40)
    await store.close()
    store = SqliteStore(tmp_path)
    await store.open()
    # One opens the index, the other goes on.
    assert store._thread.submit(steps, 1).result() == before
    after = store._thread.submit(steps, 1).result()
    assert after is not None
    assert after > before
    await store.indexed()
    assert (await store.search(Ask('"number3"'))).hits == ()
    assert [h.message.seq for h in (await store.search(Ask("other7", limit=4000))).hits][-1] == 7
    found = await store.search(Ask("line", limit=4000))
    assert (len(found.hits), found.problem) == (199 + 1999 - 2, "")
    await store.close()


def killed(store: SqliteStore) -> tuple[str, int] | None:
    """As if the process had ended between two slices; how far the index was."""
    assert store._db is not None
    while store._search._noted:
        store._search.step(store._db)
    place = store._search._place
    store._search._let_go()
    store._db.close()
    store._db = None
    return place


CHILD = """
import asyncio, sys
from pathlib import Path
from talkbot_tui.client.sqlite_store import SqliteStore
from tests.client.test_search import said, saved
async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.open()
    for n in range(1, 100000):
        await store.apply([saved(said(n, f"line n{n}"))])
        print(n, flush=True)
asyncio.run(main())
"""


def kill_after(folder: Path, wanted: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) >= wanted:
                os.kill(child.pid, signal.SIGKILL)
                break


async def test_after_kill_9_everything_that_is_cached_is_found(tmp_path: Path) -> None:
    for wanted in (3, 40):
        kill_after(tmp_path, wanted)
        async with opened(tmp_path) as (store, _):
            await store.indexed()
            rows = await page(store)
            assert len(rows) >= wanted
            for row in (rows[0], rows[-1]):
                hits = (await store.search(Ask(f'"n{row.seq}"'))).hits
                assert [hit.message.seq for hit in hits] == [row.seq]


async def test_a_harmed_index_is_made_anew_and_no_message_hears_of_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([saved(*(said(n, f"word{n % 7} line{n}") for n in range(1, 300)))])
        await store.indexed()
    path = tmp_path / "search.db"
    whole, dice, right = path.read_bytes(), random.Random(5), 0
    for turn in range(60):
        data = bytearray(whole)
        start = dice.randrange(len(data) // 4096) * 4096
        match turn % 4:
            case 0:
                data[start : start + 4096] = bytes(4096)
            case 1:
                data[start + dice.randrange(4096)] ^= 0xFF
            case 2:
                del data[start + dice.randrange(4096) :]
            case 3:
                data[start : start + 100] = dice.randbytes(100)
        path.write_bytes(data)
        async with opened(tmp_path) as (store, _):
            assert store.notices() == ()
            found = await store.search(Ask("word3", limit=400))
            assert all("word3" in hit.message.text for hit in found.hits)
            seq = 300 + turn
            assert await store.apply([saved(said(seq, "more")), f.SaveLocal(local(seq))]) == [
                Saved(f"c{seq}")
            ]
            await store.apply([f.DropLocal(f"c{seq}")])
            await store.indexed()
            found = await store.search(Ask("word3", limit=400))
            right += len(found.hits) == 43
            assert len(await page(store, limit=1000)) == seq
    # A flipped bit in a list of places cannot be noticed; whatever is, is mended.
    assert right >= 50


async def test_something_else_in_the_indexs_place_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.write_text("mine")
    (tmp_path / "search.db").symlink_to(other)
    async with opened(tmp_path) as (store, _):
        assert await store.apply([saved(said(1, "word")), f.SaveLocal(local(1))]) == [Saved("c1")]
        assert (await store.search(Ask("word"))).problem == "unavailable"
    assert other.read_text() == "mine"


async def test_without_fts5_there_is_no_search_and_nothing_else_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_search, "has_fts5", lambda: False)
        async with opened(tmp_path) as (store, _):
            assert await store.apply([saved(said(1, "word")), f.SaveLocal(local(1))]) == [
                Saved("c1")
            ]
            assert (await store.search(Ask("word"))).problem == "unavailable"
    async with opened(tmp_path) as (store, _):
        await store.indexed()
        assert [hit.message.seq for hit in (await store.search(Ask("word"))).hits] == [1]


async def test_an_index_on_a_full_disk_refuses_no_message(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([saved(said(1, "word"))])
        await store.indexed()
        index = store._search._index
        assert index is not None
        store._thread.submit(index.db.execute, "PRAGMA max_page_count = 5").result()
        for n in range(2, 40):
            await store.apply([saved(said(n, " ".join(f"w{n}x{k}" for k in range(400))))])
        assert not store.owing
        assert len(await page(store)) == 39
        assert (await store.search(Ask("word"))).problem == "unavailable"
        store._search._retry_at = 0.0
        await store.indexed()
        assert (await store.search(Ask("w30x7"))).hits
        limit_pages(store, 0)


async def test_the_first_event_of_a_time(tmp_path: Path) -> None:
    memory = MemoryStore()
    held = [said(n, "x", ts=n * 1000) for n in (3, 4, 9, 12, 20, 21)]
    async with opened(tmp_path) as (store, _):
        for one in (store, memory):
            await one.apply([saved(*held)])
            at = [await one.seq_at("r1", ts) for ts in (0, 3000, 3001, 9000, 9001, 20_500, 21_001)]
            assert at == [3, 3, 4, 9, 12, 21, 0]
            assert await one.seq_at("r9", 1) == 0


def test_the_library_has_fts5_or_says_so() -> None:
    assert sqlite_index.has_fts5() is any(
        row[0] == "ENABLE_FTS5"
        for row in sqlite3.connect(":memory:").execute("PRAGMA compile_options")
    )
