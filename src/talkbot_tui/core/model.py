"""The values a conversation is made of: frozen, comparable, without behaviour.

Times are milliseconds since the Unix epoch, UTC, and are for people only:
order comes from `seq`, the dense number that the server gives each event of a
conversation in the transaction that stores it. Lengths and offsets count
Unicode code points.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a conversation is."""

    CHANNEL = "channel"
    GROUP = "group"
    DIRECT = "direct"


class SendState(Enum):
    """How far a message of ours has come; others' messages are always SENT.

    SAVING: on the screen, not yet on disk, so not yet promised.
    QUEUED: on disk, waiting for its turn or for the link.
    SENDING: handed to the link, no answer yet.
    SENT: the server has stored it.
    UNCONFIRMED: handed to the link once, and nobody will say whether it arrived; never again.
    FAILED: refused for good; it stays until its author retries or discards it.
    """

    SAVING = "saving"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"


class Presence(Enum):
    """Whether a person can be expected to see a message now."""

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


class Outcome(Enum):
    """How a streamed answer ended."""

    COMPLETE = "complete"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class User:
    """A person or a bot; `name` is the unique handle, `display_name` may be empty."""

    user_id: str
    name: str
    display_name: str = ""
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Reaction:
    """One emoji under a message and who put it there, in order of first use."""

    emoji: str
    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message, as it is now.

    key: stable for the row's whole life: `client_msg_id` for our own messages,
        `server_msg_id` for everybody else's.
    seq: 0 until the server has numbered it.
    changed_seq: seq of the last event that changed it (its own `seq` when none
        did); an edit, deletion or reaction with a lower or equal seq is old.
    ts: the server's time once numbered, the composing time before that.
    reply_to: `server_msg_id` of the message answered, or "".
    error: why it failed, ready to be shown; empty unless `state` is FAILED.
    attempted: of an unsent message of ours: it was, or was about to be, handed to the link,
        so the server may have it although nobody has said so.
    reacted_seq: seq up to which `reactions` are known, 0 when that is `changed_seq`;
        differs when an edit came while an older reaction still lay in a gap.
    size: code points of the text as it was sent, 0 when cleaning changed none;
        offsets of a stream count in these.
    """

    key: str
    conversation_id: str
    sender: User
    text: str
    ts: int
    client_msg_id: str = ""
    server_msg_id: str = ""
    seq: int = 0
    changed_seq: int = 0
    revision: int = 0
    state: SendState = SendState.SENT
    reply_to: str = ""
    format: str = ""
    mentions: tuple[str, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    deleted: bool = False
    streaming: bool = False
    outcome: Outcome | None = None
    error: str = ""
    attempted: bool = False
    reacted_seq: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Conversation:
    """A room: a public or private channel, a group, or two people.

    name: without `#`; empty for a direct conversation, whose title is `peer`.
    role: ours in it: owner, moderator, member, or "" when not a member.
    """

    conversation_id: str
    kind: Kind
    name: str = ""
    topic: str = ""
    visibility: str = "public"
    role: str = "member"
    member_count: int = 0
    peer: User | None = None
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Seqs `first`…`last` exist at the server and are not held here."""

    first: int
    last: int
    fetching: bool = False

    @property
    def count(self) -> int:
        """How many events are missing (not all of them need be messages)."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened in a room and is shown as one quiet line.

    what: joined, left, invited, removed, role, created, renamed, topic, archived; and of
        servers without a history of ours: begins, again, missed.
    """

    seq: int
    ts: int
    actor: User
    what: str
    subject: User | None = None
    detail: str = ""


Row = Message | Gap | Note
"""One row of a timeline: numbered rows and gaps by seq, then our local echoes."""


def row_key(row: Row) -> str:
    """A key that stays the same for the life of the row."""
    match row:
        case Message():
            return row.key
        case Gap():
            return f"gap:{row.last}"
        case Note():
            return f"note:{row.seq}"


@dataclass(frozen=True, slots=True)
class Splice:
    """Rows `start` … `start+removed-1` became `rows`; the only way a timeline changes."""

    start: int
    removed: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A person in one conversation."""

    user: User
    role: str = "member"


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """One line of the room list.

    unread, mentions: as the server counted them, less what is read here since.
    failed, queued: our own messages there that failed for good or still wait.
    draft: the unsent text of the composer, "" when none.
    held: the queued ones wait for a word of their author (see `core.patience`).
    """

    conversation: Conversation
    head_seq: int = 0
    read_seq: int = 0
    unread: int = 0
    mentions: int = 0
    last_ts: int = 0
    last_text: str = ""
    draft: str = ""
    failed: int = 0
    queued: int = 0
    held: bool = False


@dataclass(frozen=True, slots=True)
class PresenceInfo:
    """What is known of one person; `last_seen` in ms, 0 when unknown."""

    status: Presence
    text: str = ""
    last_seen: int = 0


# --- what the server's log says -------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessagePosted:
    """A message, in its current state (a page may serve an old place with today's text)."""

    conversation_id: str
    seq: int
    ts: int
    sender: User
    message: Message


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """New text of a message; `revision` only grows."""

    conversation_id: str
    seq: int
    ts: int
    sender: User
    server_msg_id: str
    text: str
    revision: int
    mentions: tuple[str, ...] = ()
    streaming: bool = False
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """The message is gone for good; wins over everything."""

    conversation_id: str
    seq: int
    ts: int
    sender: User
    server_msg_id: str


@dataclass(frozen=True, slots=True)
class ReactionsChanged:
    """`reactions` is the whole new set, so applying it twice changes nothing."""

    conversation_id: str
    seq: int
    ts: int
    sender: User
    server_msg_id: str
    reactions: tuple[Reaction, ...]


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """`user` joined, left, was invited or removed, or got `role`."""

    conversation_id: str
    seq: int
    ts: int
    sender: User
    user: User
    change: str
    role: str = "member"


@dataclass(frozen=True, slots=True)
class ConversationChanged:
    """The conversation was created, renamed, archived or given a topic."""

    conversation_id: str
    seq: int
    ts: int
    sender: User
    conversation: Conversation
    change: str = "created"


LogEvent = (
    MessagePosted
    | MessageEdited
    | MessageDeleted
    | ReactionsChanged
    | MemberChanged
    | ConversationChanged
)
"""One numbered event of a conversation. Every seq from 1 to the head has exactly one."""


@dataclass(frozen=True, slots=True)
class RoomSnapshot:
    """One conversation in the server's answer to `sync`.

    events: contiguous from `from_seq` to `head_seq`; empty with
        `from_seq == head_seq + 1` when nothing is newer than our cursor.
    reads: how far others have read, by user id; empty in large rooms.
    """

    conversation: Conversation
    head_seq: int
    read_seq: int
    unread: int
    mentions: int
    from_seq: int
    events: tuple[LogEvent, ...]
    more: bool
    last_message: Message | None = None
    reads: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SyncSnapshot:
    """The server's whole answer to `sync`.

    epoch: names the server's database; another epoch than ours means that our
        numbers mean nothing there and everything cached must go.
    """

    epoch: str
    user: User
    server_version: str
    rooms: tuple[RoomSnapshot, ...]
    text_max: int = 8000
    text_bytes_max: int = 32768
    features: tuple[str, ...] = ()
