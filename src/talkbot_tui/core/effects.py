"""What must be done: the session asks, the engine performs, the result is again an event."""

from __future__ import annotations

from dataclasses import dataclass

from talkbot_tui.core.model import LogEvent, Message, Outcome, Presence, RoomSummary, User

# --- to the store: performed in order, on disk before anything later is emitted ----


@dataclass(frozen=True, slots=True)
class SaveLocal:
    """Store a local echo and clear the saved draft; answer `Saved` or `SaveFailed`."""

    message: Message


@dataclass(frozen=True, slots=True)
class UpdateLocal:
    """The stored local echo has this state now (queued, failed with its error)."""

    message: Message


@dataclass(frozen=True, slots=True)
class DropLocal:
    """Forget a local echo: the server has it, or the user discarded it."""

    client_msg_id: str


@dataclass(frozen=True, slots=True)
class SaveEvents:
    """Store events of a room together with its cursor and held ranges, in one transaction."""

    conversation_id: str
    events: tuple[LogEvent, ...]
    cursor: int
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SaveRoom:
    """Store what the room list shows of one room."""

    summary: RoomSummary


@dataclass(frozen=True, slots=True)
class ForgetRoom:
    """We are no member any more: remove its cached events (unsent messages stay)."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class ForgetAll:
    """The server's epoch changed: remove every cached event; outbox and drafts stay."""

    epoch: str
    me: User


@dataclass(frozen=True, slots=True)
class SaveIdentity:
    """Remember epoch and user for the next start."""

    epoch: str
    me: User


@dataclass(frozen=True, slots=True)
class SaveDraft:
    """Keep the composer's text; "" removes it. May be coalesced, at most 400 ms late."""

    conversation_id: str
    text: str


@dataclass(frozen=True, slots=True)
class LoadPage:
    """Read up to `limit` messages before seq `before` (0: the newest); answer `PageLoaded`.

    after: read those that follow this seq instead; 0 for not.
    """

    conversation_id: str
    before: int
    limit: int
    after: int = 0


# --- to the server ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendSync:
    """Ask `sync` with these cursors; answer `Synced` or `SyncFailed`."""

    cursors: tuple[tuple[str, int], ...]
    epoch: str


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Emit one message; answer `MessageAcked`, `MessageRefused` or `MessageUnanswered`."""

    message: Message


@dataclass(frozen=True, slots=True)
class SendEdit:
    """Emit an edit; only a refusal comes back, success is seen as a log event."""

    conversation_id: str
    server_msg_id: str
    text: str
    client_op_id: str
    base_revision: int
    streaming: bool = False
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class SendDelete:
    """Emit a deletion."""

    conversation_id: str
    server_msg_id: str
    client_op_id: str


@dataclass(frozen=True, slots=True)
class SendReaction:
    """Emit a reaction."""

    conversation_id: str
    server_msg_id: str
    emoji: str
    on: bool
    client_op_id: str


@dataclass(frozen=True, slots=True)
class SendRead:
    """Emit our read mark."""

    conversation_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class SendTyping:
    """Tell that we write, or stopped; never repeated when lost."""

    conversation_id: str
    on: bool


@dataclass(frozen=True, slots=True)
class SendPresence:
    """Tell our presence."""

    status: Presence
    text: str


@dataclass(frozen=True, slots=True)
class SendStop:
    """Ask that a streaming answer end."""

    conversation_id: str
    server_msg_id: str


@dataclass(frozen=True, slots=True)
class WatchPresence:
    """Ask for the presence of these people, and for its changes from now on."""

    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FetchHistory:
    """Ask `history`; `request` is (before | after | around, seq)."""

    conversation_id: str
    request: tuple[str, int]
    limit: int


@dataclass(frozen=True, slots=True)
class FetchMembers:
    """Ask who is in the room; answer `MembersArrived`."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class AskHeads:
    """Ask which heads have moved past these."""

    heads: tuple[tuple[str, int], ...]


# --- to the shell ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Deliver a `Tick` at this time (ms); the earliest request wins."""

    at: int


@dataclass(frozen=True, slots=True)
class Reconnect:
    """End the wait before the next attempt, or drop a doubtful link."""

    reason: str


Effect = (
    SaveLocal
    | UpdateLocal
    | DropLocal
    | SaveEvents
    | SaveRoom
    | ForgetRoom
    | ForgetAll
    | SaveIdentity
    | SaveDraft
    | LoadPage
    | SendSync
    | SendMessage
    | SendEdit
    | SendDelete
    | SendReaction
    | SendRead
    | SendTyping
    | SendPresence
    | SendStop
    | WatchPresence
    | FetchHistory
    | FetchMembers
    | AskHeads
    | WakeAt
    | Reconnect
)
"""Everything `Session.handle` may ask for."""
