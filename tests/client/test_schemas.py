from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from talkbot_tui.client import migrations
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.client.store import StoreError
from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Saved
from talkbot_tui.core.model import MemberChanged, MessagePosted
from tests.client.schemas.make import DRAFTS, EPOCH, LINES, UNSENT, fixture
from tests.client.stored import ANA, local, opened, page, put_aside

VERSIONS = range(1, len(migrations.steps()) + 1)


def released(folder: Path, version: int) -> Path:
    path = folder / "cache.db"
    shutil.copyfile(fixture(version), path)
    path.chmod(0o600)
    folder.chmod(0o700)
    return path


def test_each_schema_has_its_file() -> None:
    assert all(fixture(version).exists() for version in VERSIONS)


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_file_of_any_schema_opens_with_everything(tmp_path: Path, version: int) -> None:
    released(tmp_path, version)
    for _ in range(2):
        async with opened(tmp_path) as (store, loaded):
            assert store.notices() == ()
            assert (loaded.epoch, loaded.me) == (EPOCH, ANA)
            assert loaded.outbox == UNSENT
            (room,) = loaded.rooms
            assert (room.cursor, room.summary.draft) == (LINES + 2, DRAFTS["r1"])
            rows = await page(store)
            assert [row.seq for row in rows] == [*range(1, LINES + 1), LINES + 2]
            assert isinstance(rows[-1], MemberChanged)
            texts = [row.message.text for row in rows if isinstance(row, MessagePosted)]
            assert texts == ["line 1", "edited", *(f"line {n}" for n in range(3, LINES + 1))]
            assert await store.apply([f.SaveDraft("r2", DRAFTS["r2"])]) == []
    async with opened(tmp_path) as (store, _):
        assert await store.apply([f.SaveLocal(local(9))]) == [Saved("c9")]
    async with opened(tmp_path) as (_, loaded):
        assert loaded.outbox == (*UNSENT, local(9))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_released_step_never_changes(version: int) -> None:
    """Whoever has had a step does not get it again: another text would split the users."""
    made = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
    with (
        closing(sqlite3.connect(":memory:")) as fresh,
        closing(sqlite3.connect(f"file:{fixture(version)}?mode=ro&immutable=1", uri=True)) as old,
    ):
        for step in migrations.steps()[:version]:
            fresh.executescript(step)
        assert fresh.execute(made).fetchall() == old.execute(made).fetchall()
        assert old.execute("PRAGMA user_version").fetchone() == (version,)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_step_that_fails_leaves_the_old_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = released(tmp_path, VERSIONS[-1])
    before = digest(path)
    steps = (*migrations.steps(), "CREATE TABLE new (x);\nINSERT INTO nowhere VALUES (1);\n")
    monkeypatch.setattr(migrations, "steps", lambda: steps)
    with pytest.raises(StoreError) as refused:
        await SqliteStore(tmp_path).open()
    assert refused.value.path == str(path)
    assert (digest(path), put_aside(tmp_path)) == (before, [])
    monkeypatch.undo()
    async with opened(tmp_path) as (store, loaded):
        assert (loaded.outbox, store.notices()) == (UNSENT, ())


async def test_a_newer_file_is_refused_untouched_with_all_that_lies_beside_it(
    tmp_path: Path,
) -> None:
    path = released(tmp_path, VERSIONS[-1])
    # Its own version was killed: what it wrote last is in the log beside the file.
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(VERSIONS) + 1}")
        db.execute("CREATE TABLE from_the_future (x)")
        db.commit()
        other = tmp_path / "killed"
        other.mkdir(mode=0o700)
        for side in ("", "-wal"):
            shutil.copyfile(f"{path}{side}", other / f"cache.db{side}")
    before = {p.name: digest(p) for p in other.iterdir()}
    assert set(before) == {"cache.db", "cache.db-wal"}
    with pytest.raises(StoreError) as refused:
        await SqliteStore(other).open()
    assert (refused.value.code, refused.value.path) == ("newer", str(other / "cache.db"))
    left = {p.name: digest(p) for p in other.iterdir() if not p.name.endswith(("-shm", "lock"))}
    assert left == before


async def test_a_folder_of_any_name_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "what? 100% #1 é"
    for unsent in ((), (local(1),)):
        async with opened(folder) as (store, loaded):
            assert (loaded.outbox, store.notices()) == (unsent, ())
            assert await store.apply([f.SaveLocal(local(1))]) == [Saved("c1")]
