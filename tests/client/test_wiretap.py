"""The tap on our own server: every packet, on every transport, and no secret in any of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import astuple
from typing import Any

import pytest

from talkbot_tui.client import addresses
from talkbot_tui.client.connect import open_with_token
from talkbot_tui.client.connector import SocketIoConnector
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.inspector import recording
from talkbot_tui.client.inspector.packets import Packet, Way
from talkbot_tui.client.inspector.pairing import Pairs
from talkbot_tui.client.memory import FixedToken
from talkbot_tui.client.socketio_transport import SocketIoTransport
from talkbot_tui.client.transport import LinkLost, Refused
from talkbot_tui.client.wiretap import Wiretap
from talkbot_tui.core.link import LinkState
from tests.serving import register, running_server
from tests.waiting import until


def nothing() -> None:
    """A listener that only turns the tap on."""


@asynccontextmanager
async def tapped(
    url: str, token: str, plan: tuple[str, ...]
) -> AsyncIterator[tuple[SocketIoTransport, Wiretap]]:
    connector = SocketIoConnector(addresses.parse(url), FixedToken(token))
    connector.tap = Wiretap()
    connector.tap.listen(nothing)
    auth = {"token": token, "protocol": 1, "client": {"name": "talkbot-tui", "version": "1"}}
    transport = await connector._open(plan, auth)
    try:
        yield transport, connector.tap
    finally:
        await transport.close()


def kinds(tap: Wiretap) -> list[tuple[str, str]]:
    return [(row.way.value, row.kind) for row in tap.rows]


HANDSHAKE = [("here", "attempt"), ("in", "open"), ("out", "connect")]
PROBE = [("out", "probe"), ("in", "probe_answer"), ("out", "upgrade")]


@pytest.mark.parametrize(
    ("plan", "extra"),
    [(("websocket",), []), (("polling",), []), (("polling", "websocket"), PROBE)],
    ids=["websocket", "polling", "upgrade"],
)
async def test_every_packet_is_seen_in_its_order(
    plan: tuple[str, ...], extra: list[tuple[str, str]]
) -> None:
    async with running_server() as server:
        token = (await register(server, "ana"))["accessToken"]
        async with tapped(server.url, token, plan) as (transport, tap):
            await transport.request("heads", {"heads": {}}, 5)
            seen = kinds(tap)
            assert seen[:3] == HANDSHAKE
            assert [one for one in seen if one in PROBE] == extra
            asked = next(row for row in tap.rows if row.event == "heads")
            answer = next(row for row in tap.rows if row.kind == "ack")
            assert (asked.way, asked.namespace, asked.ack_id) == (Way.OUT, "/chat", answer.ack_id)
            frame = f'42/chat,{asked.ack_id}["heads",{{"heads":{{}}}}]'
            assert (asked.text, asked.size) == ('["heads",{"heads":{}}]', len(frame))
            assert json.loads(answer.text)[0]["ok"] is True
            assert asked.transport == answer.transport == plan[-1]
            pairs = Pairs()
            for row in tap.rows:
                pairs.take(row)
            assert pairs.found[asked.number].number == answer.number
            assert 0 < pairs.found[asked.number].ms < 5000
        assert ("here", "ended") in kinds(tap)


def searched(rows: list[Packet]) -> str:
    return json.dumps([astuple(row) for row in rows], default=str) + "".join(
        recording.line(row) for row in rows
    )


@pytest.mark.parametrize("plan", [("websocket",), ("polling", "websocket")])
async def test_no_secret_is_kept(plan: tuple[str, ...]) -> None:
    async with running_server() as server:
        tokens = await register(server, "ana")
        token = tokens["accessToken"]
        async with tapped(server.url, token, plan) as (transport, tap):
            await transport.request("auth", {"token": token}, 5)
            await transport.emit_by_hand(
                "typing", [{"echo": token, "also": f"x{token[10:60]}"}], True
            )
            sid = str(transport._engine.sid)
            await until(lambda: sum(kind == "ack" for _way, kind in kinds(tap)) >= 1)
            text = searched(list(tap.rows))
            assert '"auth"' in text.replace("\\", "")
            assert token not in text
            assert token.rpartition(".")[2] not in text
            assert sid not in text


async def test_a_refusal_is_a_row_with_its_reason() -> None:
    async with running_server() as server:
        connector = SocketIoConnector(addresses.parse(server.url), FixedToken("not a token"))
        connector.tap = tap = Wiretap()
        tap.listen(nothing)
        with pytest.raises(Refused):
            await connector.connect()
        assert ("in", "connect_error") in kinds(tap)
        refused = next(row for row in tap.rows if row.kind == "refused")
        assert refused.text.startswith("token_invalid")
        assert "not a token" not in searched(list(tap.rows))


async def test_pings_and_pongs_are_seen() -> None:
    async with running_server(ping_interval=0.3, ping_timeout=2) as server:
        token = (await register(server, "ana"))["accessToken"]
        async with tapped(server.url, token, ("websocket",)) as (_transport, tap):
            await until(lambda: kinds(tap).count(("in", "ping")) >= 3)
            pairs = Pairs()
            for row in tap.rows:
                pairs.take(row)
            assert pairs.interval == 300
            assert len(pairs.trips) >= 2
            assert kinds(tap).count(("out", "pong")) >= 2


def made(**options: Any) -> Wiretap:
    tap = Wiretap(lambda: 0.0, **options)
    tap.listen(nothing)
    return tap


def test_a_tap_that_is_off_keeps_nothing() -> None:
    tap = Wiretap()
    tap.packet(Way.IN, "websocket", 4, '2["x"]')
    tap.note("attempt", "x")
    assert not tap.rows


def test_it_is_bounded_by_number_and_by_bytes() -> None:
    tap = made(rows_max=100)
    for number in range(250):
        tap.packet(Way.IN, "websocket", 4, f'2["x",{number}]')
    assert [row.number for row in tap.rows] == list(range(151, 251))
    tap = made(bytes_max=1_000_000)
    for _ in range(100):
        tap.packet(Way.IN, "websocket", 4, '2["x","' + "y" * 50_000 + '"]')
    assert 1 < len(tap.rows) < 10


def test_of_a_huge_payload_the_beginning_is_kept_and_of_an_attachment_its_hash() -> None:
    tap = made()
    tap.packet(Way.IN, "websocket", 4, '2["x","' + "y" * 50_000_000 + '"]')
    tap.packet(Way.IN, "websocket", 4, '51-["p",{"_placeholder":true,"num":0}]')
    tap.packet(Way.IN, "websocket", 4, b"\x01\x02\x03")
    huge, event, attachment = tap.rows
    assert (huge.size, huge.cut, huge.event) == (50_000_010, True, "x")
    assert len(huge.text) <= 64 * 1024
    assert (event.kind, event.event) == ("binary_event", "p")
    assert (attachment.kind, attachment.size) == ("attachment", 3)
    assert attachment.sha256.startswith("039058c6f2c0cb49")


def test_a_secret_across_the_cut_is_not_kept_in_part() -> None:
    tap = made()
    tap.secret({"token": "correct-horse-battery" * 20})
    secret = "correct-horse-battery" * 20
    for shift in range(0, 5000, 97):
        filler = "y" * (64 * 1024 - 300 + shift)
        tap.packet(Way.IN, "websocket", 4, f'2["x","{filler}{secret} and more {filler}"]')
    assert all("horse" not in row.text for row in tap.rows)


def test_a_secret_at_the_end_is_not_kept_in_part_though_others_made_room_for_it() -> None:
    tap = made()
    secret = "correct-horse-battery"
    tap.secret({"token": secret})
    for shift in range(len(secret) + 2):
        tap.packet(Way.IN, "websocket", 4, f'2["x","{"y" * shift}{(secret + " ") * 10_000}"]')
    assert all("horse" not in row.text and "corr" not in row.text for row in tap.rows)
    assert all(row.cut for row in tap.rows)


def test_a_listener_that_fails_disturbs_nothing() -> None:
    tap = made()

    def fail() -> None:
        raise RuntimeError("a defect of the listener")

    heard: list[Packet] = []
    tap.listen(fail)
    tap.sinks.append(heard.append)
    tap.packet(Way.IN, "websocket", 2, "")
    assert [row.kind for row in heard] == ["ping"]


async def test_an_engine_s_wire_tells_how_the_connection_stands_and_sends_by_hand() -> None:
    async with running_server() as server:
        token = (await register(server, "ana"))["accessToken"]
        engine: Engine = open_with_token(server.url, token, keep=False)
        with pytest.raises(LinkLost):
            await engine.wire.emit("heads", [{"heads": {}}], True)
        await engine.start()
        try:
            await until(lambda: engine.session.link.state is LinkState.ONLINE)
            assert not engine.wire.tap.rows
            engine.wire.listen(nothing)
            (standing,) = engine.wire.tap.rows
            assert json.loads(standing.text)["pingInterval"] > 0
            await engine.wire.emit("heads", [{"heads": {}}], True)
            await until(lambda: any(row.kind == "ack" for row in engine.wire.tap.rows))
            assert (engine.wire.origin, engine.wire.path) == (server.url, "/socket.io")
            assert engine.wire.namespace == "/chat"
        finally:
            await engine.stop()
