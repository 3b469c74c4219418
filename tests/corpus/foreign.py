"""A server of somebody else's: it speaks the contract, and says whatever a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import socketio
from aiohttp import web

from talkbot_tui.wire.scalars import NAMESPACE
from tests.client.script import ROOM, ScriptedServer


class ForeignServer:
    """`script` answers; `url` is where it listens.

    Attributes:
        asked: the events that came, with their payloads.
        rooms: more conversations than the script's own, as a sync would name them.
    """

    def __init__(self) -> None:
        self.script = ScriptedServer()
        self.asked: list[tuple[str, Any]] = []
        self.rooms: list[dict[str, Any]] = []
        self.url = ""
        self.sio = socketio.AsyncServer(async_mode="aiohttp", max_http_buffer_size=10**8)
        self.sio.on("connect", self._connect, namespace=NAMESPACE)
        self.sio.on("*", self._any, namespace=NAMESPACE)
        self.script.answers["sync"] = self._sync
        self.script.answers["heads"] = lambda _payload: {"ok": True, "heads": {}}

    async def push(self, event: str, payload: object) -> None:
        """Tell everybody."""
        await self.sio.emit(event, payload, namespace=NAMESPACE)

    def _connect(self, _sid: str, _environ: object, _auth: object) -> None:
        """Whoever comes is welcome."""

    def _any(self, event: str, _sid: str, payload: Any = None) -> object:
        self.asked.append((event, payload))
        answer = self.script.answers.get(event)
        return answer(payload) if answer else {"ok": True}

    def _sync(self, payload: dict[str, Any]) -> object:
        answer = self.script.sync(payload)
        assert isinstance(answer, dict)
        return {**answer, "conversations": [*answer["conversations"], *self.rooms]}


def room(number: int, name: str, **more: Any) -> dict[str, Any]:
    """A conversation as a sync names it."""
    info = {
        "conversationId": f"room-x{number}",
        "kind": "channel",
        "name": name,
        "role": "member",
        "memberCount": 2,
        **more,
    }
    return {
        "conversation": info,
        "headSeq": 0,
        "readSeq": 0,
        "unread": 1,
        "mentions": 0,
        "fromSeq": 1,
        "events": [],
        "more": False,
    }


@asynccontextmanager
async def foreign_server() -> AsyncIterator[ForeignServer]:
    """One on a free port of this machine."""
    server = ForeignServer()
    app = web.Application()
    server.sio.attach(app)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        server.url = f"http://{host}:{port}"
        yield server
    finally:
        await runner.cleanup()


__all__ = ["ROOM", "ForeignServer", "foreign_server", "room"]
