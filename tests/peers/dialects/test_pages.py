"""docs/dialects.md and docs/write-a-server.md: what stands there works as it stands there."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from talkbot_tui.client.dialects import Misfit, Several
from talkbot_tui.client.dialects.declared import KINDS
from talkbot_tui.client.dialects.declaring import parse
from talkbot_tui.client.dialects.loading import OURS, names
from talkbot_tui.core.model import SendState
from tests.peers.dialects.world import TRANSPORTS, Server, people
from tests.peers.javascript import NODE, program
from tests.waiting import until

DOCS = Path(__file__).resolve().parents[3] / "docs"
DIALECTS = (DOCS / "dialects.md").read_text(encoding="utf-8")
SERVER = (DOCS / "write-a-server.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found
    return found


@pytest.mark.parametrize("toml", blocks(DIALECTS, "toml"), ids=["first", "everything"])
def test_the_examples_are_valid(toml: str) -> None:
    assert parse(toml, "page.toml").send.emit.event == "say"


def test_every_name_and_kind_is_on_the_page() -> None:
    for word in (*names(), OURS, *KINDS):
        assert f"`{word}`" in DIALECTS
    for needed, possible in KINDS.values():
        for field in needed | possible:
            assert f"`{field}`" in DIALECTS


def test_the_example_in_python_works() -> None:
    scope: dict[str, Any] = {"__name__": "page"}
    exec(compile(blocks(DIALECTS, "python")[0], "page.py", "exec"), scope)
    made = scope["Packed"](parse(blocks(DIALECTS, "toml")[0], "page.toml"), "ana")
    made.begin()
    body = base64.b64encode(b"hello").decode()
    arrived = made.incoming("line", ({"by": "eva", "body": body, "room": "general"},))
    assert arrived.events[0].message.text == "hello"
    assert isinstance(made.incoming("line", (3,)), Misfit)
    assert not isinstance(arrived, Several)


@asynccontextmanager
async def page_server(language: str) -> AsyncIterator[Server]:
    folder = NODE / "node_modules" / ".page"
    folder.mkdir(exist_ok=True)
    name, runner = {"js": ("server.mjs", "node"), "python": ("server.py", sys.executable)}[language]
    (folder / name).write_text(blocks(SERVER, language)[0], encoding="utf-8")
    async with program(runner, name, "0", cwd=folder) as running:
        made = Server(running)
        await made.ready()
        yield made
        assert not made.complaints()
        assert running.process.returncode is None


@pytest.mark.parametrize("transports", TRANSPORTS.values(), ids=TRANSPORTS)
@pytest.mark.parametrize("language", ["js", "python"])
async def test_the_servers_of_the_page(language: str, transports: tuple[str, ...]) -> None:
    async with (
        page_server(language) as there,
        people(there.url, "talkbot-mvp", "ana", "bruno", transports=transports) as (ana, bruno),
    ):
        said = [f"olá {n} 🦉" for n in range(10)]
        for text in said:
            ana.say(text)
        await bruno.sees(*said)
        await ana.sees(*said)
        assert ana.states() == [SendState.SENT] * 10
        assert ana.engine.counters == {}
        await until(lambda: "joined" in ana.notes())


@pytest.mark.parametrize("language", ["js", "python"])
async def test_the_servers_of_the_page_take_anything(language: str) -> None:
    import socketio

    async with page_server(language) as there:
        client = socketio.AsyncClient(reconnection=False)
        await client.connect(there.url, auth={"name": "odd"})
        odd: tuple[Any, ...] = (
            None,
            3,
            "x",
            [],
            {},
            {"conversationId": 5},
            {"conversationId": "r"},
        )
        for event in ("joinRoom", "message", "typing", "none"):
            for payload in odd:
                await client.emit(event, payload)
        assert await client.call("joinRoom", {"conversationId": "r"}) == {"ok": True}
        refused = await client.call("message", {"conversationId": "q", "text": "x"})
        assert refused == {"error": {"message": "join the room first"}}
        first = {"conversationId": "r", "text": "x", "clientMsgId": "1"}
        assert await client.call("message", first) == await client.call("message", first)
        await client.disconnect()
        assert json.dumps(there.complaints()) == "[]"
