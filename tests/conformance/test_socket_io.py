"""Socket.IO protocol 5, in the default encoding."""

from __future__ import annotations

import json

import pytest

from tests.conformance.targets import DEVIATIONS, Target
from tests.conformance.wire import HEADS, joined, websocket


async def test_connect_is_answered_with_a_session_id(target: Target) -> None:
    """Connection to a namespace: CONNECT, with `sid` in its payload."""
    async with websocket(target) as socket:
        await socket.send(target.connect())
        answer = await socket.text()
        assert answer.startswith("40/chat,")
        payload = json.loads(answer[8:])
        assert isinstance(payload["sid"], str)
        assert set(payload) <= {"sid", "pid"}


async def test_the_session_id_is_not_the_transports(target: Target) -> None:
    """Connection to a namespace: `sid` is of the namespace, and no key to the transport."""
    async with websocket(target) as socket:
        assert await socket.join() != socket.sid


@pytest.mark.parametrize("packet", ["40/chat,", "40/chat", '40/chat,{"token":"x"}'])
async def test_a_refused_connect_says_why(target: Target, packet: str) -> None:
    """Connection to a namespace: CONNECT_ERROR, with `message`; here typed data too."""
    async with websocket(target) as socket:
        await socket.send(packet)
        answer = await socket.text()
        assert answer.startswith("44/chat,{")
        payload = json.loads(answer[8:])
        assert payload == {
            "message": "token_invalid" if "token" in packet else "auth_required",
            "data": {"retryable": False},
        }


async def test_who_was_refused_may_ask_again(target: Target) -> None:
    """Connection to a namespace: CONNECT_ERROR is about the namespace only."""
    async with websocket(target) as socket:
        await socket.send(target.connect("wrong"))
        assert (await socket.text()).startswith("44/chat,")
        await socket.join()
        await socket.alive()


async def test_the_main_namespace_is_answered(target: Target) -> None:
    """Connection to a namespace: CONNECT or CONNECT_ERROR; named by nothing at all."""
    async with websocket(target) as socket:
        await socket.send("40")
        answer = await socket.text()
        assert answer.startswith(('40{"sid":', '44{"message":'))


@pytest.mark.parametrize("packet", ["40/unknown,", "40/unknown", '40/unknown,{"token":"x"}'])
async def test_an_unknown_namespace_is_refused(target: Target, packet: str) -> None:
    """Connection to a namespace: CONNECT_ERROR for one that is not there."""
    async with websocket(target) as socket:
        await socket.send(packet)
        assert await socket.text() == '44/unknown,{"message":"Invalid namespace"}'


async def test_several_namespaces_share_a_connection(target: Target) -> None:
    """Connection to a namespace: a client may be in several at the same time."""
    async with joined(target) as socket:
        await socket.send("40")
        answer = await socket.text()
        assert answer.startswith("44" if target.deviates("several namespaces") else "40")
        await socket.alive()


@pytest.mark.parametrize(
    "packet", ["42/chat," + HEADS, "43/chat,1[]", "41/chat,", "4abc", "4", "42" + HEADS]
)
async def test_what_comes_before_connect_ends_the_connection(target: Target, packet: str) -> None:
    """Connection to a namespace: without CONNECT first, close at once."""
    async with websocket(target) as socket:
        await socket.send(packet)
        assert await socket.next() == ""


async def test_who_says_nothing_is_closed(quick: Target) -> None:
    """Connection to a namespace: the client begins with CONNECT; here within a second."""
    async with websocket(quick) as socket:
        assert await socket.next() == ""


async def test_disconnect_is_not_answered_and_keeps_the_connection(target: Target) -> None:
    """Disconnection from a namespace: no response; back again on the same connection."""
    async with websocket(target) as socket:
        before = await socket.join()
        await socket.send("41/chat,")
        await socket.read()
        assert await socket.join() != before
        await socket.alive()


async def test_nothing_is_taken_after_disconnect(target: Target) -> None:
    """Disconnection from a namespace: what comes then is of no namespace."""
    async with joined(target) as socket:
        await socket.send("41/chat,")
        await socket.read()
        await socket.send("42/chat,1" + HEADS)
        assert await socket.next() == ""


async def test_disconnect_from_another_namespace_is_no_packet_of_ours(target: Target) -> None:
    """Connection to a namespace: CONNECT comes first in each of them."""
    async with joined(target) as socket:
        await socket.send("41/other,")
        assert await socket.next() == ""


@pytest.mark.parametrize("number", [0, 1, 12, 2**31, 2**53 - 1])
async def test_an_event_is_acknowledged_with_its_id(target: Target, number: int) -> None:
    """Acknowledgement: ACK, with the same id and an array."""
    async with joined(target) as socket:
        await socket.send(f"42/chat,{number}{HEADS}")
        answer = await socket.text()
        assert answer.startswith(f"43/chat,{number}[")
        payload = json.loads(answer.removeprefix(f"43/chat,{number}"))
        assert isinstance(payload, list)
        assert payload[0]["ok"] is True


async def test_each_event_has_its_own_ack(target: Target) -> None:
    """Acknowledgement: one for each, whatever order the ids have."""
    async with joined(target) as socket:
        ids = [5, 3, 8, 1, 5]
        await socket.send(*(f"42/chat,{number}{HEADS}" for number in ids))
        answers = [await socket.text() for _ in ids]
        assert [int(text[8:].split("[")[0]) for text in answers] == ids


async def test_an_event_without_an_id_has_no_ack(target: Target) -> None:
    """Acknowledgement: only where the sender asks for it."""
    async with joined(target) as socket:
        await socket.send("42/chat," + HEADS)
        await socket.alive()


