"""Packets, redaction, filters, pairs, snippets and recordings, by values."""

from __future__ import annotations

import json
import time

import pytest

from talkbot_tui.client.inspector import pairing, recording, snippets
from talkbot_tui.client.inspector.filters import FilterError, compiled
from talkbot_tui.client.inspector.packets import Packet, Parts, Way, arguments_of, parts_of
from talkbot_tui.client.inspector.pretty import pretty
from talkbot_tui.client.inspector.redaction import HIDDEN, redacted, redacted_auth, secrets_in

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"


def packet(number: int = 1, kind: str = "event", **more: object) -> Packet:
    given: dict[str, object] = {
        "number": number,
        "at": 1000.0 + number,
        "way": Way.OUT,
        "transport": "websocket",
        "kind": kind,
        "namespace": "/chat",
        "size": 10,
    }
    return Packet(**{**given, **more})  # type: ignore[arg-type] # names are checked at run time


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("0", Parts("connect", "/", None, "", "")),
        ('0/chat,{"token":"x"}', Parts("connect", "/chat", None, "", '{"token":"x"}')),
        ("0/chat", Parts("connect", "/chat", None, "", "")),
        ('2["hi",1]', Parts("event", "/", None, "hi", '["hi",1]')),
        ('2/a?q=1,17["h\\u0069"]', Parts("event", "/a", 17, "hi", '["h\\u0069"]')),
        ('3/chat,0[{"ok":true}]', Parts("ack", "/chat", 0, "", '[{"ok":true}]')),
        ('4{"message":"no"}', Parts("connect_error", "/", None, "", '{"message":"no"}')),
        (
            '52-/b,3["p",{"_placeholder":true,"num":0}]',
            Parts("binary_event", "/b", 3, "p", '["p",{"_placeholder":true,"num":0}]'),
        ),
        ("1/b,", Parts("disconnect", "/b", None, "", "")),
        ("9zzz", Parts("unknown", "", None, "", "9zzz")),
        ("", Parts("unknown", "", None, "", "")),
    ],
)
def test_packets_of_socket_io_are_taken_apart(text: str, parts: Parts) -> None:
    assert parts_of(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        '{"token":"s3cr3t-value"}',
        '{"accessToken": "s3cr3t-value"}',
        '["login",{"password":"s3cr3t-value","user":"ana"}]',
        '{"a":"{\\"refreshToken\\":\\"s3cr3t-value\\"}"}',
        '{"Authorization":"Bearer s3cr3t-value"}',
        '["x","Bearer s3cr3t-value"]',
        '{"set-cookie":"id=s3cr3t-value"}',
        '{"token":"s3cr3t-value',
        '{"api_key":"s3cr3t-value"}',
        '{"senha":"s3cr3t-value"}',
        "https://example.org/?token=s3cr3t-value&x=1",
    ],
)
def test_what_is_named_like_a_secret_is_taken_out(text: str) -> None:
    assert "s3cr3t" not in redacted(text)
    assert HIDDEN in redacted(text)


def test_what_looks_like_a_token_is_taken_out_wherever_it_stands() -> None:
    assert redacted(f'["say","{JWT}"]') == f'["say","{HIDDEN}"]'
    assert JWT[:30] not in redacted(f'["say","{JWT[:40]}')


def test_a_known_secret_is_taken_out_in_any_spelling() -> None:
    secrets = secrets_in({"key": 'pa"ß word', "protocol": 1, "client": {"name": "talkbot-tui"}})
    assert "ß" not in redacted(json.dumps(["x", 'pa"ß word'], ensure_ascii=False), secrets)
    assert "word" not in redacted(json.dumps(["x", 'pa"ß word']), secrets)
    assert redacted("talkbot-tui", secrets) == "talkbot-tui"


def test_harmless_text_stays_as_it_is() -> None:
    text = '["message",{"text":"the tokens are spent","conversationId":"c1","n":[1,2.5,null]}]'
    assert redacted(text) == text


