"""The servers of tests/conformance/node/dialects in Python: `python -m … NAME PORT`, as they."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import socketio
from aiohttp import web

Wire = Callable[[Any], None]


class Heard(socketio.AsyncServer):  # type: ignore[misc]  # the library has no types
    """Tells what it receives."""

    async def _trigger_event(self, event: str, namespace: str, *args: Any) -> Any:
        if event not in ("connect", "disconnect"):
            print(json.dumps({"heard": event, "args": args[1:]}), flush=True)
        return await super()._trigger_event(event, namespace, *args)


def basic(io: Any) -> None:
    async def join(sid: str, room: str) -> None:
        await io.enter_room(sid, room)
        await io.emit("joined", room, to=sid)

    async def message(sid: str, said: dict[str, str]) -> None:
        await io.emit("message", {"from": sid, "text": said["text"]}, room=said["room"])

    async def ping_ack(sid: str, said: object) -> dict[str, object]:
        return {"ok": True, "received": said}

    io.on("join", join)
    io.on("message", message)
    io.on("ping-ack", ping_ack)


def talkbot_mvp(io: Any) -> None:
    names: dict[str, str] = {}
    stored: dict[str, dict[str, Any]] = {}

    async def connect(sid: str, environ: object, auth: dict[str, str]) -> None:
        names[sid] = auth["name"]

    async def others(sid: str, event: str, room: str, **more: object) -> None:
        told = {"conversationId": room, "userId": names[sid], **more}
        await io.emit(event, told, room=room, skip_sid=sid)

    async def join_room(sid: str, asked: dict[str, str]) -> dict[str, object]:
        if asked["conversationId"] == "closed":
            return {"ok": False, "error": "this room is closed"}
        await io.enter_room(sid, asked["conversationId"])
        await others(sid, "presence", asked["conversationId"], status="online")
        return {"ok": True}

    async def leave_room(sid: str, asked: dict[str, str]) -> None:
        await io.leave_room(sid, asked["conversationId"])

    async def message(sid: str, said: dict[str, str]) -> dict[str, Any]:
        if said["text"] == "forbidden":
            return {"error": {"message": "that word is not allowed"}}
        known = stored.get(said["clientMsgId"])
        if known is not None:
            return known
        answer = {"serverMsgId": f"s{len(stored) + 1}", "ts": time.time_ns() // 1_000_000}
        stored[said["clientMsgId"]] = answer
        passed_on = {"from": names[sid], **said, **answer}
        await io.emit("message", passed_on, room=said["conversationId"])
        if said["text"] == "lose the ack":
            await io.disconnect(sid)
        return answer

    async def typing(sid: str, told: dict[str, Any]) -> None:
        await others(sid, "typing", told["conversationId"], on=told["on"])

    async def disconnect(sid: str, reason: str) -> None:
        for room in io.rooms(sid):
            await others(sid, "presence", room, status="offline")

    io.on("connect", connect)
    io.on("message", message)
    io.on("typing", typing)
    io.on("disconnect", disconnect)
    io.on("joinRoom", join_room)
    io.on("leaveRoom", leave_room)


def socketio_chat(io: Any) -> None:
    names: dict[str, str] = {}

    async def others(sid: str, event: str, **more: object) -> None:
        await io.emit(event, {"username": names.get(sid), **more}, skip_sid=sid)

    async def new_message(sid: str, text: str) -> None:
        await others(sid, "new message", message=text)

    async def add_user(sid: str, name: str) -> None:
        if sid not in names:
            names[sid] = name
            await io.emit("login", {"numUsers": len(names)}, to=sid)
            await others(sid, "user joined", numUsers=len(names))

    async def typing(sid: str) -> None:
        await others(sid, "typing")

    async def stop_typing(sid: str) -> None:
        await others(sid, "stop typing")

    async def disconnect(sid: str, reason: str) -> None:
        if sid in names:
            await others(sid, "user left", numUsers=len(names) - 1)
            del names[sid]

    io.on("typing", typing)
    io.on("disconnect", disconnect)
    io.on("new message", new_message)
    io.on("add user", add_user)
    io.on("stop typing", stop_typing)


def socketio_tutorial(io: Any) -> None:
    stored: dict[str, str] = {}
    lost: list[str] = []

    async def connect(sid: str, environ: object, auth: dict[str, int] | None) -> None:
        offset = (auth or {}).get("serverOffset") or 0
        # After the packet that lets it in.
        io.start_background_task(tell, sid, offset)

    async def tell(sid: str, offset: int) -> None:
        for number, text in enumerate(list(stored.values())[offset:], offset + 1):
            await io.emit("chat message", (text, number), to=sid)

    async def chat_message(sid: str, text: str, client_offset: str) -> tuple[()]:
        if client_offset not in stored:
            stored[client_offset] = text
            await io.emit("chat message", (text, len(stored)))
        if text == "lose the ack" and not lost:
            lost.append(sid)
            await io.disconnect(sid)
        return ()

    io.on("connect", connect)
    io.on("chat message", chat_message)


SERVERS: dict[str, Wire] = {
    "basic": basic,
    "talkbot-mvp": talkbot_mvp,
    "socketio-chat": socketio_chat,
    "socketio-tutorial": socketio_tutorial,
}


async def ok(_request: web.Request) -> web.Response:
    return web.Response(text="OK")


async def main(name: str, port: int) -> None:
    io = Heard(async_mode="aiohttp")
    SERVERS[name](io)
    app = web.Application()
    app.router.add_get("/", ok)
    io.attach(app)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
