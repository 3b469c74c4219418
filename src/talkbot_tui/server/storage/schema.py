"""The tables as the code uses them; `migrations/` holds how a database gets there."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

# SQLite numbers a row by itself only when the column is a plain INTEGER.
Serial = BigInteger().with_variant(Integer, "sqlite")

# What a name of 64 letters looks like can be longer than 256; SQLite does not count.
Look = String(256).with_variant(Text(), "postgresql")

meta = Table("meta", metadata, Column("key", String(64), primary_key=True), Column("value", Text))

user = Table(
    "user_account",
    metadata,
    Column("user_id", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("skeleton", Look, nullable=False, unique=True),
    Column("display_name", String(128), nullable=False, server_default=""),
    Column("bot", Boolean, nullable=False),
    Column("password_hash", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Column("last_seen", BigInteger, nullable=False, server_default="0"),
    Index("user_by_name", "name"),
)

session = Table(
    "session",
    metadata,
    Column("session_id", String(64), primary_key=True),
    Column("user_id", ForeignKey("user_account.user_id"), nullable=False),
    Column("client", String(128), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index("session_by_user", "user_id"),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("session_id", ForeignKey("session.session_id"), nullable=False),
    Column("parent", String(64)),
    Column("created_at", BigInteger, nullable=False),
    Column("rotated_at", BigInteger),
    Column("closed", Boolean, nullable=False),
    Index("refresh_by_session", "session_id"),
)

personal_token = Table(
    "personal_token",
    metadata,
    Column("token_id", String(64), primary_key=True),
    Column("user_id", ForeignKey("user_account.user_id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index("personal_by_user", "user_id"),
)

# Who an outside identity provider means by a subject. By its name alone nobody becomes the owner
# of an account that is there already.
outside_identity = Table(
    "outside_identity",
    metadata,
    Column("issuer", String(512), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("user_id", ForeignKey("user_account.user_id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# Every process that holds connections reads this list, so that a revocation
# made by another one (`admin`, a second node) closes them too.
revocation = Table(
    "revocation",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=True),
    Column("user_id", String(64), nullable=False),
    Column("session_id", String(64)),
    Column("at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

invite = Table(
    "invite",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("uses_left", Integer, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

conversation = Table(
    "conversation",
    metadata,
    Column("conversation_id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("visibility", String(16), nullable=False),
    Column("name", String(64), nullable=False),
    Column("skeleton", Look, unique=True),
    Column("topic", Text, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("pair", String(160), unique=True),
    Column("head_seq", BigInteger, nullable=False),
    Column("member_count", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("conversation_by_name", "kind", "visibility", "name"),
)

member = Table(
    "member",
    metadata,
    Column("conversation_id", ForeignKey("conversation.conversation_id"), primary_key=True),
    Column("user_id", ForeignKey("user_account.user_id"), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("joined_at", BigInteger, nullable=False),
    Column("read_seq", BigInteger, nullable=False),
    Index("member_by_user", "user_id"),
)

event = Table(
    "event",
    metadata,
    Column("conversation_id", ForeignKey("conversation.conversation_id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("type", String(16), nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("sender_id", ForeignKey("user_account.user_id"), nullable=False),
    Column("server_msg_id", String(64)),
    Column("body", Text),
)

message = Table(
    "message",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=True),
    Column("server_msg_id", String(64), nullable=False, unique=True),
    Column("conversation_id", ForeignKey("conversation.conversation_id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("sender_id", ForeignKey("user_account.user_id"), nullable=False),
    Column("client_msg_id", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("mentions", Text, nullable=False),
    Column("reply_to", String(64)),
    Column("format", String(16)),
    Column("revision", Integer, nullable=False),
    Column("changed_seq", BigInteger),
    Column("streaming", Boolean, nullable=False),
    Column("outcome", String(16)),
    Column("deleted", Boolean, nullable=False),
    UniqueConstraint("sender_id", "client_msg_id", name="message_once"),
    # Also answers "how many unread" without touching the rows.
    Index("message_by_place", "conversation_id", "seq", "sender_id", "deleted"),
    Index(
        "message_streaming",
        "number",
        sqlite_where=text("streaming"),
        postgresql_where=text("streaming"),
    ),
    sqlite_autoincrement=True,
)

mention = Table(
    "mention",
    metadata,
    Column("user_id", ForeignKey("user_account.user_id"), primary_key=True),
    Column("server_msg_id", String(64), primary_key=True),
    Column("conversation_id", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Index("mention_by_place", "user_id", "conversation_id", "seq"),
    Index("mention_by_message", "server_msg_id"),
)

reaction = Table(
    "reaction",
    metadata,
    Column("server_msg_id", String(64), primary_key=True),
    Column("user_id", ForeignKey("user_account.user_id"), primary_key=True),
    Column("emoji", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

# The first answer to each durable request, given again to every repeat, for ever.
operation = Table(
    "operation",
    metadata,
    Column("user_id", ForeignKey("user_account.user_id"), primary_key=True),
    Column("client_op_id", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# The last transaction of each writer: after a lost connection it tells which commit counts.
writer_mark = Table(
    "writer_mark",
    metadata,
    Column("writer", String(64), primary_key=True),
    Column("batch", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# The servers that use the database now, by leases that they renew; times by the database's clock.
node = Table(
    "node",
    metadata,
    Column("node_id", String(64), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("renewed_at", BigInteger, nullable=False),
)

# Who is connected to which of them; a row counts as long as its node's lease does.
node_presence = Table(
    "node_presence",
    metadata,
    Column("user_id", String(64), primary_key=True),
    Column("node_id", ForeignKey("node.node_id", ondelete="CASCADE"), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Index("node_presence_by_node", "node_id"),
)

# What only one server does at a time.
lease = Table(
    "lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
)

# Growing messages that a server still hears of.
growing = Table(
    "growing",
    metadata,
    Column("server_msg_id", String(64), primary_key=True),
    Column("renewed_at", BigInteger, nullable=False),
)

PASSING = (writer_mark, node, node_presence, lease, growing)
"""What tells of running servers only, and is no part of a copy."""

# What TalkBot remembers where servers share a database; with one server it has a file of its own.
fact = Table(
    "fact",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("value", Text, nullable=False),
)
reminder = Table(
    "reminder",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("conversation_id", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("language", String(16), nullable=False),
)
poll = Table(
    "poll",
    metadata,
    Column("server_msg_id", String(64), primary_key=True),
    Column("conversation_id", String(64), nullable=False),
    Column("question", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("language", String(16), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
vote = Table(
    "vote",
    metadata,
    Column("server_msg_id", String(64), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("choice", BigInteger, nullable=False),
    Column("by_reaction", BigInteger, nullable=False),
)
answered = Table(
    "answered",
    metadata,
    Column("server_msg_id", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
)
