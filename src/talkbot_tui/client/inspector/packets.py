"""A packet as the inspector keeps it: a plain value, bounded, with its secrets taken out.

Kinds are those of Engine.IO 4 and Socket.IO 5 (the protocols' texts), and a few of our own for
what is no packet but belongs between them: attempts, refusals, the end of a connection.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

TEXT_MAX = 64 * 1024
"""Characters of a payload that are kept; of a longer one the beginning."""

ENGINE_KINDS = ("open", "close", "ping", "pong", "message", "upgrade", "noop")
SOCKET_KINDS = (
    "connect",
    "disconnect",
    "event",
    "ack",
    "connect_error",
    "binary_event",
    "binary_ack",
)
PROBES = {"ping": "probe", "pong": "probe_answer"}
LOCAL_KINDS = ("attempt", "failed", "refused", "standing", "upgrade_failed", "ended", "waiting")
KINDS = (
    *(kind for kind in ENGINE_KINDS if kind != "message"),
    *PROBES.values(),
    *SOCKET_KINDS,
    "attachment",
    "unknown",
    *LOCAL_KINDS,
)


class Way(Enum):
    """Which way a packet went; HERE is what happened on this side."""

    OUT = "out"
    IN = "in"
    HERE = "here"


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of Engine.IO, with the packet of Socket.IO in it.

    Attributes:
        number: counts up from 1, never again.
        at: when, in ms since 1970.
        transport: `websocket`, `polling`, or "" before there is one.
        kind: one of `KINDS`.
        namespace: "" where the packet has none.
        event: its name, for events.
        ack_id: what an event wants answered, or an ack answers.
        size: bytes on the wire, without the framing below Engine.IO.
        text: the payload as it was, redacted; JSON for what Socket.IO carries.
        cut: whether there was more of it.
        sha256: of an attachment, of which nothing else is kept.
    """

    number: int
    at: float
    way: Way
    transport: str
    kind: str
    namespace: str = ""
    event: str = ""
    ack_id: int | None = None
    size: int = 0
    text: str = ""
    cut: bool = False
    sha256: str = ""


class Parts(NamedTuple):
    """What stands in a packet of Socket.IO before its payload, and that payload."""

    kind: str
    namespace: str
    ack_id: int | None
    event: str
    payload: str


_HEAD = re.compile(r"([0-6])(?:(\d{1,10})-)?(?:(/[^,]{0,256})(?:,|\Z))?(\d{0,18})")
_NAME = re.compile(r'\s*\[\s*("(?:[^"\\]|\\.){0,256}")', re.DOTALL)


def parts_of(message: str) -> Parts:
    """A packet of Socket.IO taken apart, its payload as it is; kind `unknown` for anything else."""
    head = _HEAD.match(message)
    if head is None:
        return Parts("unknown", "", None, "", message)
    number, _attachments, namespace, ack, event = *head.groups(), ""
    kind = SOCKET_KINDS[int(number)]
    if kind.endswith("event") and (name := _NAME.match(message, head.end())):
        try:
            event = str(json.loads(name[1]))
        except ValueError:
            event = name[1]
    space = (namespace or "/").partition("?")[0]
    return Parts(kind, space, int(ack) if ack else None, event, message[head.end() :])


def size_of(data: str | bytes) -> int:
    """Bytes in UTF-8, without making them where that can be spared."""
    return (
        len(data)
        if isinstance(data, bytes) or data.isascii()
        else len(data.encode(errors="replace"))
    )


def arguments_of(packet: Packet) -> list[object] | None:
    """An event's or ack's arguments, the event's name left out; None when they cannot be read."""
    try:
        told = json.loads(packet.text) if not packet.cut else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, list):
        return None
    return told[1:] if packet.kind.endswith("event") else told
