"""The store on both kinds of database: group commit, migrations, search."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from talkbot_tui.server import service_reading
from talkbot_tui.server.storage import database as module
from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.database import FILE, Database, open_database
from talkbot_tui.server.storage.migrating import migrate, versions
from talkbot_tui.server.storage.schema import meta, metadata
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.client_events import Search
from talkbot_tui.wire.errors import Code, Refused
from tests.server.test_rules import World
from tests.serving import Stores, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "data")
    yield opened
    opened.close()


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


@pytest.mark.parametrize("version", versions())
def test_a_database_of_any_version_becomes_one_of_this_version(
    tmp_path: Path, version: str, store_kind: str
) -> None:
    if store_kind == "sqlite":
        path, url = tmp_path / FILE, ""
        path.touch(0o600)
        engine = module._sqlite(path, 1, "BEGIN IMMEDIATE")
    else:
        url = Stores.url(tmp_path, migrated=False)
        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    migrate(engine, "test", version)
    with engine.begin() as connection:
        connection.execute(meta.insert().values(key="kept", value="yes"))
    engine.dispose()
    opened = open_database(tmp_path, url)
    assert opened.ask(lambda tx: people.get_meta(tx, "kept")) == "yes"
    assert opened.ask(
        lambda tx: tx.sql.scalar(sa.text("SELECT version_num FROM alembic_version"))
    ) == max(versions())
    opened.close()


LETTERS = ["a", "b", "ã", "É", "e\u0301", "ß", "İ", "й", "я", "漢", "字", "ế", "1", "½", "ｱ", "👍"]
BETWEEN = ["", "", "", " ", " ", "-", ".", "@", "_", "'", '"', "\\", "&", "|", ":*", "\n", "\u200d"]


def _text(draw: random.Random) -> str:
    letters = "".join(draw.choice(LETTERS) + draw.choice(BETWEEN) for _ in range(8))
    return letters if any(char.isalnum() for char in letters) else "a"


@pytest.mark.usefixtures("only_postgresql")
def test_a_search_finds_the_same_on_both(store: Database, tmp_path: Path) -> None:
    draw = random.Random(7)
    other = open_database(tmp_path / "file")
    worlds = [World(store), World(other)]
    for _ in range(150):
        text = _text(draw)
        for world in worlds:
            world.post("ana", text)
    found = 0
    for _ in range(400):
        asked = _text(draw)[: draw.randint(1, 6)]
        hits = [
            [
                hit.text
                for hit in world.store.ask(
                    lambda tx, world=world, asked=asked: service_reading.search(  # type: ignore[misc]  # bound now
                        tx, world.actors["bruno"], Search(query=asked, limit=50)
                    )
                ).hits
            ]
            for world in worlds
        ]
        assert hits[0] == hits[1], asked
        found += bool(hits[0])
    assert 100 < found < 400
    other.close()


@pytest.mark.usefixtures("only_postgresql")
def test_words_longer_than_an_index_takes_are_found(store: Database) -> None:
    world = World(store)
    world.post("ana", "漢" * 4000 + " " + "x1 " * 1000)
    found = store.ask(
        lambda tx: service_reading.search(tx, world.actors["bruno"], Search(query="漢" * 100))
    )
    assert len(found.hits) == 1
