"""What a client may send in namespace `/chat`, one type per event."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from talkbot_tui.wire.scalars import (
    PAGE_MAX,
    USER_NAME_MAX,
    WATCH_MAX,
    ClientPayload,
    Cursor,
    Emoji,
    Id,
    Limit,
    Millis,
    Name,
    Offset,
    Seq,
    StatusText,
    Text,
    Token,
    Topic,
)

Kind = Literal["channel", "group", "direct"]
Visibility = Literal["public", "private"]
Role = Literal["owner", "moderator", "member"]
Outcome = Literal["complete", "stopped", "failed"]
Format = Literal["plain", "markdown", "action"]


class ClientInfo(ClientPayload, frozen=True):
    """Which program connects."""

    name: Annotated[str, Meta(max_length=64)] = ""
    version: Annotated[str, Meta(max_length=32)] = ""


class Handshake(ClientPayload, frozen=True):
    """The `auth` object of the connection: an access token, and the contract's version."""

    token: Token
    protocol: int = 1
    client: ClientInfo = ClientInfo()


class Sync(ClientPayload, frozen=True):
    """Say where we are; subscribes this connection to all its conversations.

    cursors: per conversation the last seq held without a hole; conversations
        left out count as 0. epoch: of the database the cursors belong to; when
        it differs, the cursors are taken as 0.
    """

    cursors: dict[Id, Cursor] = {}
    epoch: Annotated[str, Meta(max_length=64)] | None = None
    limit: Limit = 50


class Heads(ClientPayload, frozen=True):
    """Our heads; the answer names only those that moved."""

    heads: dict[Id, Cursor]


class History(ClientPayload, frozen=True):
    """A page of a conversation, at most `limit` messages; one of before, after, around.

    none: the newest page. before: events below that seq. after: above it.
    around: both sides of it.
    """

    conversation_id: Id
    before: Seq | None = None
    after: Cursor | None = None
    around: Seq | None = None
    limit: Limit = 50


class SendMessage(ClientPayload, frozen=True):
    """Post a message. The same clientMsgId again gives the first ack again, for ever."""

    conversation_id: Id
    text: Text
    client_msg_id: Id
    reply_to: Id | None = None
    format: Format | None = None
    streaming: bool = False


class Edit(ClientPayload, frozen=True):
    """Replace a message's text; refused with `edit_conflict` when `baseRevision` is not its own.

    outcome ends a streaming message.
    """

    conversation_id: Id
    server_msg_id: Id
    text: Text
    client_op_id: Id
    base_revision: Annotated[int, Meta(ge=0)]
    streaming: bool = False
    outcome: Outcome | None = None


class Delete(ClientPayload, frozen=True):
    """Delete a message for everybody."""

    conversation_id: Id
    server_msg_id: Id
    client_op_id: Id


class React(ClientPayload, frozen=True):
    """Put an emoji under a message (`on`) or take it away."""

    conversation_id: Id
    server_msg_id: Id
    client_op_id: Id
    emoji: Emoji
    on: bool


class Stream(ClientPayload, frozen=True):
    """The next piece of a bot's own streaming message."""

    conversation_id: Id
    server_msg_id: Id
    offset: Offset
    delta: Annotated[str, Meta(min_length=1, max_length=8000)]


class Stop(ClientPayload, frozen=True):
    """Ask the bot to end a streaming answer."""

    conversation_id: Id
    server_msg_id: Id


class Read(ClientPayload, frozen=True):
    """We have read up to `seq`; a lower one than before changes nothing."""

    conversation_id: Id
    seq: Seq


class Typing(ClientPayload, frozen=True):
    """We write, or have stopped; at most one in 3 s."""

    conversation_id: Id
    on: bool


class SetPresence(ClientPayload, frozen=True):
    """Our presence."""

    status: Literal["online", "away"]
    text: StatusText | None = None


class Watch(ClientPayload, frozen=True):
    """Whose presence is on our screen; replaces the list given before."""

    user_ids: Annotated[list[Id], Meta(max_length=WATCH_MAX)]


class CreateConversation(ClientPayload, frozen=True):
    """Make a channel or group, or open the one direct conversation with `members[0]`."""

    kind: Kind
    client_op_id: Id
    name: Name | None = None
    topic: Topic | None = None
    visibility: Visibility | None = None
    members: Annotated[list[Id], Meta(max_length=PAGE_MAX)] = []


class UpdateConversation(ClientPayload, frozen=True):
    """Change name, topic, visibility, or archive; what is left out stays."""

    conversation_id: Id
    client_op_id: Id
    name: Name | None = None
    topic: Topic | None = None
    visibility: Visibility | None = None
    archived: bool | None = None


class Invite(ClientPayload, frozen=True):
    """Make a person a member."""

    conversation_id: Id
    client_op_id: Id
    user_id: Id


class Remove(ClientPayload, frozen=True):
    """End a person's membership."""

    conversation_id: Id
    client_op_id: Id
    user_id: Id


class SetRole(ClientPayload, frozen=True):
    """Give a member another role."""

    conversation_id: Id
    client_op_id: Id
    user_id: Id
    role: Role


class Join(ClientPayload, frozen=True):
    """Become a member of a public channel."""

    conversation_id: Id
    client_op_id: Id


class Leave(ClientPayload, frozen=True):
    """Stop being a member."""

    conversation_id: Id
    client_op_id: Id


class Members(ClientPayload, frozen=True):
    """The people of a conversation, by page; `after` is the `next` of the page before."""

    conversation_id: Id
    after: Annotated[str, Meta(max_length=128)] | None = None
    limit: Limit = 100


class Conversations(ClientPayload, frozen=True):
    """Public channels whose name begins with `prefix`, by page."""

    prefix: Annotated[str, Meta(max_length=64)] = ""
    after: Annotated[str, Meta(max_length=128)] | None = None
    limit: Limit = 100


class Users(ClientPayload, frozen=True):
    """People whose name begins with `prefix`, by page."""

    prefix: Annotated[str, Meta(max_length=USER_NAME_MAX)] = ""
    after: Annotated[str, Meta(max_length=128)] | None = None
    limit: Limit = 100


class Search(ClientPayload, frozen=True):
    """Full-text search in one conversation or in all of ours, newest first.

    from: a user id. before, after: ms.
    """

    query: Annotated[str, Meta(min_length=1, max_length=200)]
    conversation_id: Id | None = None
    from_: Id | None = msgspec.field(name="from", default=None)
    before: Millis | None = None
    after: Millis | None = None
    limit: Limit = 20
    page: Annotated[str, Meta(max_length=128)] | None = None


class Auth(ClientPayload, frozen=True):
    """A fresh token for this connection."""

    token: Token
