"""What a front end must redraw: collected by the session, taken once a turn of the loop."""

from __future__ import annotations

from dataclasses import dataclass

from talkbot_tui.core.model import Splice


@dataclass(frozen=True, slots=True)
class TimelineChanged:
    """Apply `splices` in order to your copy of the rows, or read them anew."""

    conversation_id: str
    splices: tuple[Splice, ...]


@dataclass(frozen=True, slots=True)
class TimelineReset:
    """Read all rows of this conversation anew."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class RoomsChanged:
    """The room list changed; `conversation_ids` names the rooms that did."""

    conversation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The link's state, its countdown or its latency band changed."""


@dataclass(frozen=True, slots=True)
class TypingChanged:
    """Another set of people is writing in this conversation."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class RosterChanged:
    """Members or their presence changed; "" for presence anywhere."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class DraftReturned:
    """A message could not be saved: its text belongs back into the composer."""

    conversation_id: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Jumped:
    """The rows around `seq` are held now, as was asked; `key` is the row nearest to it."""

    conversation_id: str
    seq: int
    key: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something to tell the user in one line; `code` is stable, `text` is the server's words."""

    code: str
    text: str
    conversation_id: str = ""


Change = (
    TimelineChanged
    | TimelineReset
    | RoomsChanged
    | LinkChanged
    | TypingChanged
    | RosterChanged
    | DraftReturned
    | Jumped
    | Noticed
)
"""Everything `Session.take_changes` may give."""
