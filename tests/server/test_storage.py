"""The store against real files: opening, migrating, group commit, crashes."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.database import FILE, Database, StoreProblem, open_database
from talkbot_tui.server.storage.schema import meta
from talkbot_tui.server.storage.tx import Tx


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
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "trusted_schema")
        return [tx.sql.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert store.append([pragmas]) == [["wal", 2, 1, 1, 0]]
    assert store.ask(pragmas) == ["wal", 2, 1, 1, 0]


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


def test_a_first_start_that_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    """The store's file changes to its log once, by a journal that a power cut leaves behind."""
    cut, data = tmp_path / "cut", tmp_path / "data"
    data.mkdir(mode=0o700)
    cut.mkdir(mode=0o700)
    with closing(sqlite3.connect(data / FILE, isolation_level=None)) as writing:
        writing.execute("PRAGMA cache_size = 1")
        writing.execute("PRAGMA journal_mode = DELETE")
        writing.execute("CREATE TABLE half (done TEXT)")
        writing.execute("DROP TABLE half")
        writing.execute("BEGIN IMMEDIATE")
        writing.execute("CREATE TABLE half (done TEXT)")
        writing.executemany("INSERT INTO half VALUES (?)", [("x" * 4000,)] * 50)
        for name in (FILE, f"{FILE}-journal"):
            (cut / name).write_bytes((data / name).read_bytes())
    assert (cut / f"{FILE}-journal").stat().st_size > 512
    opened = open_database(cut)
    opened.append([lambda tx: people.set_meta(tx, "a", "b")])
    assert opened.ask(lambda tx: people.get_meta(tx, "a")) == "b"
    opened.close()


def test_a_folder_of_any_name_is_opened(tmp_path: Path) -> None:
    for _ in range(2):
        open_database(tmp_path / "what? 100% #1 é").close()


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