def test_of_auth_only_the_names_stay() -> None:
    given = '{"token":"x","pin":1234,"client":{"name":"app"},"protocol":1,"deep":[{"k":"v"}]}'
    told = json.loads(redacted_auth(given))
    assert told == {
        "token": HIDDEN,
        "pin": HIDDEN,
        "client": {"name": "app"},
        "protocol": 1,
        "deep": [{"k": HIDDEN}],
    }
    assert redacted_auth("plain words") == f'"{HIDDEN}"'


@pytest.mark.parametrize(
    "flood",
    ["\\" * 66_000, '"token"' + " " * 66_000, "?" + "token" * 13_000, '"' * 66_000, "eyJ" * 22_000],
)
def test_no_text_makes_redaction_slow(flood: str) -> None:
    began = time.process_time()
    redacted(flood)
    assert time.process_time() - began < 1.0


PACKETS = [
    packet(1, "attempt", way=Way.HERE, namespace=""),
    packet(2, "event", event="message", ack_id=3, text='["message",{"text":"Hello"}]', size=28),
    packet(3, "ack", way=Way.IN, ack_id=3, text='[{"ok":true}]', size=2500),
    packet(4, "binary_event", way=Way.IN, namespace="/", event="picture", size=90),
    packet(5, "ping", way=Way.IN, namespace="", transport="polling", size=1),
]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("dir:out", [2]),
        ("dir:in", [3, 4, 5]),
        ("event:message", [2]),
        ("event:*ic*", [4]),
        ("ns:/chat", [2, 3]),
        ("kind:event", [2, 4]),
        ("kind:ack ns:/chat", [3]),
        ("size:>1000", [3]),
        ("size:<2k size:>80", [4]),
        ("size:1", [5]),
        ("-kind:ping -dir:here", [2, 3, 4]),
        ("hello", [2]),
        ('"ok":true', [3]),
        ("ack:3", [2, 3]),
        ("transport:poll", [5]),
        ("dir:out dir:in", []),
    ],
)
def test_filters_choose(text: str, numbers: list[int]) -> None:
    test = compiled(text)
    assert [one.number for one in PACKETS if test(one)] == numbers


@pytest.mark.parametrize("text", ["dir:up", "size:big", "kind:nothing", "ack:x"])
def test_a_term_that_is_not_understood_is_named(text: str) -> None:
    with pytest.raises(FilterError) as raised:
        compiled(f"hello {text}")
    assert raised.value.term == text
    assert raised.value.wanted


def test_acks_are_paired_by_way_namespace_and_id_and_not_across_connections() -> None:
    pairs = pairing.Pairs()
    for one in PACKETS:
        pairs.take(one)
    assert pairs.found == {2: (3, 1.0), 3: (2, 1.0)}
    pairs.take(packet(6, ack_id=4, event="a"))
    pairs.take(packet(7, "ack", ack_id=4))
    pairs.take(packet(8, "ack", way=Way.IN, ack_id=4, namespace="/"))
    pairs.take(packet(9, "attempt", way=Way.HERE))
    pairs.take(packet(10, "ack", way=Way.IN, ack_id=4))
    assert set(pairs.found) == {2, 3}
    pairs.forget_before(4)
    assert pairs.found == {}


def test_a_ping_s_round_trip_is_what_the_interval_does_not_explain() -> None:
    pairs = pairing.Pairs()
    pairs.take(packet(1, "open", text='{"pingInterval":1000}'))
    for number, at in enumerate((0.0, 1020.0, 2090.0, 3085.0), 2):
        pairs.take(packet(number, "ping", way=Way.IN, at=5000 + at))
    assert list(pairs.trips) == [20.0, 70.0, 0.0]


def test_the_plot_is_one_cell_a_ping_and_has_a_plain_form() -> None:
    assert pairing.plot([0, 5, 10], 10) == "▁▅█"
    assert pairing.plot([0, 5, 10], 2) == "▅█"
    assert pairing.plot([0, 5, 10], 10, plain=True) == "_+#"
    assert pairing.plot([], 10) == ""
    assert pairing.plot([0.0], 10) == "▁"