async def test_an_event_comes_to_who_is_there(target: Target) -> None:
    """Sending and receiving data: EVENT, a non-empty array with the name first."""
    async with joined(target) as socket:
        await socket.send('42/chat,1["sync",{"cursors":{}}]')
        room = json.loads((await socket.text()).removeprefix("43/chat,1"))[0]
        room = room["conversations"][0]["conversation"]["conversationId"]
        sent = {"conversationId": room, "text": "olá 🦉", "clientMsgId": socket.sid[:20]}
        await socket.send(f"42/chat,2{json.dumps(['message', sent])}")
        seen = {(text := await socket.text())[:9]: text for _ in range(2)}
        name, payload = json.loads(seen["42/chat,["].removeprefix("42/chat,"))
        assert name == "message"
        assert payload["text"] == "olá 🦉"
        assert "43/chat,2" in seen


@pytest.mark.parametrize(
    "payload", ["", "{}", '{"0":"heads"}', "[]", "null", "7", '"heads"', "true", "[", '["heads"']
)
@pytest.mark.parametrize("number", ["", "1"], ids=["plain", "with id"])
async def test_an_event_is_an_array_that_is_not_empty(
    target: Target, payload: str, number: str
) -> None:
    """Sending and receiving data: else the receiver must close the connection."""
    async with joined(target) as socket:
        await socket.send(f"42/chat,{number}{payload}")
        if payload in ("", "7") and target.deviates("a payload that is missing"):
            await socket.alive()
        else:
            assert await socket.next() == ""


@pytest.mark.parametrize("packet", ["47/chat,", "49/chat,[1]", "4x", "4", "4-1/chat,[]"])
async def test_an_unknown_type_ends_the_connection(target: Target, packet: str) -> None:
    """Exchange protocol: there are seven types."""
    async with joined(target) as socket:
        await socket.send(packet)
        assert await socket.next() == ""


@pytest.mark.parametrize("number", ["abc", "-1", "1.5", "0x1", "1e3"])
async def test_an_id_is_a_whole_number(target: Target, number: str) -> None:
    """Format: acknowledgement id, in digits."""
    async with joined(target) as socket:
        await socket.send(f"42/chat,{number}{HEADS}")
        assert await socket.next() == ""


@pytest.mark.parametrize("payload", ["{}", "null", '"x"', "7"])
async def test_an_ack_holds_an_array(target: Target, payload: str) -> None:
    """Acknowledgement: the payload is mandatory and must be an array."""
    async with joined(target) as socket:
        await socket.send(f"43/chat,1{payload}")
        if payload == "7" and target.deviates("a payload that is missing"):
            await socket.alive()
        else:
            assert await socket.next() == ""


@pytest.mark.parametrize("packet", ["43/chat,1[]", '43/chat,99["x"]'])
async def test_an_ack_that_nobody_awaits_is_ignored(target: Target, packet: str) -> None:
    """Acknowledgement: it answers an event; one that answers none says nothing."""
    async with joined(target) as socket:
        await socket.send(packet)
        await socket.alive()


async def test_an_event_for_another_namespace_ends_the_connection(target: Target) -> None:
    """Connection to a namespace: also for who is in one of them."""
    async with joined(target) as socket:
        await socket.send("42/other,1" + HEADS)
        assert await socket.next() == ""


async def test_close_ends_it_over_a_websocket(target: Target) -> None:
    """Engine.IO, packet types: `close`."""
    async with joined(target) as socket:
        await socket.send("1")
        if target.deviates("close over a WebSocket"):
            await socket.alive()
        else:
            assert await socket.next() == ""


@pytest.mark.parametrize("packet", ["abc", "é"], ids=["letters", "accent"])
async def test_what_is_no_packet_of_the_transport_ends_the_connection(
    target: Target, packet: str
) -> None:
    """Engine.IO, packet types: over a WebSocket as over polling."""
    async with joined(target) as socket:
        await socket.send(packet)
        assert await socket.next() == ""


async def test_an_event_may_have_attachments(target: Target) -> None:
    """Sending and receiving data: BINARY_EVENT, and its attachments in frames of their own."""
    async with joined(target) as socket:
        await socket.send('451-/chat,7["heads",{"_placeholder":true,"num":0}]')
        if not target.deviates("binary"):
            await socket.ws.send_bytes(b"\x01\x02")
            assert (await socket.text()).startswith("43/chat,7[")
            return
        assert await socket.text() == '42/chat,["goodbye",{"code":"unsupported"}]'
        assert await socket.next() == ""


async def test_an_ack_may_have_attachments(target: Target) -> None:
    """Acknowledgement: BINARY_ACK, likewise."""
    async with joined(target) as socket:
        await socket.send('461-/chat,7[{"_placeholder":true,"num":0}]')
        if not target.deviates("binary"):
            await socket.ws.send_bytes(b"\x01\x02")
            await socket.alive()
            return
        assert await socket.text() == '42/chat,["goodbye",{"code":"unsupported"}]'
        assert await socket.next() == ""


@pytest.mark.parametrize("signed_in", [False, True])
async def test_an_attachment_of_nothing_ends_the_connection(
    target: Target, signed_in: bool
) -> None:
    """Format: attachments follow the packet that counts them."""
    async with websocket(target) as socket:
        if signed_in:
            await socket.join()
        await socket.ws.send_bytes(b"\x01\x02")
        await socket.closed()


def test_every_deviation_is_of_a_target_and_has_a_reason() -> None:
    for rule, reasons in DEVIATIONS.items():
        assert reasons, rule
        assert set(reasons) <= {"ours", "node"}
        assert all(reason.endswith(".") for reason in reasons.values())
