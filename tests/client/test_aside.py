"""A rescue that was cut off at any of its steps is done again at the next start."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from talkbot_tui.client import sqlite_aside, sqlite_rows
from talkbot_tui.client.outbox_file import read
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.client.store import StoreError
from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Saved
from talkbot_tui.core.model import RoomSummary
from tests.client.stored import ROOM, local, opened, put_aside
from tests.client.test_unwritten import locked
from tests.waiting import until

pytestmark = pytest.mark.timeout(120)

KEPT = "cache.db.corrupt-20260101T000000"


def _marked(folder: Path) -> None:
    (folder / "cache.db.rescue").write_text(KEPT)


def _moved_in_part(folder: Path) -> None:
    _marked(folder)
    if (folder / "cache.db-wal").exists():
        (folder / "cache.db-wal").rename(folder / f"{KEPT}-wal")


def _moved(folder: Path) -> None:
    _moved_in_part(folder)
    (folder / "cache.db").rename(folder / KEPT)


def _made_empty(folder: Path) -> None:
    _moved(folder)
    (folder / "cache.db").touch(mode=0o600)


async def _made_anew(folder: Path) -> None:
    """The new file is whole, but nothing was taken over yet."""
    (folder / "new").mkdir(mode=0o700)
    async with opened(folder / "new"):
        pass
    _moved(folder)
    (folder / "new" / "cache.db").rename(folder / "cache.db")


@pytest.mark.parametrize(
    "cut", [_marked, _moved_in_part, _moved, _made_empty, _made_anew], ids=lambda cut: cut.__name__
)
async def test_what_is_unsent_outlives_a_rescue_that_was_cut_off(
    tmp_path: Path, cut: Callable[[Path], object]
) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([f.SaveLocal(local(1)), f.SaveRoom(RoomSummary(ROOM))])
    with closing(sqlite3.connect(tmp_path / "cache.db")) as db:
        db.execute("UPDATE rooms SET summary = '{not json'")
        db.commit()
    waiting = cut(tmp_path)
    if waiting is not None:
        await waiting  # type: ignore[misc]  # the one that is a coroutine
    async with opened(tmp_path) as (store, loaded):
        assert [message.text for message in loaded.outbox] == ["unsent 1"]
        assert store.notices() == (("cache_damaged", str(tmp_path / KEPT)),)
        assert not sqlite_aside.begun(tmp_path / "cache.db")
        await store.apply([f.SaveLocal(local(2))])
    async with opened(tmp_path) as (store, loaded):
        assert [message.text for message in loaded.outbox] == ["unsent 1", "unsent 2"]
        assert not store.notices()
    assert (tmp_path / KEPT).exists()


async def damaged(folder: Path) -> None:
    """A profile with two unsent messages, one of them in the log only, and a row of no use."""
    async with opened(folder) as (store, _):
        await store.apply([f.SaveLocal(local(1)), f.SaveRoom(RoomSummary(ROOM))])
    with closing(sqlite3.connect(folder / "cache.db")) as db:
        db.execute("UPDATE rooms SET summary = '{not json'")
        db.commit()
    (folder / "killed").mkdir(mode=0o700)
    with closing(sqlite3.connect(folder / "cache.db")) as db:
        sqlite_rows.put_local(db, local(2))
        db.commit()
        for side in ("", "-wal"):
            shutil.copy(folder / f"cache.db{side}", folder / "killed" / f"cache.db{side}")
    for side in ("", "-wal"):
        (folder / "killed" / f"cache.db{side}").replace(folder / f"cache.db{side}")
    (folder / "killed").rmdir()


OPENED = """
import asyncio, os, resource, sys
from pathlib import Path
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.client.store import StoreError

folder, steps, size, again = Path(sys.argv[1]), *map(int, sys.argv[2:])
TELLING = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "sqlite3.connect"}
done = 0

def step(event, args):
    global done
    if event in TELLING and str(folder) in str(args[0]):
        done += 1
        if done == steps:
            os._exit(9)

async def main():
    if os.geteuid() == 0 and again:
        os.setgid(65534); os.setuid(65534)
    for _ in range(1 + again):
        store = SqliteStore(folder)
        try:
            loaded = await store.open()
        except StoreError as error:
            print(error.code, flush=True)
        else:
            print(len(loaded.outbox), flush=True)
            await store.close()

