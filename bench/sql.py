"""What a million cached messages cost, beside the same SQL in bare sqlite3 and beside a thousand.

`python bench/sql.py [MESSAGES]` measures alone.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import deep
import measure

from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import PageLoaded
from talkbot_tui.core.search import Ask

FEW, PAGE, HITS, TURNS = 1_000, 200, 50, 20
WORD = deep.words(1)[0]
"""The most frequent one: a fifth of the messages have it."""

_CHILD = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.memory import FakeConnector
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.core.events import OpenConversation, ReachedTop
import time
async def main():
    began = time.perf_counter()
    connector = FakeConnector({})
    engine = Engine(store=SqliteStore(Path(sys.argv[1])), connector=connector)
    await engine.start()
    engine.dispatch(OpenConversation("r0"))
    timeline = engine.session.timeline("r0")
    while not timeline.numbered:
        await asyncio.sleep(0)
    took = time.perf_counter() - began
    for _ in range(int(sys.argv[3])):
        floor = timeline.floor
        engine.dispatch(ReachedTop("r0"))
        while timeline.floor == floor:
            await asyncio.sleep(0)
    # Not by getrusage: its peak has that of the process that started this one.
    with open("/proc/self/status") as told:
        peak = next(int(line.split()[1]) for line in told if line.startswith("VmHWM"))
    print(json.dumps([took, peak / 1024]))
    await engine.stop()
asyncio.run(main())
"""


class Cache:
    """A store on a cache of so many messages, indexed."""

    def __init__(self, folder: Path, total: int, rooms: int = deep.ROOMS) -> None:
        self.folder, self.seqs = folder, total // rooms
        if not (folder / "cache.db").exists():
            deep.make(folder, total, rooms)
        self.loop = asyncio.new_event_loop()
        self.store = SqliteStore(folder)
        self.loop.run_until_complete(self.store.open())
        self.loop.run_until_complete(self.store.indexed())

    def page(self, before: int = 0) -> float:
        """Seconds for a page of rows, taken apart."""

        async def turn() -> None:
            (answer,) = await self.store.apply([f.LoadPage("r0", before, PAGE)])
            assert isinstance(answer, PageLoaded)
            assert answer.events

        return self._timed(turn)

    def hits(self, room: str = "", words: str = WORD + " ") -> float:
        """Seconds for the newest hits, with their snippets."""

        async def turn() -> None:
            found = await self.store.search(Ask(words, room))
            assert found.hits

        return self._timed(turn)

    def _timed(self, turn: Callable[[], object]) -> float:
        async def turns() -> float:
            best = 1e9
            for _ in range(TURNS):
                began = time.perf_counter()
                await turn()  # type: ignore[misc] # a coroutine function
                best = min(best, time.perf_counter() - began)
            return best

        return self.loop.run_until_complete(turns())

    def close(self) -> None:
        """Release the files."""
        self.loop.run_until_complete(self.store.close())
        self.loop.close()


class Bare:
    """The same questions to the same files, in plain SQL; bodies are taken apart by `json`."""

    def __init__(self, folder: Path) -> None:
        self.cache = sqlite3.connect(f"file:{folder}/cache.db?mode=ro", uri=True)
        self.index = sqlite3.connect(f"file:{folder}/search.db?mode=ro", uri=True)

    def page(self) -> float:
        """Seconds for the newest rows of a room."""
        return self._timed(
            lambda: [
                json.loads(body)
                for (body,) in self.cache.execute(
                    "SELECT body FROM events WHERE conversation_id = 'r0'"
                    " ORDER BY seq DESC LIMIT ?",
                    (PAGE,),
                )
            ]
        )

    def hits(self, match: str = f"text : {WORD}") -> float:
        """Seconds for the newest hits with the messages that they are in."""
        return self._timed(
            lambda: [
                json.loads(
                    self.cache.execute(
                        "SELECT body FROM events WHERE conversation_id = ? AND seq = ?", place
                    ).fetchone()[0]
                )
                for place in self.index.execute(
                    "SELECT name, seq FROM words JOIN names ON number = room"
                    " WHERE words MATCH ? ORDER BY words.rowid DESC LIMIT ?",
                    (match, HITS),
                ).fetchall()
            ]
        )

    @staticmethod
    def _timed(turn: Callable[[], object]) -> float:
        best = 1e9
        for _ in range(TURNS):
            began = time.perf_counter()
            assert turn()
            best = min(best, time.perf_counter() - began)
        return best

    def close(self) -> None:
        """Release the files."""
        self.cache.close()
        self.index.close()


