"""The peer: what one writes by hand with python-socketio and sqlite3, each message durable.

One handler, one INSERT and one COMMIT with synchronous=FULL per message, then the broadcast and the
ack. No accounts, no membership, no numbering, no idempotency.

Usage: plain_server.py DATABASE  (prints `ready PORT`)
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from typing import Any

import socketio
from aiohttp import web


async def main(database: str) -> None:
    """Serve until killed."""
    store = sqlite3.connect(database)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=FULL")
    store.execute("CREATE TABLE message (id TEXT PRIMARY KEY, room TEXT, text TEXT, ts INTEGER)")
    server = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins=[])

    @server.on("connect", namespace="/chat")  # type: ignore[untyped-decorator]  # ships no types
    async def connect(sid: str, _environ: dict[str, Any], _auth: object) -> None:
        await server.enter_room(sid, "room", namespace="/chat")

    @server.on("message", namespace="/chat")  # type: ignore[untyped-decorator]  # ships no types
    async def message(_sid: str, data: dict[str, str]) -> dict[str, Any]:
        now = int(time.time() * 1000)
        row = (data["clientMsgId"], data["conversationId"], data["text"], now)
        store.execute("INSERT INTO message VALUES (?, ?, ?, ?)", row)
        store.commit()
        await server.emit("message", {**data, "ts": now}, room="room", namespace="/chat")
        return {"ok": True, "ts": now}

    app = web.Application()
    server.attach(app)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"ready {runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