def test_folding_leaves_counts() -> None:
    text = '["message",{"a":{"b":[1,2]},"c":"d"}]'
    assert pretty(text, 0) == ["[…2]"]
    assert pretty(text, 2) == [
        "[",
        '  "message",',
        "  {",
        '    "a": {…1},',
        '    "c": "d"',
        "  }",
        "]",
    ]
    assert pretty("not json", 3) == ["not json"]
    assert len(pretty(json.dumps(list(range(50_000))), 3)) <= 2002


def test_snippets_speak_each_language() -> None:
    event = packet(event="say", ack_id=2, text='["say",{"it":"o\'clock"},true]')
    target = snippets.Target("https://example.org", "/socket.io", auth=True)
    assert arguments_of(event) == [{"it": "o'clock"}, True]
    javascript = snippets.javascript(event, target)
    assert 'io("https://example.org/chat", { path: "/socket.io", auth: { token: "<TOKEN>" } })' in (
        javascript
    )
    assert 'socket.emit("say", {"it": "o\'clock"}, true, (...answer)' in javascript
    compile(snippets.python(event, target), "snippet", "exec")
    assert "client.call('say', ({'it': \"o'clock\"}, True), namespace='/chat')" in snippets.python(
        event, target
    )
    assert "42/chat,2[" in snippets.curl(event, target)
    assert json.loads(snippets.as_json(event))["payload"] == ["say", {"it": "o'clock"}, True]


def test_a_recording_is_read_as_it_was_written() -> None:
    kept = [
        *PACKETS,
        packet(6, text='["n",1.50,NaN]'),
        packet(7, "attachment", sha256="ab" * 32, namespace=""),
        packet(8, text="[1", cut=True),
        packet(9, event="x", text='["x",2.5,"\x1b[31m\u2028"]'),
    ]
    lines = [recording.head("https://example.org"), *map(recording.line, kept)]
    assert all(line.count("\n") == 1 for line in lines)
    assert recording.read(lines) == ("https://example.org", kept)


@pytest.mark.parametrize(
    ("lines", "line", "code"),
    [
        ([], 1, "format"),
        (["hello\n"], 1, "format"),
        (["{}\n"], 1, "format"),
        ([json.dumps({"format": recording.FORMAT, "version": 2})], 1, "version"),
        ([recording.head(), "{\n", recording.line(packet())], 2, "json"),
        ([recording.head(), "[" * 100_000 + "\n"], 2, "json"),
        ([recording.head(), recording.line(packet()), "{}\n"], 3, "field"),
        ([recording.head(), recording.line(packet()).replace('"out"', '"up"')], 2, "field"),
        ([recording.head(), recording.line(packet()).replace('"event"', '"party"', 1)], 2, "field"),
        ([recording.head(), recording.line(packet(transport="\x1b[31m"))], 2, "field"),
        ([recording.head(), recording.line(packet(sha256="\x1b[31m"))], 2, "field"),
        ([recording.head(), " " * 2_000_000 + "\n"], 2, "long"),
    ],
)
def test_a_broken_recording_is_told_by_its_line(lines: list[str], line: int, code: str) -> None:
    with pytest.raises(recording.RecordingError) as raised:
        recording.read(lines)
    assert (raised.value.line, raised.value.code) == (line, code)


def test_a_last_line_that_was_torn_is_left_out() -> None:
    lines = [recording.head(), recording.line(packet()), recording.line(packet(2))[:40]]
    assert len(recording.read(lines)[1]) == 1


def test_a_secret_written_into_a_recording_by_hand_is_taken_out() -> None:
    line = recording.line(packet(text="[1]")).replace("[1]", f'["x",{{"token":"hunter2"}},"{JWT}"]')
    _server, (read,) = recording.read([recording.head(), line])
    assert "hunter2" not in read.text
    assert JWT not in read.text
