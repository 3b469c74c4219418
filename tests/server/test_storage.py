"""The store against real files: opening, migrating, group commit, crashes."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from talkbot_tui.server.storage import database as module
from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.database import FILE, Database, StoreProblem, open_database
from talkbot_tui.server.storage.schema import meta, metadata
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.errors import Code, Refused


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "data")
    yield opened
    opened.close()


def test_files_are_private_from_their_first_instant_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        opened = open_database(tmp_path / "data")
        opened.append([lambda tx: people.set_meta(tx, "a", "b")])
    finally:
        os.umask(old)
    files = sorted((tmp_path / "data").iterdir())
    assert {path.name for path in files} >= {FILE, FILE + "-wal"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    opened.close()


def test_settings_that_durability_depends_on(store: Database) -> None:
    def pragmas(tx: Tx) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return [tx.sql.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert store.append([pragmas]) == [["wal", 2, 1, 1]]
    assert store.ask(pragmas) == ["wal", 2, 1, 1]


def test_units_that_wait_share_one_commit_and_a_refused_one_leaves_no_trace(
    store: Database,
) -> None:
    def refused(tx: Tx) -> None:
        people.set_meta(tx, "refused", "x")
        raise Refused(Code.NOT_FOUND, "no")

    commits: list[str] = []
    engine = store.writer._engine
    sa.event.listen(engine, "commit", lambda connection: commits.append("commit"))
    results = store.append(
        [
            lambda tx: people.set_meta(tx, "one", "1"),
            refused,
            lambda tx: people.get_meta(tx, "one"),
        ]
    )
    assert len(commits) == 1
    assert results[0] is None
    assert isinstance(results[1], Refused)
    assert results[2] == "1"
    assert store.ask(lambda tx: people.get_meta(tx, "refused")) is None


async def test_queued_writes_share_commits_and_settle_in_order(store: Database) -> None:
    order: list[int] = []

    def unit(tx: Tx, n: int) -> int:
        people.set_meta(tx, f"k{n}", str(n))
        return n

    before = store.writer.commits
    await asyncio.gather(*(store.write(partial(unit, n=n), order.append) for n in range(200)))
    assert order == list(range(200))
    assert store.writer.commits - before < 100


async def test_a_cancelled_caller_leaves_a_whole_transaction(store: Database) -> None:
    settled: list[str] = []

    def unit(tx: Tx) -> str:
        people.set_meta(tx, "a", "1")
        people.set_meta(tx, "b", "2")
        return "done"

    task = asyncio.create_task(store.write(unit, settled.append))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.write(lambda tx: None)
    assert settled == ["done"]
    both = store.ask(lambda tx: (people.get_meta(tx, "a"), people.get_meta(tx, "b")))
    assert both == ("1", "2")


def test_the_migrations_end_where_the_code_expects(store: Database) -> None:
    def compare(tx: Tx) -> set[str]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        context = MigrationContext.configure(tx.sql)
        return {
            str(change)
            for change in compare_metadata(context, metadata)
            if "message_text" not in str(change)
        }

    assert store.ask(compare) == set()


def versions() -> list[str]:
    return [script.revision for script in module._scripts().walk_revisions()]


@pytest.mark.parametrize("version", versions())
def test_a_database_of_any_version_becomes_one_of_this_version(
    tmp_path: Path, version: str
) -> None:
    path = tmp_path / FILE
    path.touch(0o600)
    engine = module._sqlite(path, 1, "BEGIN IMMEDIATE")
    module._migrate(engine, "test", version)
    with engine.begin() as connection:
        connection.execute(meta.insert().values(key="kept", value="yes"))
    engine.dispose()
    opened = open_database(tmp_path)
    assert opened.ask(lambda tx: people.get_meta(tx, "kept")) == "yes"
    assert opened.ask(
        lambda tx: tx.sql.scalar(sa.text("SELECT version_num FROM alembic_version"))
    ) == max(versions())
    opened.close()


def _newer(path: Path) -> None:
    open_database(path.parent).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE somebody_elses (x)")
    connection.close()


def _torn(path: Path) -> None:
    open_database(path.parent).close()
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 5] = os.urandom(8192)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_newer, "newer version"),
        (_foreign, "no database of this server"),
        (lambda path: path.write_bytes(b"hello " * 1000), "cannot be used"),
        (_torn, "cannot be used"),
    ],
    ids=["newer", "foreign", "no-database", "torn"],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line_and_left_alone(
    tmp_path: Path, spoil: object, reason: str
) -> None:
    path = tmp_path / FILE
    assert callable(spoil)
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(StoreProblem, match=reason) as problem:
        open_database(tmp_path)
    assert "\n" not in str(problem.value)
    assert path.read_bytes() == before


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(StoreProblem):
        open_database(tmp_path / "link")


CRASHER = """
import sys, asyncio
from functools import partial
from pathlib import Path
from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.database import open_database
store = open_database(Path(sys.argv[1]))
async def main():
    n = 0
    while True:
        n += 1
        await store.write(lambda tx: people.set_meta(tx, f"n{n}", "x"))
        print(n, flush=True)
asyncio.run(main())
"""


def test_what_was_committed_survives_a_kill(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CRASHER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    told = 0
    for line in process.stdout:
        told = int(line)
        if told == 150:
            process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    opened = open_database(tmp_path)
    kept = opened.ask(lambda tx: {row[0] for row in tx.sql.execute(sa.select(meta.c.key))})
    opened.close()
    assert told >= 150
    assert kept >= {f"n{n}" for n in range(1, told + 1)}
