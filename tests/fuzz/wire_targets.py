"""What comes over the socket, to the server and to the client."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec.inspect as shapes
from socketio import packet

from talkbot_tui.client import strict_json as client_json
from talkbot_tui.client.dialects import Failure
from talkbot_tui.client.dialects.talkbot import TalkbotDialect
from talkbot_tui.client.socketio_transport import parse_refusal
from talkbot_tui.core import effects as f
from talkbot_tui.core.model import Message, User
from talkbot_tui.core.text import clean, clean_name
from talkbot_tui.server.hardening import StrictPacket
from talkbot_tui.server.strict_json import StrictJson
from talkbot_tui.wire.acks import MessageAck
from talkbot_tui.wire.codec import (
    AckRefused,
    WireError,
    check_text,
    convert_client,
    decode_ack,
    decode_client,
    to_wire,
)
from talkbot_tui.wire.errors import ErrorBody, Refused
from talkbot_tui.wire.http import LoginRequest, PasswordRequest, RegisterRequest, TokenRequest
from talkbot_tui.wire.registry import CLIENT_EVENTS, SERVER_EVENTS
from tests.fuzz.draw import Draw, text_of, valid_text_of, value

ASKED = {name: shapes.type_info(spec.payload) for name, spec in CLIENT_EVENTS.items()}
TOLD = {name: shapes.type_info(spec.payload) for name, spec in SERVER_EVENTS.items()}
ACKS = {
    name: (spec.ack, shapes.type_info(spec.ack)) for name, spec in CLIENT_EVENTS.items() if spec.ack
}
NAMES, TOLD_NAMES = tuple(ASKED), tuple(TOLD)
REFUSAL = shapes.type_info(ErrorBody)
BODIES = (LoginRequest, RegisterRequest, PasswordRequest, TokenRequest)
MINE = Message("c1", "c1", User("u1", "ana", "Ana"), "hi", 1, client_msg_id="c1")
EFFECTS: dict[str, f.Effect] = {
    "sync": f.SendSync((("c1", 1),), "e1"),
    "heads": f.AskHeads((("c1", 1),)),
    "history": f.FetchHistory("c1", ("after", 1), 50),
    "message": f.SendMessage(MINE),
    "read": f.SendRead("c1", 1),
    "watch": f.WatchPresence(("u1",)),
    "members": f.FetchMembers("c1"),
    "stop": f.SendStop("c1", "m1"),
}
CLEANED = ("text", "name", "display_name", "topic", "emoji", "server_version")
"""Fields of the core's values that somebody else wrote and that are shown."""


def frame(data: bytes) -> None:
    """A Socket.IO packet from a client: refused, or an event whose payload is checked."""
    try:
        found = StrictPacket(encoded_packet=text_of(data))
    except (ValueError, TypeError, RecursionError):
        return
    if found.packet_type == packet.EVENT and isinstance(found.data, list) and found.data:
        _taken(found.data[0], found.data[1] if len(found.data) > 1 else None)


def request(data: bytes) -> None:
    """A payload in the form of an event, with odd parts: refused, or the same once more."""
    draw = Draw(data)
    name = draw.of(NAMES)
    _taken(name, value(draw, ASKED[name]))
    with suppress(Refused):
        kind = draw.of(BODIES)
        convert_client(value(draw, shapes.type_info(kind)), kind)


def _taken(name: object, payload: object) -> None:
    with suppress(Refused):
        taken = decode_client(name, payload)
        again = json.loads(StrictJson.dumps(to_wire(taken)))
        assert decode_client(name, again) == taken


def event(data: bytes) -> None:
    """A server's event: an event of the core with clean texts, or a `WireError`."""
    draw = Draw(data)
    name = draw.of(TOLD_NAMES)
    dialect = TalkbotDialect()
    dialect.known_as(draw.of(("m1", "")))
    with suppress(WireError):
        for shown in _texts(dialect.incoming(name, (value(draw, TOLD[name]),))):
            assert clean(shown) == shown


def answer(data: bytes) -> None:
    """A server's answer to what we asked: the same."""
    draw = Draw(data)
    name = draw.of(tuple(EFFECTS))
    asked = TalkbotDialect().request(EFFECTS[name])
    assert asked is not None
    assert asked.answered is not None
    told = value(draw, ACKS[name][1])
    if isinstance(told, dict):
        told.setdefault("ok", True)
    with suppress(WireError, AckRefused):
        for shown in _texts(asked.answered(told)):
            assert clean(shown) == shown


def refusal(data: bytes) -> None:
    """A refused request or handshake: words that fit in a line, whatever they were."""
    try:
        told = client_json.loads(text_of(data).encode("utf-8", "replace"))
    except ValueError:
        told = value(Draw(data), REFUSAL)
    refused = parse_refusal(told)
    assert len(refused.code) <= 64
    assert len(refused.message) <= 200
    assert clean_name(refused.message) == refused.message
    with suppress(WireError):
        try:
            decode_ack("message", {"ok": False, "error": told}, MessageAck)
        except AckRefused as found:
            failure = Failure.of(found.body, 1)
            assert failure.retry_at >= 0
            assert clean_name(failure.message) == failure.message


def json_text(data: bytes) -> None:
    """JSON: ours takes no more than the standard's, and both ends read the same values."""
    text = valid_text_of(data)
    try:
        ours = StrictJson.loads(text)
    except ValueError:
        ours = ValueError
    try:
        theirs = client_json.loads(text)
    except ValueError:
        theirs = ValueError
    if ours is not ValueError:
        assert _same(json.loads(text), ours)
        assert _same(StrictJson.loads(StrictJson.dumps(ours)), ours)
        with suppress(Refused):
            check_text(ours)
            # What the server takes, the client can send, and says the same.
            assert _same(json.loads(client_json.dumps(ours)), ours)
            assert theirs is not ValueError
            assert _same(theirs, ours)


def _same(one: object, other: object) -> bool:
    """Equal, with the same types: 1 is neither 1.0 nor True."""
    return repr(one) == repr(other)


def _texts(found: Any) -> Iterator[str]:
    """Every text of `found` that a screen may show."""
    if isinstance(found, tuple | list):
        for item in found:
            yield from _texts(item)
    elif dataclasses.is_dataclass(found):
        for field in dataclasses.fields(found):
            held = getattr(found, field.name)
            if field.name in CLEANED and isinstance(held, str):
                yield held
            else:
                yield from _texts(held)
