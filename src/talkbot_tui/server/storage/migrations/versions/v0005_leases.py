"""What several nodes agree on: who lives, who is there, who does what is done once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    """Make the tables; on PostgreSQL texts compare by code point, as everywhere."""
    _nodes()
    _memory()


def _text(length: int) -> sa.String:
    collation = "C" if op.get_bind().dialect.name == "postgresql" else None
    return sa.String(length=length, collation=collation)


def _long() -> sa.Text:
    return sa.Text(collation="C" if op.get_bind().dialect.name == "postgresql" else None)


def _nodes() -> None:
    op.create_table(
        "node",
        sa.Column("node_id", _text(64), nullable=False),
        sa.Column("name", _text(128), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node_id"),
    )
    op.create_table(
        "node_presence",
        sa.Column("user_id", _text(64), nullable=False),
        sa.Column("node_id", _text(64), nullable=False),
        sa.Column("status", _text(16), nullable=False),
        sa.Column("text", _long(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["node.node_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "node_id"),
    )
    op.create_index("node_presence_by_node", "node_presence", ["node_id"])
    op.create_table(
        "lease",
        sa.Column("name", _text(64), nullable=False),
        sa.Column("holder", _text(64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "growing",
        sa.Column("server_msg_id", _text(64), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("server_msg_id"),
    )


def _memory() -> None:
    """What TalkBot remembers, where it may run on another node tomorrow."""
    op.create_table(
        "fact",
        sa.Column("name", _text(255), nullable=False),
        sa.Column("value", _long(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "reminder",
        sa.Column("id", _text(64), nullable=False),
        sa.Column("conversation_id", _text(64), nullable=False),
        sa.Column("name", _text(64), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("text", _long(), nullable=False),
        sa.Column("language", _text(16), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "poll",
        sa.Column("server_msg_id", _text(64), nullable=False),
        sa.Column("conversation_id", _text(64), nullable=False),
        sa.Column("question", _long(), nullable=False),
        sa.Column("options", _long(), nullable=False),
        sa.Column("language", _text(16), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("server_msg_id"),
    )
    op.create_table(
        "vote",
        sa.Column("server_msg_id", _text(64), nullable=False),
        sa.Column("user_id", _text(64), nullable=False),
        sa.Column("choice", sa.BigInteger(), nullable=False),
        sa.Column("by_reaction", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("server_msg_id", "user_id"),
    )
    op.create_table(
        "answered",
        sa.Column("server_msg_id", _text(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("server_msg_id"),
    )
