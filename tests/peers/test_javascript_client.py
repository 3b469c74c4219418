"""The official JavaScript client against our server, as it comes from its registry."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from talkbot_tui.wire.acks import Limits
from tests.peers.javascript import peer
from tests.server.peers import people
from tests.serving import register, running_server
from tests.waiting import until

TRANSPORTS: list[list[str]] = [["websocket"], ["polling"], ["polling", "websocket"]]
MANY = Limits(message_burst=2000)
NAMES = ["websocket", "polling", "upgrade"]


@pytest.mark.parametrize("transports", TRANSPORTS, ids=NAMES)
async def test_it_connects_asks_and_hears(transports: list[str]) -> None:
    async with running_server(limits=MANY) as server, peer() as ana:
        tokens = await register(server, "ana")
        await ana.connect(server.url, tokens["accessToken"], transports=transports)
        if len(transports) == 2:
            assert (await ana.fact("upgrade"))["transport"] == "websocket"
        room = await ana.sync()
        for n in range(30):
            payload = {"conversationId": room, "text": f"olá {n} 🦉", "clientMsgId": f"m{n}"}
            answer = await ana.call("message", payload)
            assert answer["ok"], answer
            assert set(answer) == {"ok", "serverMsgId", "seq", "ts"}
        await until(lambda: len(ana.texts()) == 30)
        assert ana.texts() == [f"olá {n} 🦉" for n in range(30)]
        ana.tell("disconnect")
        await until(lambda: not server.fanout.connections, within=3)
        assert not ana.facts("refused")
        assert len(ana.facts("connect")) == 1


@pytest.mark.parametrize("transports", TRANSPORTS, ids=NAMES)
@pytest.mark.parametrize(("token", "code"), [("", "auth_required"), ("no", "token_invalid")])
async def test_a_refusal_comes_with_its_data(transports: list[str], token: str, code: str) -> None:
    async with running_server() as server, peer() as ana:
        ana.tell("connect", url=server.url, token=token, options={"transports": transports})
        refused = await ana.fact("refused")
        assert (refused["message"], refused["data"]) == (code, {"retryable": False})
        assert not ana.facts("connect")


async def test_another_namespace_is_refused_by_name() -> None:
    async with running_server() as server, peer() as ana:
        ana.tell("connect", url=server.url, namespace="/admin", token="x", options={})
        assert (await ana.fact("refused"))["message"] == "Invalid namespace"


async def test_a_refused_request_says_why() -> None:
    async with running_server() as server, peer() as ana:
        tokens = await register(server, "ana")
        await ana.connect(server.url, tokens["accessToken"])
        answer = await ana.call("message", {"text": "to nobody"})
        assert answer["ok"] is False
        assert answer["error"]["code"] == "bad_request"
        assert not answer["error"].get("retryable")
        answer = await ana.call("sing", {})
        assert answer["error"]["code"] == "unknown_event"


async def test_bytes_end_the_connection_with_a_reason() -> None:
    async with running_server() as server, peer() as ana:
        tokens = await register(server, "ana")
        await ana.connect(server.url, tokens["accessToken"], reconnection=False)
        ana.tell("emit", name="heads", payload={"type": "Buffer", "data": [1, 2]})
        answer = await ana.call("heads", {"heads": {}})
        assert answer["ok"], "an object that only looks like bytes is one"
        ana.tell("bytes", name="heads")
        assert (await ana.fact("event", name="goodbye"))["payload"] == {"code": "unsupported"}
        await ana.fact("disconnect")


async def test_two_of_them_and_one_in_python_share_a_room() -> None:
    async with (
        running_server(limits=MANY) as server,
        people(server, "carla") as (carla,),
        peer() as ana,
        peer() as bruno,
    ):
        peers = {"ana": ana, "bruno": bruno}
        for name, transports in (("ana", ["websocket"]), ("bruno", ["polling"])):
            tokens = await register(server, name)
            await peers[name].connect(server.url, tokens["accessToken"], transports=transports)
            room = await peers[name].sync()
        assert room == carla.rooms["general"]

        async def say(name: str) -> None:
            for n in range(20):
                payload = {
                    "conversationId": room,
                    "text": f"{name} {n}",
                    "clientMsgId": f"{name}{n}",
                }
                if name == "carla":
                    await carla.ask("message", payload)
                else:
                    assert (await peers[name].call("message", payload))["ok"]

        await asyncio.gather(*(say(name) for name in ("ana", "bruno", "carla")))
        await until(lambda: min(len(ana.texts()), len(bruno.texts())) == 60)
        await carla.wait("message", 60)
        heard = [message["text"] for message in carla.got("message")]
        assert ana.texts() == bruno.texts() == heard
        for name in ("ana", "bruno", "carla"):
            own = [text for text in heard if text.startswith(name)]
            assert own == [f"{name} {n}" for n in range(20)]


@pytest.mark.parametrize("transports", TRANSPORTS, ids=NAMES)
async def test_it_comes_back_after_a_restart(transports: list[str], tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config: dict[str, Any] = {"data_dir": tmp_path, "port": port}
    async with peer() as ana:
        async with running_server(**config) as server:
            token = (await register(server, "ana"))["accessToken"]
            await ana.connect(server.url, token, transports=transports)
            room = await ana.sync()
            payload = {"conversationId": room, "text": "before", "clientMsgId": "m1"}
            first = await ana.call("message", payload)
        await ana.fact("disconnect")
        assert ana.facts("event", name="goodbye")[0]["payload"]["code"] == "draining"
        async with running_server(**config):
            await ana.fact("connect", 2)
            await ana.fact("reconnect")
            assert await ana.call("message", payload) == first
            assert await ana.sync() == room
            again = {"conversationId": room, "text": "after", "clientMsgId": "m2"}
            assert (await ana.call("message", again))["seq"] == first["seq"] + 1
            await until(lambda: "after" in ana.texts())


async def test_who_signs_out_elsewhere_is_told() -> None:
    async with running_server() as server, people(server, "ana") as (ana,), peer() as other:
        await other.connect(server.url, ana.tokens["accessToken"], reconnection=False)
        await ana.http("POST", "/api/logout", {"refreshToken": ana.tokens["refreshToken"]})
        goodbye = await other.fact("event", name="goodbye")
        assert goodbye["payload"] == {"code": "session_revoked"}
        await other.fact("disconnect")
