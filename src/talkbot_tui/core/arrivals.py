"""What reaches us: events from the link, the server and the store, one frozen value each.

Together with the user's own (`core.events`) these are all the session reacts to.
"""

from __future__ import annotations

from dataclasses import dataclass

from talkbot_tui.core.model import (
    LogEvent,
    Member,
    Message,
    PresenceInfo,
    RoomSummary,
    SyncSnapshot,
    User,
)

# --- from the link --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkConnecting:
    """An attempt begins; `attempt` counts from 1 since the last success."""

    attempt: int


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The namespace is connected and authenticated; nothing is synced yet."""

    transport: str = "websocket"


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The link is lost, or an attempt failed; the next try is at `retry_at` (ms).

    code: the stable name of `reason`, "" where there is none.
    """

    reason: str
    retry_at: int
    code: str = ""


@dataclass(frozen=True, slots=True)
class LinkRefused:
    """The server will not have us: no further try until the user acts."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Latency:
    """Round-trip time of the last answered request, in ms."""

    ms: int


# --- from the server ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Synced:
    """The answer to `sync`."""

    snapshot: SyncSnapshot


@dataclass(frozen=True, slots=True)
class SyncFailed:
    """`sync` was not `answered` or was refused; `retry_at` in ms, 0 when nothing was said."""

    reason: str
    retry_at: int
    answered: bool = True


@dataclass(frozen=True, slots=True)
class LogArrived:
    """Live events, in the order in which they came in."""

    events: tuple[LogEvent, ...]


@dataclass(frozen=True, slots=True)
class HistoryArrived:
    """The answer to a `FetchHistory`; `events` are contiguous by seq.

    span: first and last seq of the page as it was sent, events included that could not be
        read and are left out; (0, 0) when it was empty.
    """

    conversation_id: str
    events: tuple[LogEvent, ...]
    head_seq: int
    more: bool
    request: tuple[str, int] = ("before", 0)
    span: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class HistoryFailed:
    """A `FetchHistory` came to nothing; `not_found` means that we are no member."""

    conversation_id: str
    reason: str
    retryable: bool
    request: tuple[str, int] = ("before", 0)


@dataclass(frozen=True, slots=True)
class HeadsArrived:
    """Heads that moved, by conversation."""

    heads: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Resync:
    """The server says that broadcasts may have been missed; empty for all."""

    conversation_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamDelta:
    """`delta` belongs at code point `offset` of a streaming message.

    size: code points of the delta as it was sent, 0 when cleaning changed none.
    """

    conversation_id: str
    server_msg_id: str
    offset: int
    delta: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class TypingHint:
    """Somebody writes, or stopped; expires by itself after 6 s."""

    conversation_id: str
    user_id: str
    on: bool


@dataclass(frozen=True, slots=True)
class PresenceHint:
    """What is known of people we watch."""

    presence: tuple[tuple[str, PresenceInfo], ...]


@dataclass(frozen=True, slots=True)
class ReadHint:
    """Somebody, perhaps we on another device, has read up to `seq`."""

    conversation_id: str
    user_id: str
    seq: int
    unread: int | None = None
    mentions: int | None = None


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """A `SendRead` came to nothing. `retryable`: the same again may succeed at `retry_at`."""

    conversation_id: str
    seq: int
    retryable: bool = True
    retry_at: int = 0


@dataclass(frozen=True, slots=True)
class MembersArrived:
    """A page of the people of a conversation; `first` when it begins the list."""

    conversation_id: str
    members: tuple[Member, ...]
    first: bool = True


@dataclass(frozen=True, slots=True)
class MessageAcked:
    """The server has stored our message; with `duplicate` it had it already."""

    client_msg_id: str
    server_msg_id: str
    seq: int
    ts: int


@dataclass(frozen=True, slots=True)
class MessageRefused:
    """Our message was not stored. `retryable`: the same again may succeed at `retry_at`."""

    client_msg_id: str
    code: str
    message: str
    retryable: bool
    retry_at: int = 0


@dataclass(frozen=True, slots=True)
class MessageUnanswered:
    """No ack came in time, or the link fell: it may or may not be stored."""

    client_msg_id: str


@dataclass(frozen=True, slots=True)
class MessageUnsent:
    """It was not handed to the link at all: it may be, as if for the first time."""

    client_msg_id: str


@dataclass(frozen=True, slots=True)
class MessageUnconfirmed:
    """It was handed to the link, and this kind of server will not say whether it arrived.

    The place is the client's own numbering, as everything on such a server.
    """

    client_msg_id: str
    server_msg_id: str
    seq: int
    ts: int


@dataclass(frozen=True, slots=True)
class OperationRefused:
    """An edit, deletion, reaction or other request was refused, in words for the user."""

    conversation_id: str
    client_op_id: str
    code: str
    message: str


# --- from the store ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredRoom:
    """What the cache holds of one room at start: `cursor` and `ranges` of held seqs."""

    summary: RoomSummary
    cursor: int
    ranges: tuple[tuple[int, int], ...]
    reads: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """The cache was read: rooms, and the outbox in order of composing."""

    epoch: str
    me: User
    rooms: tuple[StoredRoom, ...]
    outbox: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class PageLoaded:
    """Events of a room read from the cache, in reply to `LoadPage`; ascending by seq."""

    conversation_id: str
    events: tuple[LogEvent, ...]
    before: int
    after: int = 0


@dataclass(frozen=True, slots=True)
class Saved:
    """The local echo is on disk."""

    client_msg_id: str


@dataclass(frozen=True, slots=True)
class SaveFailed:
    """The local echo could not be saved; its text goes back to the composer."""

    client_msg_id: str
    reason: str
