from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkbot_tui.wire import acks, client_events, scalars, server_events
from talkbot_tui.wire.codec import (
    AckRefused,
    WireError,
    check_text,
    decode_ack,
    decode_client,
    decode_server,
    ok,
    refused,
    to_wire,
)
from talkbot_tui.wire.errors import RETRYABLE, Code, Refused
from talkbot_tui.wire.registry import CLIENT_EVENTS, SERVER_EVENTS

MESSAGE = {"conversationId": "c1", "text": "olá", "clientMsgId": "m1"}
SENDER = {"userId": "u1", "name": "ana"}


def refusal(name: object, payload: object) -> Refused:
    with pytest.raises(Refused) as caught:
        decode_client(name, payload)
    return caught.value


def test_a_message_is_decoded() -> None:
    message = decode_client("message", MESSAGE)
    assert isinstance(message, client_events.SendMessage)
    assert (message.conversation_id, message.text, message.client_msg_id) == ("c1", "olá", "m1")


@pytest.mark.parametrize("name", ["connect", "disconnect", "*", "__x", "", None, 5, [], "Message"])
def test_names_outside_the_contract_are_refused(name: object) -> None:
    assert refusal(name, {}).code is Code.UNKNOWN_EVENT


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"text": ""}, Code.EMPTY, "text"),
        ({"text": "x" * (scalars.TEXT_MAX + 1)}, Code.TOO_LARGE, "text"),
        ({"text": "😀" * 8_000 + "😀" * 192}, Code.TOO_LARGE, "text"),
        ({"text": 5}, Code.BAD_REQUEST, "text"),
        ({"clientMsgId": ""}, Code.BAD_REQUEST, "clientMsgId"),
        ({"clientMsgId": "a\n"}, Code.BAD_REQUEST, "clientMsgId"),
        ({"clientMsgId": "a" * 65}, Code.BAD_REQUEST, "clientMsgId"),
        ({"clientMsgId": "é"}, Code.BAD_REQUEST, "clientMsgId"),
        ({"conversationId": "../x"}, Code.BAD_REQUEST, "conversationId"),
        ({"surprise": 1}, Code.BAD_REQUEST, "surprise"),
        ({"text": "a\x00b"}, Code.BAD_REQUEST, None),
        ({"text": "\ud800"}, Code.BAD_REQUEST, None),
        ({"text": b"x"}, Code.BAD_REQUEST, None),
        ({"streaming": "yes"}, Code.BAD_REQUEST, "streaming"),
    ],
)
def test_a_wrong_message_is_refused(change: dict[str, Any], code: Code, field: str | None) -> None:
    error = refusal("message", {**MESSAGE, **change})
    assert error.code is code
    assert error.field == field or field is None


@pytest.mark.parametrize("payload", [None, [], "x", 5, True, {"text": "x"}])
def test_a_payload_of_another_shape_is_refused(payload: object) -> None:
    assert refusal("message", payload).code is Code.BAD_REQUEST


def test_the_longest_text_is_taken() -> None:
    message = decode_client("message", {**MESSAGE, "text": "é" * scalars.TEXT_MAX})
    assert isinstance(message, client_events.SendMessage)
    assert len(message.text) == scalars.TEXT_MAX


def test_deep_nesting_is_refused_before_anything_recurses_far() -> None:
    deep: Any = 1
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(Refused):
        check_text(deep)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 1e300])
def test_numbers_that_json_cannot_hold_are_refused(number: float) -> None:
    assert refusal("read", {"conversationId": "c", "seq": number}).code is Code.BAD_REQUEST


@pytest.mark.parametrize("seq", [0, -1, 2**53, True, "1", 1.5])
def test_a_seq_is_a_whole_number_from_one(seq: object) -> None:
    assert refusal("read", {"conversationId": "c", "seq": seq}).code is Code.BAD_REQUEST


def test_the_field_named_from_is_decoded() -> None:
    search = decode_client("search", {"query": "x", "from": "u1"})
    assert isinstance(search, client_events.Search)
    assert search.from_ == "u1"


def test_a_server_event_ignores_what_it_does_not_know() -> None:
    event = decode_server(
        "message",
        {"conversationId": "c1", "seq": 3, "ts": 5, "sender": SENDER, "serverMsgId": "s1",
         "clientMsgId": "m1", "text": "hi", "fromTheFuture": 1},
    )  # fmt: skip
    assert isinstance(event, server_events.MessageEvent)
    assert event.changed_seq is None


def test_an_unknown_server_event_is_nothing() -> None:
    assert decode_server("hologram", {"x": 1}) is None


def test_a_broken_server_event_names_itself() -> None:
    with pytest.raises(WireError, match=r"^message: .*seq"):
        decode_server("message", {"conversationId": "c1", "seq": "x"})


def test_a_log_event_comes_back_as_its_own_type() -> None:
    event = server_events.DeleteEvent(
        conversation_id="c", seq=2, ts=3, sender=server_events.UserInfo(user_id="u", name="n"),
        server_msg_id="s",
    )  # fmt: skip
    page = acks.HistoryAck(events=[event], head_seq=2, more=False)
    assert decode_ack("history", ok(page), acks.HistoryAck) == page
    assert to_wire(page)["events"][0]["type"] == "delete"


def test_acks_say_ok_or_why_not() -> None:
    assert ok() == {"ok": True}
    answer = refused(Refused(Code.RATE_LIMITED, "Too many.", retry_after_ms=500))
    assert answer == {
        "ok": False,
        "error": {"code": "rate_limited", "message": "Too many.", "retryable": True,
                  "retryAfterMs": 500},
    }  # fmt: skip
    with pytest.raises(AckRefused) as caught:
        decode_ack("message", answer, acks.MessageAck)
    assert caught.value.body.retryable


@pytest.mark.parametrize("answer", [None, [], {}, {"ok": 1}, {"ok": False}, {"ok": True}])
def test_an_answer_of_another_shape_is_a_wire_error(answer: object) -> None:
    with pytest.raises(WireError):
        decode_ack("message", answer, acks.MessageAck)


def test_only_passing_troubles_are_retryable() -> None:
    assert {code.value for code in RETRYABLE} == {
        "rate_limited", "busy", "storage_full", "internal",
    }  # fmt: skip


def test_wire_names_are_camel_case() -> None:
    kinds: list[type] = [event.payload for event in CLIENT_EVENTS.values()]
    kinds += [event.payload for event in SERVER_EVENTS.values()]
    for kind in kinds:
        for field in msgspec.structs.fields(kind):
            assert re.fullmatch(r"[a-z]+([A-Z][a-z]*)*", field.encode_name), field.encode_name


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=12,
)


@given(st.sampled_from(sorted(CLIENT_EVENTS)), json_values)
def test_no_payload_gets_past_the_decoder_without_a_type_or_a_refusal(
    name: str, payload: Any
) -> None:
    with suppress(Refused):
        assert json.dumps(to_wire(decode_client(name, payload)))


@given(st.sampled_from(sorted(SERVER_EVENTS)), json_values)
def test_no_payload_of_a_server_raises_anything_but_a_wire_error(name: str, payload: Any) -> None:
    with suppress(WireError):
        event = decode_server(name, payload)
        assert isinstance(event, SERVER_EVENTS[name].payload)
