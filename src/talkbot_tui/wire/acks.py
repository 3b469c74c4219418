"""What a server answers: the fields of a successful ack, one type per event."""

from __future__ import annotations

from talkbot_tui.wire.scalars import (
    ANSWER_BYTES_MAX,
    FRAME_BYTES_MAX,
    NAME_MAX,
    PAGE_MAX,
    TEXT_BYTES_MAX,
    TEXT_MAX,
    USER_NAME_MAX,
    Count,
    Id,
    Millis,
    Seq,
    ServerPayload,
)
from talkbot_tui.wire.server_events import (
    ConversationInfo,
    LogEvent,
    MessageEvent,
    PresenceInfo,
    UserInfo,
)


class Limits(ServerPayload, frozen=True, omit_defaults=False):
    """The server's limits, as configured there."""

    text: int = TEXT_MAX
    text_bytes: int = TEXT_BYTES_MAX
    frame_bytes: int = FRAME_BYTES_MAX
    answer_bytes: int = ANSWER_BYTES_MAX
    name: int = NAME_MAX
    user_name: int = USER_NAME_MAX
    page: int = PAGE_MAX
    message_burst: int = 20
    messages_per_minute: int = 100
    joins_burst: int = 200


class SyncRoom(ServerPayload, frozen=True, omit_defaults=False):
    """One conversation in the answer to `sync`.

    events are contiguous, `fromSeq` to `headSeq`; `fromSeq` is `headSeq + 1` and
    events empty when nothing is newer, or when the answer is full (`more`).
    reads: others' read marks, in conversations of at most 100 members. An answer of more
    than 256 KiB leaves them out, and the last messages; one of more than 1 MiB the topics.
    """

    conversation: ConversationInfo
    head_seq: Count
    read_seq: Count
    unread: Count
    mentions: Count
    from_seq: Count
    events: list[LogEvent]
    more: bool
    last_message: MessageEvent | None = None
    reads: dict[str, int] = {}


class SyncAck(ServerPayload, frozen=True, omit_defaults=False):
    """Where the server is; `epoch` names its database, `expiresAt` ends the token."""

    epoch: str
    user: UserInfo
    server_version: str
    features: list[str]
    limits: Limits
    expires_at: Millis
    conversations: list[SyncRoom]


class HeadsAck(ServerPayload, frozen=True, omit_defaults=False):
    """Only the heads that moved."""

    heads: dict[str, int]


class HistoryAck(ServerPayload, frozen=True, omit_defaults=False):
    """Contiguous events, ascending; `more` when the asked side goes on."""

    events: list[LogEvent]
    head_seq: Count
    more: bool


class MessageAck(ServerPayload, frozen=True):
    """The message's place."""

    server_msg_id: Id
    seq: Seq
    ts: Millis


class EditAck(ServerPayload, frozen=True):
    """The edit's place, and the message's new revision."""

    seq: Seq
    revision: int
    ts: Millis


class PlacedAck(ServerPayload, frozen=True):
    """The event's place."""

    seq: Seq
    ts: Millis


class SeqAck(ServerPayload, frozen=True):
    """The event's place; `seq` is the head when nothing had to change."""

    seq: Count


class EmptyAck(ServerPayload, frozen=True):
    """Done; nothing to say."""


class ReadAck(ServerPayload, frozen=True, omit_defaults=False):
    """Our read mark and what is left unread."""

    read_seq: Count
    unread: Count
    mentions: Count


class WatchAck(ServerPayload, frozen=True, omit_defaults=False):
    """Presence by user id."""

    presence: dict[str, PresenceInfo]


class ConversationAck(ServerPayload, frozen=True):
    """The conversation, as we see it."""

    conversation: ConversationInfo


class JoinAck(ServerPayload, frozen=True, omit_defaults=False):
    """The conversation, and its head."""

    conversation: ConversationInfo
    head_seq: Count


class MemberInfo(ServerPayload, frozen=True):
    """A member and their role."""

    user: UserInfo
    role: str = "member"


class MembersAck(ServerPayload, frozen=True, omit_defaults=False):
    """A page of members; `next` is null on the last."""

    items: list[MemberInfo]
    next: str | None = None


class ConversationsAck(ServerPayload, frozen=True, omit_defaults=False):
    """A page of conversations."""

    items: list[ConversationInfo]
    next: str | None = None


class UsersAck(ServerPayload, frozen=True, omit_defaults=False):
    """A page of people."""

    items: list[UserInfo]
    next: str | None = None


class SearchAck(ServerPayload, frozen=True, omit_defaults=False):
    """Messages found, newest first."""

    hits: list[MessageEvent]
    next: str | None = None


class AuthAck(ServerPayload, frozen=True):
    """When the new token ends."""

    expires_at: Millis
