"""A server moves from SQLite to PostgreSQL: whole, checked, and going on where it was cut."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import filelock
import pytest
import sqlalchemy as sa

from talkbot_tui.cli import exit_codes
from talkbot_tui.server import service_messages, service_reading, service_rooms
from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.outcome import Actor
from talkbot_tui.server.storage import log, people, sessions
from talkbot_tui.server.storage.database import Database, StoreProblem, open_database
from talkbot_tui.server.storage.place import DatabaseOptions
from talkbot_tui.server.storage.schema import message
from talkbot_tui.server.storage.transfer import Progress, transfer
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.client_events import Delete, Edit, React, Search, SendMessage
from tests import postgres
from tests.server.peers import Person, fresh
from tests.server.peers import people as peers
from tests.server.test_commands import PROGRAM, environment
from tests.server.test_rules import World
from tests.serving import PASSWORD, running_server

OPTIONS = DatabaseOptions()
SAID = 1250


@pytest.fixture
def url() -> Iterator[str]:
    made = postgres.shared().database()
    yield made
    postgres.shared().drop(made)


@pytest.fixture
def source(tmp_path: Path, made: Path) -> Path:
    """A server's folder with something of everything in it."""
    shutil.copytree(made, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "data"
    store = open_database(folder)
    config = ServerConfig(data_dir=folder)
    store.append([lambda tx: service_rooms.prepare(tx, config)])
    world = World(store)
    acks = [world.post("ana", f"olá número {n} @bruno") for n in range(5)]
    target = {"conversation_id": world.room, "server_msg_id": acks[0].server_msg_id}
    world.do("bruno", React(**target, client_op_id=fresh(), emoji="👍", on=True))
    world.do("ana", Edit(**target, text="ação", client_op_id=fresh(), base_revision=0))
    gone = {"conversation_id": world.room, "server_msg_id": acks[1].server_msg_id}
    world.do("ana", Delete(**gone, client_op_id=fresh()))
    ana = world.actors["ana"].user_id
    store.append([lambda tx: sessions.begin(tx, ana, "test", 1)])
    store.append([lambda tx: sessions.revoke_all(tx, ana)])
    store.append([lambda tx: sessions.add_invite(tx, 1, 1)])
    for start in range(0, SAID, 250):
        store.append([partial(_post, world=world, number=start + n) for n in range(250)])
    store.close()
    return folder


def _post(tx: Tx, world: World, number: int) -> None:
    asked = SendMessage(
        conversation_id=world.room, text=f"linha {number}", client_msg_id=f"line{number}"
    )
    service_messages.post(tx, world.actors["carla"], asked)


def quiet(_progress: Progress) -> None:
    return


def pages(store: Database) -> list[Any]:
    def ask(tx: Tx) -> list[Any]:
        room = people.get_meta(tx, service_rooms.DEFAULT_KEY) or ""
        return [people.get_meta(tx, "epoch"), *log.page(tx, room, limit=5000, newest=True)]

    return store.ask(ask)


def test_everything_is_there_and_goes_on(source: Path, url: str) -> None:
    seen: list[Progress] = []
    rows = transfer(source, url, OPTIONS, seen.append)
    assert rows > SAID * 2
    assert [p.done for p in seen if p.table == "message"] == [1000, SAID + 5]
    old, new = open_database(source), open_database(Path(), url)
    assert pages(old) == pages(new)
    bruno = new.ask(lambda tx: people.by_name(tx, "bruno"))
    assert bruno
    world = World.__new__(World)
    world.store, world.room = new, pages(new)[1].conversation_id
    world.actors = {"bruno": Actor(bruno.info)}
    found = new.ask(
        lambda tx: service_reading.search(tx, world.actors["bruno"], Search(query="acao"))
    )
    assert [hit.text for hit in found.hits] == ["ação"]
    world.post("bruno", "depois")
    numbers = new.ask(lambda tx: tx.sql.scalars(sa.select(message.c.number)).all())
    assert len(set(numbers)) == SAID + 6
    assert max(numbers) == SAID + 6
    old.close()
    new.close()


class Cut(Exception):
    """The copying is ended."""


def test_one_that_was_cut_short_goes_on_and_nobody_serves_it_before(source: Path, url: str) -> None:
    for table in ("user_account", "event", "message"):

        def cut(progress: Progress, table: str = table) -> None:
            if progress.table == table:
                raise Cut

        with pytest.raises(Cut):
            transfer(source, url, OPTIONS, cut)
        with pytest.raises(StoreProblem, match="was not finished; call admin migrate-store again"):
            open_database(Path(), url)
    rows = transfer(source, url, OPTIONS, quiet)
    assert rows == transfer(source, url, OPTIONS, quiet)
    open_database(Path(), url).close()


def test_a_row_that_differs_is_found(source: Path, url: str) -> None:
    name = url.rpartition("/")[2]

    def spoil(progress: Progress) -> None:
        if progress.table == "message" and progress.done == progress.total:
            postgres.shared().ask("UPDATE message SET text = 'another' WHERE number = 700", name)

    with pytest.raises(StoreProblem, match=r"message: .* differ; the source is as it was"):
        transfer(source, url, OPTIONS, spoil)
    with pytest.raises(StoreProblem, match="was not finished"):
        open_database(Path(), url)


def test_what_holds_something_else_is_left_alone(source: Path, url: str, tmp_path: Path) -> None:
    store = open_database(Path(), url)
    store.append([lambda tx: people.add_person(tx, "dora", None)])
    store.close()
    with pytest.raises(StoreProblem, match="holds the data of a server already"):
        transfer(source, url, OPTIONS, quiet)
    store = open_database(Path(), url)
    assert store.ask(lambda tx: people.by_name(tx, "dora"))
    assert not store.ask(lambda tx: people.by_name(tx, "ana"))
    store.close()
    with pytest.raises(StoreProblem, match=r"there is no server\.db"):
        transfer(tmp_path / "slip", url, OPTIONS, quiet)
    with (
        filelock.FileLock(source / "serve.lock"),
        pytest.raises(StoreProblem, match="a server uses this folder; stop it first"),
    ):
        transfer(source, url, OPTIONS, quiet)


def _moved(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "admin", "migrate-store", str(folder), url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder.parent,
        env=environment(folder.parent),
    )


async def test_the_command_moves_a_server_and_it_is_served(tmp_path: Path, url: str) -> None:
    folder = tmp_path / "data"
    async with running_server(data_dir=folder) as server, peers(server, "ana") as (ana,):
        await ana.post(ana.rooms["general"], "antes")
    done = await asyncio.to_thread(_moved, folder, url)
    assert done.returncode == exit_codes.OK, done.stderr
    assert "each compared with its source" in done.stdout
    assert "message: 1 of 1 rows" in done.stderr
    assert postgres.PASSWORD not in done.stdout + done.stderr
    async with running_server(data_dir=folder, database_url=url) as server:
        tokens = await _login(server.url)
        ana = Person(server, tokens)
        await ana.connect()
        history = await ana.ask("history", {"conversationId": ana.rooms["general"], "limit": 50})
        assert "antes" in str(history)
        await ana.client.shutdown()


async def _login(url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http:
        body = {"username": "ana", "password": PASSWORD}
        async with http.post(f"{url}/api/login", json=body) as answer:
            assert answer.status == 200
            tokens: dict[str, Any] = await answer.json()
            return tokens
