"""What a stranger can try on the wire, each seen to fail on the stock server before."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from talkbot_tui.client.socketio_transport import SocketIoTransport
from talkbot_tui.server.app import RunningServer
from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.limits import pace
from talkbot_tui.wire.acks import Limits
from tests.server.peers import people
from tests.serving import register, running_server
from tests.waiting import until

QUERY = "/socket.io/?EIO=4&transport="


@asynccontextmanager
async def raw(server: RunningServer, **options: Any) -> AsyncIterator[Any]:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(server.url + QUERY + "websocket", **options) as ws,
    ):
        assert (await ws.receive_str()).startswith("0{")
        yield ws


async def signed_in(ws: Any, token: str) -> None:
    auth = json.dumps({"token": token, "protocol": 1})
    await ws.send_str("40/chat," + auth)
    assert (await ws.receive_str()).startswith("40/chat,{")


async def closed(ws: Any) -> list[str]:
    """What still came before the server closed."""
    seen: list[str] = []
    async with asyncio.timeout(25):
        while True:
            message = await ws.receive()
            if message.type is not aiohttp.WSMsgType.TEXT or message.data == "1":
                return seen
            seen.append(message.data)


@pytest.mark.parametrize(
    "name", ['"connect"', '"disconnect"', '"*"', '"__disconnect_final"', "7", "null", "{}"]
)
async def test_a_forged_lifecycle_event_closes_the_connection(name: str) -> None:
    async with running_server() as server:
        token = (await register(server, "ana"))["accessToken"]
        async with raw(server) as ws:
            await signed_in(ws, token)
            await ws.send_str(f'42/chat,1[{name},{{"x":1}}]')
            await closed(ws)
            await until(lambda: not server.fanout.connections)


@pytest.mark.parametrize(
    "frame",
    [
        "42/chat,[",
        '42/chat,["heads",{"heads":{"a":NaN}}]',
        "4",
        "4x",
        "4" + "[" * 60_000,
        '42["heads",{}]',
        "43/chat,1{}",
        "44/chat,",
        "49/chat,",
    ],
    ids=range(9),
)
async def test_what_is_no_packet_closes_the_connection_at_once(frame: str) -> None:
    async with running_server() as server:
        token = (await register(server, "ana"))["accessToken"]
        async with raw(server) as ws:
            await signed_in(ws, token)
            await ws.send_str(frame)
            await ws.send_str('42/chat,1["heads",{"heads":{}}]')
            assert await closed(ws) == []
            assert server.metrics.value("malformed_total") == 1


@pytest.mark.parametrize(
    "frame",
    [
        '42/chat,["heads",{"heads":{},"heads":{}}]',
        '42/chat,["heads",' + "[" * 40 + "]" * 40 + "]",
        '42/chat,["heads",' + "9" * 30 + "]",
    ],
    ids=["twice", "deep", "large"],
)
@pytest.mark.parametrize("bot", [False, True], ids=["alone", "with a bot"])
async def test_json_that_is_not_taken_is_counted_and_the_third_closes(
    frame: str, bot: bool
) -> None:
    async with running_server() as server, aiohttp.ClientSession() as http:
        if bot:
            # A client in the server's process must not change how the server reads.
            SocketIoTransport(http)
        token = (await register(server, "ana"))["accessToken"]
        async with raw(server) as ws:
            await signed_in(ws, token)
            await ws.send_str(frame)
            await ws.send_str('42/chat,1["heads",{"heads":{}}]')
            assert (await ws.receive_str()).startswith("43/chat,1[{")
            await ws.send_str(frame)
            await ws.send_str(frame)
            await closed(ws)
            assert server.metrics.value("malformed_total") == 3


@pytest.mark.parametrize("frame", ["x", "é"], ids=["letter", "accent"])
async def test_what_is_not_even_a_packet_closes_the_connection(frame: str) -> None:
    async with running_server() as server:
        token = (await register(server, "ana"))["accessToken"]
        async with raw(server) as ws:
            await signed_in(ws, token)
            await ws.send_str(frame)
            await closed(ws)
            await until(lambda: not server.fanout.connections)


async def test_binary_frames_are_refused() -> None:
    async with running_server() as server:
        token = (await register(server, "ana"))["accessToken"]
        async with raw(server) as ws:
            await signed_in(ws, token)
            await ws.send_bytes(b"\x00\x01")
            assert await closed(ws) == ['42/chat,["goodbye",{"code":"unsupported"}]']


async def test_nothing_is_sent_or_handled_before_the_handshake() -> None:
    async with (
        running_server() as server,
        people(server, "ana") as (ana,),
        raw(server) as ws,
        raw(server) as other,
    ):
        await other.send_str('42/chat,1["sync",{"cursors":{}}]')
        await ana.post(ana.rooms["general"], "segredo")
        assert await closed(other) == []
        await ws.send_str('40/chat,{"token":"forged","protocol":1}')
        refusal = await ws.receive_str()
        assert refusal.startswith("44/chat,")
        assert json.loads(refusal.split(",", 1)[1]) == {
            "message": "token_invalid",
            "data": {"retryable": False},
        }


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        ("", "auth_required"),
        ("{}", "auth_required"),
        ('{"token":""}', "token_invalid"),
        ('{"token":7}', "token_invalid"),
        ('{"token":"x","protocol":99}', "protocol_unsupported"),
        ('{"token":"x","surprise":1}', "token_invalid"),
        ("[1]", "auth_required"),
    ],
)
async def test_a_bad_handshake_is_refused_with_its_code(auth: str, code: str) -> None:
    async with running_server() as server, raw(server) as ws:
        await ws.send_str("40/chat," + auth)
        assert f'"message":"{code}"' in await ws.receive_str()


async def test_another_namespace_is_refused() -> None:
    async with running_server() as server, raw(server) as ws:
        await ws.send_str("40/admin,")
        assert await ws.receive_str() == '44/admin,{"message":"Invalid namespace"}'


async def test_a_connection_that_never_signs_in_is_closed() -> None:
    async with running_server(handshake_seconds=0.2) as server, raw(server) as ws:
        await closed(ws)
        assert server.metrics.value("handshakes_total", "late") == 1
        assert not server.sio._pending


async def test_an_address_may_have_only_so_many_handshakes_open() -> None:
    async with running_server(handshakes_per_address=2) as server:
        async with (
            raw(server),
            raw(server),
            aiohttp.ClientSession() as http,
            http.get(server.url + QUERY + "polling") as answer,
        ):
            assert answer.status == 429
            assert answer.headers["Retry-After"] == "10"
        async with raw(server):
            pass


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_an_address_may_not_open_one_connection_after_another(transport: str) -> None:
    async with (
        running_server(address_connections_burst=3, address_connections_per_second=0.01) as server,
        aiohttp.ClientSession() as http,
    ):
        for _ in range(3):
            async with raw(server) as ws:
                await ws.close()
        if transport == "polling":
            async with http.get(server.url + QUERY + "polling") as answer:
                status, wait = answer.status, int(answer.headers["Retry-After"])
        else:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(server.url + QUERY + "websocket")
            assert refused.value.headers is not None
            status, wait = refused.value.status, int(refused.value.headers["Retry-After"])
        assert status == 429
        assert 90 < wait <= 100
        assert server.metrics.value("handshakes_total", "refused") == 1


async def test_a_polling_batch_of_fifty_packets_is_taken_whole() -> None:
    async with running_server() as server:
        token = (await register(server, "ana"))["accessToken"]
        async with aiohttp.ClientSession() as http:
            url = server.url + QUERY + "polling"
            async with http.get(url) as answer:
                sid = json.loads((await answer.text())[1:])["sid"]
            url += f"&sid={sid}"
            auth = "40/chat," + json.dumps({"token": token})
            batch = [auth, *(f'42/chat,{n}["heads",{{"heads":{{}}}}]' for n in range(50))]
            async with http.post(url, data="\x1e".join(batch)) as answer:
                assert answer.status == 200
            acks: set[str] = set()
            while len(acks) < 50:
                async with http.get(url) as answer:
                    packets = (await answer.text()).split("\x1e")
                acks |= {p.split("[")[0] for p in packets if p.startswith("43/chat,")}
            assert acks == {f"43/chat,{n}" for n in range(50)}
            async with http.post(url, data="\x1e".join(["3"] * 1001)) as answer:
                assert answer.status == 400


async def test_compression_is_not_negotiated_and_foreign_origins_are_refused() -> None:
    async with running_server() as server:
        async with raw(server, compress=15) as ws:
            assert ws.compress == 0
        async with aiohttp.ClientSession() as http:
            for transport in ("polling", "websocket"):
                headers = {"Origin": "https://elsewhere.example"}
                if transport == "websocket":
                    headers |= {"Connection": "Upgrade", "Upgrade": "websocket"}
                async with http.get(server.url + QUERY + transport, headers=headers) as answer:
                    assert answer.status == 400
    origin = "https://chat.example"
    async with (
        running_server(origins=(origin,)) as server,
        aiohttp.ClientSession() as http,
        http.get(server.url + QUERY + "polling", headers={"Origin": origin}) as answer,
    ):
        assert answer.status == 200


async def test_a_frame_over_the_limit_closes_the_connection() -> None:
    async with running_server() as server:
        token = (await register(server, "ana"))["accessToken"]
        async with raw(server) as ws:
            await signed_in(ws, token)
            await ws.send_str('42/chat,["message",{"text":"' + "x" * 140_000 + '"}]')
            await closed(ws)
            await until(lambda: not server.fanout.connections)


async def test_a_reader_that_stops_is_cut_and_the_others_are_not() -> None:
    from talkbot_tui.wire.acks import Limits

    limits = Limits(message_burst=2000)
    async with (
        running_server(limits=limits, send_buffer_bytes=64 * 1024) as server,
        people(server, "ana", "bruno") as (ana, bruno),
    ):
        room = ana.rooms["general"]
        token = (await register(server, "carla"))["accessToken"]
        async with raw(server, max_msg_size=0) as ws:
            await signed_in(ws, token)
            await ws.send_str('42/chat,1["sync",{"cursors":{}}]')
            await until(lambda: any(c.rooms for c in server.fanout.connections.values()))
            transport = ws._response.connection.transport
            transport.pause_reading()
            await until(lambda: len(server.fanout.connections) == 3)
            for n in range(1200):
                await ana.post(room, f"{n} " + "x" * 7000)
                if server.metrics.value("closed_total", "slow"):
                    break
            assert server.metrics.value("closed_total", "slow") == 1
            await until(lambda: len(server.fanout.connections) == 2)
            await bruno.wait("message", n + 1)


async def test_the_address_is_the_peers_and_a_proxys_word_counts_only_when_trusted() -> None:
    headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    for trusted, expected in (((), "127.0.0.1"), (("127.0.0.1",), "198.51.100.7")):
        async with running_server(trusted_proxies=trusted) as server:
            token = (await register(server, "ana"))["accessToken"]
            async with raw(server, headers=headers) as ws:
                await signed_in(ws, token)
                (connection,) = server.fanout.connections.values()
                assert connection.address == expected


async def test_who_asks_without_reading_is_not_served_more_and_can_still_be_closed() -> None:
    from talkbot_tui.wire.acks import Limits

    limits = Limits(message_burst=2000)
    config: dict[str, Any] = {"send_buffer_bytes": 512 * 1024, "queue_max": 4}
    async with running_server(limits=limits, **config) as server, people(server, "ana") as (ana,):
        room = ana.rooms["general"]
        for n in range(40):
            await ana.post(room, f"{n} " + "x" * 7000)
        tokens = await register(server, "bruno")
        async with raw(server, max_msg_size=0) as ws:
            await signed_in(ws, tokens["accessToken"])
            ws._response.connection.transport.pause_reading()
            asked = json.dumps(["history", {"conversationId": room, "limit": 200}])
            for n in range(100):
                await ws.send_str(f"42/chat,{n}{asked}")
            (connection,) = server.fanout.of_user(tokens["user"]["userId"])
            await until(lambda: connection.out.replies > 512 * 1024)
            await until(connection.inbox.full)
            assert connection.out.replies < 1024 * 1024
            server.fanout.end_sessions(connection.actor.user_id, None)
            await until(lambda: connection.eio_sid not in server.sio.eio.sockets)


async def test_an_address_has_a_rate_of_its_own_however_many_connections_it_opens() -> None:
    limits: dict[str, Any] = {"address_events_burst": 40, "address_events_per_second": 0.1}
    async with running_server(**limits) as server:
        token = (await register(server, "ana"))["accessToken"]
        async with raw(server) as one, raw(server) as other:
            for ws, count in ((one, 30), (other, 20)):
                await signed_in(ws, token)
                for n in range(count):
                    await ws.send_str(f'42/chat,{n}["heads",{{"heads":{{}}}}]')
            seen = await closed(other)
            assert sum(text.startswith("43") for text in seen) <= 10
            assert '"code":"flood"' in seen[-1]


async def test_a_flood_is_cut() -> None:
    async with running_server(events_burst=50, events_per_second=1.0) as server:
        token = (await register(server, "ana"))["accessToken"]
        async with raw(server) as ws:
            await signed_in(ws, token)
            for n in range(60):
                await ws.send_str(f'42/chat,{n}["heads",{{"heads":{{}}}}]')
            seen = await closed(ws)
            assert '"code":"flood"' in seen[-1]


async def test_coming_back_after_a_flood_brings_no_fresh_burst() -> None:
    async with running_server(events_burst=50, events_per_second=0.1) as server:
        token = (await register(server, "ana"))["accessToken"]
        for count in (60, 2):
            async with raw(server) as ws:
                await signed_in(ws, token)
                for n in range(count):
                    await ws.send_str(f'42/chat,{n}["heads",{{"heads":{{}}}}]')
                assert '"code":"flood"' in (await closed(ws))[-1]


async def test_who_sends_in_haste_is_read_no_faster_than_others_can_bear() -> None:
    allowed = Limits(messages_per_minute=60)
    async with running_server(pace_burst=10, pace_per_second=50.0, limits=allowed) as server:
        token = (await register(server, "ana"))["accessToken"]
        async with raw(server) as ws:
            await signed_in(ws, token)
            began = time.monotonic()
            for n in range(40):
                await ws.send_str(f'42/chat,{n}["heads",{{"heads":{{}}}}]')
            answers = [await ws.receive_str() for _ in range(40)]
        assert [int(text[8:].partition("[")[0]) for text in answers] == list(range(40))
        assert time.monotonic() - began >= 30 / 50 * 0.95


def test_the_pace_is_never_below_what_is_allowed(tmp_path: Path) -> None:
    plain = ServerConfig(data_dir=tmp_path)
    busy = ServerConfig(data_dir=tmp_path, limits=Limits(messages_per_minute=60_000))
    assert pace(plain, bot=False).per_second == plain.pace_per_second
    assert pace(busy, bot=False).per_second == 2_000
    assert pace(plain, bot=True).per_second == plain.pace_per_second * plain.bot_factor
