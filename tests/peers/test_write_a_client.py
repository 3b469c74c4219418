"""The clients of docs/write-a-client.md, as they stand there, against a real server."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from talkbot_tui.wire.server_events import ResyncEvent
from tests.peers.javascript import NODE, Program, program
from tests.server.peers import people
from tests.serving import PASSWORD, register, running_server
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "write-a-client.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.parametrize("language", ["js", "python"])


def code(language: str) -> str:
    """The one block in a language."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(block)


@asynccontextmanager
async def client(language: str, url: str, *words: str) -> AsyncIterator[Program]:
    # Below the packages, which Node looks for beside and above a program.
    folder = NODE / "node_modules" / ".page"
    folder.mkdir(exist_ok=True)
    name, runner = {"js": ("client.mjs", "node"), "python": ("client.py", sys.executable)}[language]
    (folder / name).write_text(code(language), encoding="utf-8")
    async with program(runner, name, url, *words, cwd=folder) as running:
        yield running


async def test_it_sends_and_hears(language: str) -> None:
    async with running_server() as server, people(server, "bruno") as (bruno,):
        await register(server, "ana")
        async with client(language, server.url, "ana", PASSWORD, "general", "olá 🦉") as ana:
            await ana.said("ana: olá 🦉")
            await bruno.wait("message")
            assert bruno.got("message")[0]["text"] == "olá 🦉"
            await bruno.post(bruno.rooms["general"], "oi")
            await ana.said("bruno: oi")
            for connection in server.fanout.connections.values():
                server.fanout.to(connection, "resync", ResyncEvent())
            await bruno.post(bruno.rooms["general"], "tudo bem?")
            await ana.said("bruno: tudo bem?")
            assert len([line for line in ana.lines if ": " in line]) == 3


async def test_it_hears_what_it_missed_and_nothing_twice(language: str, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config: dict[str, Any] = {"data_dir": tmp_path, "port": port}
    async with running_server(**config) as server:
        await register(server, "ana")
        bruno = await register(server, "bruno")
        url = server.url
    async with client(language, url, "ana", PASSWORD, "general", "olá") as ana:
        async with running_server(**config) as server:
            await ana.said("ana: olá")
        async with running_server(**config) as server:
            from tests.server.peers import Person

            person = Person(server, bruno)
            await person.connect()
            await person.post(person.rooms["general"], "missed")
            await ana.said("bruno: missed")
            await person.post(person.rooms["general"], "live")
            await ana.said("bruno: live")
            await person.client.shutdown()
        texts = [line for line in ana.lines if line.startswith(("ana: ", "bruno: "))]
        assert texts == ["ana: olá", "bruno: missed", "bruno: live"]


async def test_it_stops_where_it_is_refused(language: str) -> None:
    async with running_server() as server:
        await register(server, "ana")
        async with client(language, server.url, "ana", "wrong password", "general") as ana:
            assert await ana.ended() == 1
            assert ana.lines == ["refused: bad_credentials"]
        async with client(language, server.url, "ana", PASSWORD, "nowhere") as ana:
            assert await ana.ended() == 1
            assert ana.lines == ["refused: not_found"]


async def test_a_message_that_is_refused_is_told_and_the_next_one_sent(language: str) -> None:
    async with running_server() as server, people(server, "bruno") as (bruno,):
        await register(server, "ana")
        words = ["ana", PASSWORD, "general", "x" * 9000]
        async with client(language, server.url, *words) as ana:
            await ana.said("refused: ")
            await bruno.post(bruno.rooms["general"], "still there?")
            await ana.said("bruno: still there?")
            await until(lambda: ana.process.returncode is None)
