"""Servers that are not as the dialect says, or no chat servers at all: told or counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from talkbot_tui.client.connect import open_foreign
from talkbot_tui.client.dialects.declared import Connect
from talkbot_tui.client.dialects.foreign import ForeignDialect
from talkbot_tui.client.dialects.loading import load
from talkbot_tui.client.engine import Engine
from talkbot_tui.core.link import LinkState
from tests.peers.dialects.test_probe import EIO3, odd_server
from tests.peers.dialects.world import person, server
from tests.waiting import until


@pytest.mark.parametrize("wrong", ["bytes", "many bytes", "deep", "names", "long"])
@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_what_does_not_fit_changes_nothing(wrong: str, transport: str) -> None:
    async with (
        server("hostile") as there,
        person(there.url, "basic", "ana", transports=(transport,)) as ana,
    ):
        ana.say(wrong)
        ana.say("still here")
        await ana.has_sent("still here")
        assert ana.link is LinkState.ONLINE
        assert "missed" not in ana.notes()
        assert all(len(text) <= 32_000 for text in ana.texts())
        if "bytes" in wrong:
            assert ana.texts() == [wrong, "`binary data`", "still here"]
            assert ana.engine.counters == {"malformed": 1}


async def test_a_flood_is_shown_in_order() -> None:
    async with server("hostile") as there, person(there.url, "basic", "ana") as ana:
        ana.say("flood")
        await until(lambda: ana.texts()[-1:] == ["2999"], what=lambda: f"{ana.texts()[-3:]}")
        assert ana.texts() == ["flood", *map(str, range(3000))]


@pytest.mark.parametrize("wrong", ["huge", "leave"])
async def test_who_is_thrown_out_comes_back(wrong: str) -> None:
    async with server("hostile") as there, person(there.url, "basic", "ana") as ana:
        ana.say(wrong)
        await until(lambda: "missed" in ana.notes(), what=lambda: f"{ana.texts()}"[:500])
        await ana.online()
        ana.say("back")
        await ana.has_sent("back")
        assert sum(name == "message" for name, _ in there.heard()) == 2


# --- no way in ------------------------------------------------------------------------------


@asynccontextmanager
async def trying(url: str, connect: Connect | None = None) -> AsyncIterator[Engine]:
    declared = load("basic")
    declared = replace(declared, connect=connect or declared.connect)
    engine = open_foreign(url, ForeignDialect(declared, "ana"), step_s=1.0)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()
        assert engine.faults == 0


async def told(engine: Engine, code: str) -> str:
    """The words for why there is no connection."""
    link = engine.session.link
    await until(lambda: link.code == code, what=lambda: f"{link.code!r}: {link.reason}")
    return link.reason


async def test_a_namespace_that_is_not_there_is_not_tried_again() -> None:
    async with (
        server("hostile") as there,
        trying(there.url, Connect(namespace="/chat")) as engine,
    ):
        assert await told(engine, "namespace") == "Invalid namespace: /chat"
        assert engine.session.link.state is LinkState.REFUSED


async def test_a_refusal_comes_in_the_server_s_words() -> None:
    async with (
        server("hostile", refuse="members only\x1b[2J") as there,
        trying(there.url) as engine,
    ):
        assert await told(engine, "members only\ufffd[2J") == "members only\ufffd[2J"


async def test_refused_in_http_already() -> None:
    async with server("hostile", forbid=True) as there, trying(there.url) as engine:
        assert await told(engine, "not_socketio")


async def test_another_path() -> None:
    async with (
        server("hostile") as there,
        trying(there.url, Connect(path="/elsewhere")) as engine,
    ):
        assert await told(engine, "not_socketio")


@pytest.mark.parametrize(
    "body", [EIO3, b"<html>", b"x" * 50_000_000], ids=["eio3", "html", "50 MB"]
)
async def test_something_else_answers(body: bytes) -> None:
    runner, url = await odd_server(200, body)
    try:
        async with trying(url) as engine:
            assert await told(engine, "not_socketio")
    finally:
        await runner.cleanup()


async def test_a_server_that_says_as_little_as_it_may() -> None:
    async with (
        server("talkbot-mvp", quiet=True) as there,
        person(there.url, "talkbot-mvp", "ana") as ana,
        person(there.url, "talkbot-mvp", "bruno") as bruno,
    ):
        ana.say("hello")
        await ana.has_sent("hello")
        await until(lambda: bruno.lines() == [("somebody", "hello")])
        assert ana.lines() == [("ana", "hello")]
