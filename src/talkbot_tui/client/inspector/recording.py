"""Recordings in NDJSON: a head line with the version, then a packet a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from talkbot_tui.client.inspector.packets import KINDS, TEXT_MAX, Packet, Way
from talkbot_tui.client.inspector.redaction import redacted, redacted_auth

VERSION = 1
FORMAT = "talkbot-tui inspector"
LINE_MAX = 1_000_000
PACKETS_MAX = 200_000
TRANSPORTS = ("", "polling", "websocket")
_DIGEST = re.compile(r"(?:[0-9a-f]{64})?")
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "number": int,
    "at": (int, float),
    "way": str,
    "transport": str,
    "kind": str,
    "namespace": str,
    "event": str,
    "size": int,
    "cut": bool,
    "sha256": str,
}


class RecordingError(ValueError):
    """A recording that cannot be read.

    Attributes:
        line: its number, from 1; 0 for all of it.
        code: `format`, `version`, `json`, `field`, `long`.
        detail: the field, or the version that was found.
    """

    def __init__(self, line: int, code: str, detail: str = "") -> None:
        super().__init__(f"line {line}: {code} {detail}".rstrip())
        self.line = line
        self.code = code
        self.detail = detail


def head(server: str = "") -> str:
    """The first line, with its end; `server` is where it was recorded."""
    told = {"format": FORMAT, "version": VERSION, "server": redacted(server)}
    return json.dumps(told, ensure_ascii=False) + "\n"


def as_object(packet: Packet) -> dict[str, Any]:
    """The packet in JSON's types; `payload` is the text's value where that is JSON, else `text`."""
    told: dict[str, Any] = {
        "number": packet.number,
        "at": round(packet.at, 3),
        "way": packet.way.value,
        "transport": packet.transport,
        "kind": packet.kind,
        "namespace": packet.namespace,
        "event": packet.event,
        "ack": packet.ack_id,
        "size": packet.size,
    }
    if packet.sha256:
        told["sha256"] = packet.sha256
    if packet.cut:
        told["cut"] = True
    try:
        payload = json.loads(packet.text, parse_constant=str)
        exact = json.dumps(payload, ensure_ascii=False, separators=(",", ":")) == packet.text
    except (ValueError, RecursionError):
        exact = False
    if packet.text:
        told |= {"payload": payload} if exact else {"text": packet.text}
    return told


def line(packet: Packet) -> str:
    """A packet's line, with its end."""
    return json.dumps(as_object(packet), ensure_ascii=True, separators=(",", ":")) + "\n"


def read(lines: Iterable[str]) -> tuple[str, list[Packet]]:
    """Where it was recorded, and the packets; raises `RecordingError`.

    A last line that was cut off, as a crash leaves it, is left out. Secrets that somebody
    wrote in by hand are taken out.
    """
    server: str | None = None
    packets: list[Packet] = []
    torn: RecordingError | None = None
    for number, text in enumerate(lines, 1):
        if torn is not None:
            raise torn
        if len(text) > LINE_MAX or number > PACKETS_MAX:
            raise RecordingError(number, "long")
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            torn = RecordingError(number, "json" if number > 1 else "format")
            if text.endswith("\n") or number == 1:
                raise torn from None
            continue
        if number == 1:
            server = _server(told)
        else:
            packets.append(_packet(told, number))
    if server is None:
        raise RecordingError(1, "format")
    return server, packets


def _server(told: object) -> str:
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise RecordingError(1, "format")
    if told.get("version") != VERSION:
        raise RecordingError(1, "version", str(told.get("version"))[:40])
    return redacted(str(told.get("server") or ""))[:400]


def _packet(told: object, number: int) -> Packet:
    if not isinstance(told, dict):
        raise RecordingError(number, "json")
    given: dict[str, Any] = {}
    for name, kind in _FIELDS.items():
        value = told.get(name, False if name == "cut" else "" if name == "sha256" else None)
        if not isinstance(value, kind) or (isinstance(value, bool) and name != "cut"):
            raise RecordingError(number, "field", name)
        given[name] = value
    for name, known in (("kind", KINDS), ("transport", TRANSPORTS)):
        if given[name] not in known:
            raise RecordingError(number, "field", name)
    if not _DIGEST.fullmatch(given["sha256"]):
        raise RecordingError(number, "field", "sha256")
    try:
        given["way"] = Way(given["way"])
    except ValueError:
        raise RecordingError(number, "field", "way") from None
    ack = told.get("ack")
    if not (ack is None or (isinstance(ack, int) and not isinstance(ack, bool))):
        raise RecordingError(number, "field", "ack")
    text = told.get("text", "")
    if not isinstance(text, str):
        raise RecordingError(number, "field", "text")
    if "payload" in told:
        text = json.dumps(told["payload"], ensure_ascii=False, separators=(",", ":"))
    hide = redacted_auth if given["kind"] == "connect" and given["way"] is Way.OUT else redacted
    given |= {"event": redacted(given["event"]), "cut": given["cut"] or len(text) > TEXT_MAX}
    return Packet(**given, ack_id=ack, text=hide(text[:TEXT_MAX]))