def child(folder: Path, pages: int = 0) -> tuple[float, float]:
    """Seconds from nothing to a room's rows, and peak memory in MB, in a process of its own."""
    here = str(Path(__file__).resolve().parent)
    told = subprocess.run(
        [sys.executable, "-c", _CHILD, str(folder), here, str(pages)],
        check=True,
        capture_output=True,
        text=True,
    )
    took, peak = json.loads(told.stdout)
    return took, peak


def rows(runs: int, total: int) -> list[measure.Row]:
    """Ours to bare SQL, and ours with many to ours with few."""
    with tempfile.TemporaryDirectory(prefix="talkbot-bench-") as place:
        folders = Path(place) / "many", Path(place) / "few"
        for folder in folders:
            folder.mkdir(mode=0o700)
        return compared(runs, total, *folders)


def compared(runs: int, total: int, many_at: Path, few_at: Path) -> list[measure.Row]:
    """The rows, on caches in these folders (made where there is none)."""
    many, few = Cache(many_at, total), Cache(few_at, FEW, 2)
    bare = Bare(many_at)
    size = f"{total:,}"
    deep_seq = many.seqs // 2

    def row(
        name: str, peer: str, ours: Callable[[], float], theirs: Callable[[], float],
        goal: float, unit: str = "s",
    ) -> measure.Row:  # fmt: skip
        return measure.compare(
            name, peer, ours, theirs, unit=unit, goal=goal, higher_is_better=False, runs=runs
        )

    own = f"the same with {FEW:,}"
    same = "the same SQL in bare sqlite3"
    found = [
        row(f"last {PAGE} rows of {size}", same, many.page, bare.page, 3.0),
        row(f"last {PAGE} rows of {size}", own, many.page, few.page, 1.5),
        row(f"{PAGE} rows in the middle of {size}", own, lambda: many.page(deep_seq),
            lambda: few.page(few.seqs // 2 + PAGE // 2), 1.5),
        row(f"newest {HITS} hits in {size}", same, many.hits, bare.hits, 3.0),
        row(f"newest {HITS} hits in {size}", own, many.hits, few.hits, 1.5),
        row(f"newest {HITS} hits in one room of {size}", own, lambda: many.hits("r0"),
            lambda: few.hits("r0"), 1.5),
        row(f"newest {HITS} hits of three letters in {size}", own,
            lambda: many.hits(words=WORD[:3]), lambda: few.hits(words=WORD[:3]), 1.5),
        row(f"newest {HITS} hits of an unfinished word in {size}", same,
            lambda: many.hits(words=WORD), lambda: bare.hits(f"text : {WORD} *"), 3.0),
    ]  # fmt: skip
    bare.close()
    many.close()
    few.close()
    few_pages = (few.seqs - PAGE) // PAGE
    found += [
        row(f"start of the engine to the rows of a room, {size} cached", own,
            lambda: child(many_at)[0], lambda: child(few_at)[0], 1.5),
        row(f"memory with {size} cached", own,
            lambda: child(many_at)[1], lambda: child(few_at, few_pages)[1], 1.1, "MB"),
        row(f"memory after reading {many.seqs:,} rows back to the top", "before it",
            lambda: child(many_at, many.seqs // PAGE - 1)[1], lambda: child(many_at)[1],
            1.3, "MB"),
    ]  # fmt: skip
    return found


if __name__ == "__main__":
    print(measure.table(rows(5, int((*sys.argv[1:], 1_000_000)[0]))))
