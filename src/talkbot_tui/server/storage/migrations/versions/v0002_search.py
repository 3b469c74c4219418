"""Full text search over the messages."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Make the index and fill it from what is there."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute(
        "CREATE VIRTUAL TABLE message_text USING fts5"
        "(text, tokenize = 'unicode61 remove_diacritics 2')"
    )
    op.execute(
        "INSERT INTO message_text (rowid, text)"
        " SELECT number, text FROM message WHERE NOT deleted AND NOT streaming"
    )
