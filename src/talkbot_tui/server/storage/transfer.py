"""From SQLite to PostgreSQL: table by table, in transactions that a repeat goes on from.

The target tells by a mark of its own that it is such a copy; one with anything else in it is
left alone. The mark goes in the transaction in which everything was found equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import filelock
import msgspec
import sqlalchemy as sa

from talkbot_tui.server.storage import messages, people
from talkbot_tui.server.storage.database import FILE, Database, open_database
from talkbot_tui.server.storage.faults import StoreProblem
from talkbot_tui.server.storage.place import DatabaseOptions
from talkbot_tui.server.storage.postgres import COPYING, open_postgres
from talkbot_tui.server.storage.schema import PASSING, message, meta, metadata
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.server.storage.words import vector

STEP = 1000
LOCK = "serve.lock"
_PATIENT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one table is: rows done of all."""

    table: str
    done: int
    total: int


def transfer(
    source: Path, target: str, options: DatabaseOptions, tell: Callable[[Progress], None]
) -> int:
    """Copy the store of the data folder `source` to that address; the number of rows.

    Nothing of the source changes but its migrations. Raises `StoreProblem`: the source is
    missing or in use, the target holds something else, or differs at the end.
    """
    folder = source.parent if source.name == FILE else source
    if not (folder / FILE).exists():
        raise StoreProblem(f"{folder}: there is no {FILE}")
    lock = filelock.FileLock(folder / LOCK, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise StoreProblem(f"{folder}: a server uses this folder; stop it first") from None
    try:
        old = open_database(folder)
        try:
            return _transfer(old, target, options, tell)
        finally:
            old.close()
    finally:
        lock.release()


def _transfer(
    old: Database, target: str, options: DatabaseOptions, tell: Callable[[Progress], None]
) -> int:
    new = open_postgres(
        target, replace(options, statement=_PATIENT_SECONDS, idle=_PATIENT_SECONDS), copying=True
    )
    try:
        origin = old.ask(_epoch)
        if not _do(new, lambda tx: _claim(tx, origin)):
            for table in tables():
                _copy(old, new, table, tell)
            _do(new, _count_on)
        rows: int = _do(new, lambda tx: old.ask(lambda source: _compare(source, tx)))
        return rows
    finally:
        new.close()


def tables() -> list[sa.Table]:
    """What is copied, in an order in which every reference finds its row."""
    return [table for table in metadata.sorted_tables if table not in PASSING]


def _do(database: Database, unit: Callable[[Tx], Any]) -> Any:
    (done,) = database.append([unit])
    if isinstance(done, Exception):
        if isinstance(done, _Differs):
            raise StoreProblem(str(done))
        raise StoreProblem(f"copying stopped: {done}; call it again, it goes on from there")
    return done


class _Differs(Exception):
    """Said of the target; no error of the database."""


def _epoch(tx: Tx) -> str:
    found = people.get_meta(tx, "epoch")
    if not found:
        raise StoreProblem("the source has never been served: there is nothing to move")
    return found


def _claim(tx: Tx, origin: str) -> bool:
    """Mark the target as a copy that is under way; whether it is one already, and whole."""
    mark = people.get_meta(tx, COPYING)
    if mark == origin:
        return False
    if mark is None and people.get_meta(tx, "epoch") == origin:
        return True
    if mark is not None:
        raise _Differs("the target holds an unfinished copy of another server; empty it first")
    for table in tables():
        if tx.sql.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise _Differs("the target holds the data of a server already; name an empty database")
    people.set_meta(tx, COPYING, origin)
    return False


def _copy(old: Database, new: Database, table: sa.Table, tell: Callable[[Progress], None]) -> None:
    total = old.ask(lambda tx: _count(tx, table))
    done = 0
    for rows in _pages(old, table):
        _do(new, lambda tx, rows=rows: _put(tx, table, rows))  # type: ignore[misc]  # bound now
        done += len(rows)
        tell(Progress(table.name, done, total))
    if not total:
        tell(Progress(table.name, 0, 0))


def _pages(database: Database, table: sa.Table) -> Iterator[Sequence[sa.Row[Any]]]:
    key = list(table.primary_key.columns)
    after: Any = None
    while True:
        query = sa.select(table).order_by(*key).limit(STEP)
        if after is not None:
            query = query.where(sa.tuple_(*key) > sa.tuple_(*map(sa.literal, after)))
        rows = database.ask(lambda tx, query=query: tx.sql.execute(query).all())  # type: ignore[misc]  # bound now
        if not rows:
            return
        yield rows
        after = [rows[-1]._mapping[column] for column in key]


def _put(tx: Tx, table: sa.Table, rows: Sequence[sa.Row[Any]]) -> None:
    """Store those of `rows` that are not there yet."""
    from sqlalchemy.dialects.postgresql import insert

    values = [dict(row._mapping) for row in rows]
    tx.sql.execute(insert(table).on_conflict_do_nothing(), values)
    if table is message:
        said = [
            {"number": row["number"], "words": vector(row["text"])}
            for row in values
            if not row["deleted"] and not row["streaming"]
        ]
        if said:
            tx.sql.execute(sa.text(f"{messages.INDEX_WORDS} ON CONFLICT DO NOTHING"), said)


def _count_on(tx: Tx) -> None:
    """What PostgreSQL numbers by itself goes on above what was copied."""
    for table in tables():
        column = table.autoincrement_column
        if column is None or not isinstance(column.type, sa.BigInteger):
            continue
        newest = tx.sql.scalar(sa.select(sa.func.max(column)))
        if newest is not None:
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            tx.sql.execute(sa.select(sa.func.setval(sequence, newest)))


def _compare(source: Tx, target: Tx) -> int:
    """Take the mark away when everything is equal; raises `_Differs`. The number of rows."""
    target.sql.execute(meta.delete().where(meta.c.key == COPYING))
    rows = 0
    for table in tables():
        was, now = _digest(source, table), _digest(target, table)
        if was != now:
            raise _Differs(
                f"{table.name}: {was[0]} rows in the source, {now[0]} in the target, and they "
                "differ; the source is as it was: empty the target and begin again"
            )
        rows += was[0]
    said = sa.select(sa.func.count()).select_from(message)
    searched = said.where(sa.not_(message.c.deleted), sa.not_(message.c.streaming))
    found = target.sql.scalar(sa.text("SELECT count(*) FROM message_text"))
    if target.sql.scalar(searched) != found:
        raise _Differs("the index of words is not whole; empty the target and begin again")
    return rows


def _count(tx: Tx, table: sa.Table) -> int:
    count: int = tx.sql.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    return count


def _digest(tx: Tx, table: sa.Table) -> tuple[int, str]:
    """How many rows, and a hash over every value of each in the order of the key."""
    query = sa.select(table).order_by(*table.primary_key.columns)
    total = hashlib.sha256()
    count = 0
    for row in tx.sql.execution_options(yield_per=STEP).execute(query):
        total.update(msgspec.json.encode(list(row)))
        count += 1
    return count, total.hexdigest()