if size:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
sys.addaudithook(step)
asyncio.run(main())
"""


def opening(folder: Path, *, killed_at: int = 0, size: int = 0, again: bool = False) -> list[str]:
    """What a process of its own says that opens the profile; "killed" when it came to that step.

    size: no file may grow beyond it. again: as somebody without special rights, twice.
    """
    done = subprocess.run(
        [sys.executable, "-c", OPENED, str(folder), str(killed_at), str(size), str(int(again))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 9), done.stderr
    return ["killed"] if done.returncode == 9 else done.stdout.split()


def copies(folder: Path) -> list[Path]:
    """What a rescue made in order to read it."""
    return list(folder.glob(".rescue-*"))


async def all_is_there(folder: Path) -> None:
    """Everything that was unsent is found, the user is told, and what comes next stays."""
    async with opened(folder) as (store, loaded):
        assert [message.text for message in loaded.outbox] == ["unsent 1", "unsent 2"]
        (kept,) = put_aside(folder)
        assert store.notices() == (("cache_damaged", str(kept)),)
        await store.apply([f.SaveLocal(local(3))])
    async with opened(folder) as (store, loaded):
        assert len(loaded.outbox) == 3
        assert store.notices() == ()
    assert not copies(folder)


async def test_a_kill_at_any_step_of_a_rescue_loses_nothing(tmp_path: Path) -> None:
    await damaged(tmp_path / "damaged")
    steps = 0
    while True:
        steps += 1
        folder = tmp_path / str(steps)
        shutil.copytree(tmp_path / "damaged", folder)
        folder.chmod(0o700)
        if opening(folder, killed_at=steps) != ["killed"]:
            break
        if steps % 2:
            # Killed once more, while it goes on.
            opening(folder, killed_at=steps // 2 + 1)
        if sqlite_aside.begun(folder / "cache.db"):
            with pytest.raises(StoreError):
                read(folder)
        if not put_aside(folder) or sqlite_aside.begun(folder / "cache.db"):
            await all_is_there(folder)
        else:
            # Killed after the end: nobody was told, but nothing is missing.
            assert [one.message.text for one in read(folder)] == ["unsent 1", "unsent 2"]
    assert steps > 20


async def test_a_rescue_that_finds_no_room_is_done_when_there_is_some(tmp_path: Path) -> None:
    await damaged(tmp_path / "damaged")
    begun = 0
    # SQLite's index of a log takes the least of these; the new file and its log need more.
    for size in range(32_768, 1_000_000, 4096):
        folder = tmp_path / str(size)
        shutil.copytree(tmp_path / "damaged", folder)
        folder.chmod(0o700)
        said = opening(folder, size=size)
        if said == ["2"]:
            break
        assert said in (["io_error"], ["disk_full"])
        begun += sqlite_aside.begun(folder / "cache.db")
        await all_is_there(folder)
    assert begun > 3


def test_where_nothing_can_be_moved_aside_the_folder_is_free_again() -> None:
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        (folder / "cache.db").write_bytes(b"x")
        (folder / "lock").touch()
        for path in (folder, *folder.iterdir()):
            if os.geteuid() == 0:
                os.chown(path, 65534, 65534)
        folder.chmod(0o500)
        # The second attempt is not told that somebody else uses it.
        assert opening(folder, again=True) == ["read_only", "read_only"]
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)


async def test_that_the_latest_may_be_missing_is_told_after_an_interruption_too(
    tmp_path: Path,
) -> None:
    await damaged(tmp_path)
    sqlite_aside.put(tmp_path / "cache.db", late=True)
    (tmp_path / ".rescue-killed").mkdir()
    (tmp_path / ".rescue-killed" / "copy.db").write_bytes(b"words that nobody would delete")
    async with opened(tmp_path) as (store, _):
        assert [code for code, _ in store.notices()] == ["cache_damaged", "unsent_lost"]
    assert not copies(tmp_path)


@pytest.mark.parametrize(
    "text",
    [b"", b"\xff", b"../elsewhere", b"/etc/passwd", b"cache.db.corrupt-1/../../x", b"cache.db"],
)
async def test_a_marker_that_is_not_ours_moves_nothing(tmp_path: Path, text: bytes) -> None:
    await damaged(tmp_path)
    (tmp_path / "cache.db.rescue").write_bytes(text)
    before = (tmp_path / "cache.db").read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError) as refused:
            await SqliteStore(tmp_path).open()
        assert refused.value.code == "unsafe"
    assert (tmp_path / "cache.db").read_bytes() == before


async def test_a_marker_whose_file_somebody_took_away_does_not_stop_us(tmp_path: Path) -> None:
    (tmp_path / "cache.db.rescue").write_text(KEPT)
    async with opened(tmp_path) as (store, _):
        assert [code for code, _ in store.notices()] == ["cache_damaged", "unsent_lost"]


async def test_an_opening_that_is_cancelled_leaves_the_folder_free(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "cache.db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
    store = SqliteStore(tmp_path)
    # The tables cannot be made for as long as somebody else writes.
    with locked(tmp_path):
        cut = asyncio.ensure_future(store.open())
        await until(lambda: store._lock.is_locked)
        cut.cancel()
        await asyncio.wait({cut})
    assert cut.cancelled()
    async with opened(tmp_path) as (other, _):
        assert await other.apply([f.SaveLocal(local(1))]) == [Saved("c1")]
