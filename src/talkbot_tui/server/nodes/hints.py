"""What servers tell each other over the bus: hints, in JSON, of which none is the truth.

Whoever can write to the bus can make a server look into the database earlier, and can make
up typing, growing text and read marks; nothing that is stored, shown later or allowed comes
from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from talkbot_tui.wire.scalars import Cursor, Id, ServerPayload
from talkbot_tui.wire.server_events import ReadEvent, StopEvent, StreamEvent, TypingEvent

VERSION: Final = 1
PROJECT: Final = "talkbot-tui"
BYTES_MAX = 256 * 1024
"""Of one packet; a larger one is not read."""

FIT = 128
"""Hints in one packet."""


class Moved(ServerPayload, frozen=True, tag_field="hint", tag="moved"):
    """The log of a conversation goes up to `seq`."""

    conversation_id: Id
    seq: Cursor


class Entered(ServerPayload, frozen=True, tag_field="hint", tag="entered"):
    """A person is in another conversation than before."""

    user_id: Id


class Revoked(ServerPayload, frozen=True, tag_field="hint", tag="revoked"):
    """The list of revocations has grown."""


class PresenceMoved(ServerPayload, frozen=True, tag_field="hint", tag="presence"):
    """These people came, went, or say something else of themselves."""

    user_ids: list[Id]


class Told(ServerPayload, frozen=True, tag_field="hint", tag="told"):
    """An event that is not stored, for a conversation but not for `but`.

    after: the seq that the sender's clients had been shown by then; who has not come so far
    catches up first, so that nobody who was taken out receives it.
    """

    conversation_id: Id
    after: Cursor
    but: str = ""
    typing: TypingEvent | None = None
    stream: StreamEvent | None = None
    read: ReadEvent | None = None

    def events(self) -> Iterator[tuple[str, TypingEvent | StreamEvent | ReadEvent]]:
        """What is told, by the event's name; nothing about another conversation."""
        for name, payload in (
            ("typing", self.typing),
            ("stream", self.stream),
            ("read", self.read),
        ):
            if payload is not None and payload.conversation_id == self.conversation_id:
                yield name, payload


class ToldUser(ServerPayload, frozen=True, tag_field="hint", tag="told_user"):
    """The same for all connections of one person."""

    user_id: Id
    read: ReadEvent | None = None
    stop: StopEvent | None = None


class Spent(ServerPayload, frozen=True, tag_field="hint", tag="spent"):
    """A person used up so many requests of a class, on one server."""

    rate: str
    user_id: Id
    count: Cursor
    bot: bool = False


class Failed(ServerPayload, frozen=True, tag_field="hint", tag="failed"):
    """A sign-in in vain; `look` is how the name looks."""

    look: str
    address: str


class Beat(ServerPayload, frozen=True, tag_field="hint", tag="beat"):
    """Nothing but a sign of life."""


Hint = Moved | Entered | Revoked | PresenceMoved | Told | ToldUser | Spent | Failed | Beat


class _Packet(ServerPayload, frozen=True):
    project: Literal["talkbot-tui"]
    version: Literal[1]
    chat: str
    node: Id
    hints: list[msgspec.Raw]


@dataclass(frozen=True, slots=True)
class Packet:
    """Hints of one server; `unknown` counts those that this version cannot read."""

    node: str
    hints: tuple[Hint, ...]
    unknown: int = 0


_PACKETS = msgspec.json.Decoder(_Packet)
_HINTS: msgspec.json.Decoder[Hint] = msgspec.json.Decoder(Hint)


def encode(chat: str, node: str, told: Sequence[Hint]) -> bytes:
    """One packet; project, version and chat tell whether it is for whoever reads it.

    chat: the database's epoch: servers of another chat may use the same Redis.
    """
    raw = [msgspec.Raw(msgspec.json.encode(hint)) for hint in told]
    return msgspec.json.encode(
        _Packet(project=PROJECT, version=VERSION, chat=chat, node=node, hints=raw)
    )


def decode(data: bytes, chat: str) -> Packet | None:
    """A packet of this chat; None for anything else."""
    if len(data) > BYTES_MAX:
        return None
    try:
        packet = _PACKETS.decode(data)
    except (ValueError, RecursionError):
        return None
    if packet.chat != chat:
        return None
    known: list[Hint] = []
    for raw in packet.hints[:FIT]:
        try:
            known.append(_HINTS.decode(raw))
        except (ValueError, RecursionError):
            continue
    return Packet(packet.node, tuple(known), len(packet.hints) - len(known))
