"""A cache of a million messages in fifty rooms, made by SQL at once.

`python bench/deep.py FOLDER [MESSAGES]` makes one and tells how long its index takes.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.core import effects as f
from talkbot_tui.core.model import Conversation, Kind, Message, MessagePosted, RoomSummary, User

ROOMS = 50
PEOPLE = [User(f"u{n}", f"person{n}") for n in range(200)]
BEGIN_MS = 1_600_000_000_000
VOCABULARY = 30_000
CHUNK = 20_000


def words(count: int = VOCABULARY) -> list[str]:
    """Made-up words, the most frequent first."""
    dice = random.Random(1)
    found: dict[str, None] = {}
    while len(found) < count:
        syllables = (dice.choice("bcdfglmnprstv") + dice.choice("aeiou") for _ in range(4))
        found["".join(itertools.islice(syllables, dice.randint(1, 4)))] = None
    return list(found)


def messages(total: int, rooms: int = ROOMS) -> Iterator[tuple[str, int, str, str, str]]:
    """Rows of the table of events: one message a minute, in each room in turn."""
    dice, vocabulary = random.Random(2), words()
    weights = list(itertools.accumulate(1 / (n + 3) for n in range(len(vocabulary))))
    texts = [
        " ".join(dice.choices(vocabulary, cum_weights=weights, k=dice.randint(3, 14)))
        for _ in range(min(total, 50_000))
    ]
    for number in range(total):
        room, seq = f"r{number % rooms}", number // rooms + 1
        name, sender, ts = f"{room}-{seq}", PEOPLE[number * 7 % 200], BEGIN_MS + number * 60_000
        message = Message(
            name, room, sender, texts[number % len(texts)], ts, server_msg_id=name, seq=seq
        )
        body = msgspec.json.encode(MessagePosted(room, seq, ts, sender, message)).decode()
        yield room, seq, "message", name, body


def make(folder: Path, total: int, rooms: int = ROOMS) -> None:
    """The cache, without its index."""
    asyncio.run(_prepare(folder, total // rooms, rooms))
    with closing(sqlite3.connect(folder / "cache.db", isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        rows = messages(total, rooms)
        db.execute("BEGIN")
        # By room and seq, as the table is ordered: so it is written once from its beginning.
        while chunk := list(itertools.islice(rows, CHUNK)):
            db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", sorted(chunk))
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (folder / "search.db").unlink(missing_ok=True)


async def _prepare(folder: Path, seqs: int, rooms: int) -> None:
    store = SqliteStore(folder)
    await store.open()
    await store.apply([f.SaveIdentity("epoch", User("me", "me"))])
    for number in range(rooms):
        room = Conversation(f"r{number}", Kind.CHANNEL, f"room{number}", role="member")
        summary = RoomSummary(room, head_seq=seqs, read_seq=seqs)
        await store.apply([f.SaveRoom(summary), f.SaveEvents(f"r{number}", (), seqs, ((1, seqs),))])
    await store.close()


async def index(folder: Path) -> float:
    """Seconds until everything is indexed."""
    store = SqliteStore(folder)
    await store.open()
    began = time.perf_counter()
    await store.indexed()
    took = time.perf_counter() - began
    await store.close()
    return took


if __name__ == "__main__":
    place, total = Path(sys.argv[1]), int((*sys.argv[2:], 1_000_000)[0])
    began = time.perf_counter()
    make(place, total)
    made = time.perf_counter() - began
    seconds = asyncio.run(index(place))
    sizes = {path.name: path.stat().st_size // 10**6 for path in place.iterdir()}
    print(json.dumps({"made in s": made, "indexed in s": seconds, "MB": sizes}))
