"""What can happen: everything the session reacts to, one frozen value each.

This file has what the user does, through the UI, the CLI or a bot; what comes
from link, server and store is in `core.arrivals`. The engine stamps ids and
times before it hands an event over.
"""

from __future__ import annotations

from dataclasses import dataclass

from talkbot_tui.core.arrivals import (
    HeadsArrived,
    HistoryArrived,
    HistoryFailed,
    Latency,
    LinkConnecting,
    LinkDown,
    LinkRefused,
    LinkUp,
    Loaded,
    LogArrived,
    MembersArrived,
    MessageAcked,
    MessageRefused,
    MessageUnanswered,
    MessageUnconfirmed,
    MessageUnsent,
    OperationRefused,
    PageLoaded,
    PresenceHint,
    ReadFailed,
    ReadHint,
    Resync,
    Saved,
    SaveFailed,
    StreamDelta,
    Synced,
    SyncFailed,
    TypingHint,
)
from talkbot_tui.core.model import Outcome, Presence

# --- from the user -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compose:
    """Send `text`; `client_msg_id` is a UUIDv7 and names the message for ever."""

    conversation_id: str
    text: str
    client_msg_id: str
    at: int
    reply_to: str = ""
    format: str = ""
    streaming: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Try a failed message again, under the same id."""

    client_msg_id: str


@dataclass(frozen=True, slots=True)
class Discard:
    """Give up one of our messages that is queued or failed."""

    client_msg_id: str


@dataclass(frozen=True, slots=True)
class SendHeld:
    """Send what is held back in this conversation: its author has looked."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class EditMessage:
    """Change the text of a message of ours that the server has."""

    conversation_id: str
    server_msg_id: str
    text: str
    client_op_id: str
    streaming: bool = False
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class DeleteMessage:
    """Delete a message at the server, for everybody."""

    conversation_id: str
    server_msg_id: str
    client_op_id: str


@dataclass(frozen=True, slots=True)
class React:
    """Put an emoji under a message, or take it away."""

    conversation_id: str
    server_msg_id: str
    emoji: str
    on: bool
    client_op_id: str


@dataclass(frozen=True, slots=True)
class OpenConversation:
    """The user looks at this conversation now; "" for none."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class ReadUpTo:
    """Everything up to `seq` was visible while the terminal had the focus."""

    conversation_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Typed:
    """The user is writing (`on`) or has stopped; the session limits how often it is told."""

    conversation_id: str
    on: bool


@dataclass(frozen=True, slots=True)
class SetDraft:
    """The composer's text in this conversation is now `text`."""

    conversation_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ReachedTop:
    """The oldest held rows are on the screen: load older ones."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class ReachedBottom:
    """The newest held rows are on the screen and newer ones are not: load some."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class JumpTo:
    """Show the rows around this seq, wherever they are; answered by `changes.Jumped`."""

    conversation_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class ShowNewest:
    """Back to the newest rows."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class FillGap:
    """Load the gap whose last missing seq is `last`."""

    conversation_id: str
    last: int


@dataclass(frozen=True, slots=True)
class WatchUsers:
    """These people are on the screen: their presence is wanted."""

    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetPresence:
    """Our own presence."""

    status: Presence
    text: str = ""


@dataclass(frozen=True, slots=True)
class StopStream:
    """End a bot's streaming answer."""

    conversation_id: str
    server_msg_id: str


@dataclass(frozen=True, slots=True)
class ReconnectNow:
    """Do not wait for the next try."""


# --- from the clock ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tick:
    """A `WakeAt` came due, or simply time has passed."""


UserEvent = (
    Compose
    | Retry
    | Discard
    | SendHeld
    | EditMessage
    | DeleteMessage
    | React
    | OpenConversation
    | ReadUpTo
    | Typed
    | SetDraft
    | ReachedTop
    | ReachedBottom
    | JumpTo
    | ShowNewest
    | FillGap
    | WatchUsers
    | SetPresence
    | StopStream
    | ReconnectNow
)
"""What a front end may dispatch."""

Event = (
    UserEvent
    | LinkConnecting
    | LinkUp
    | LinkDown
    | LinkRefused
    | Latency
    | Synced
    | SyncFailed
    | LogArrived
    | HistoryArrived
    | HistoryFailed
    | HeadsArrived
    | Resync
    | StreamDelta
    | TypingHint
    | PresenceHint
    | ReadHint
    | ReadFailed
    | MembersArrived
    | MessageAcked
    | MessageRefused
    | MessageUnanswered
    | MessageUnconfirmed
    | MessageUnsent
    | OperationRefused
    | Loaded
    | PageLoaded
    | Saved
    | SaveFailed
    | Tick
)
"""Everything `Session.handle` takes."""
