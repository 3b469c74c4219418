"""What a database server needs: how far each writer is, names compared alike, search."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from talkbot_tui.server.storage.words import vector

revision = "0004"
down_revision: str | None = "0003"

_STEP = 1000


def upgrade() -> None:
    """Make the table; on PostgreSQL give every text the order of its code points."""
    op.create_table(
        "writer_mark",
        sa.Column("writer", sa.String(length=64), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("writer"),
    )
    if op.get_bind().dialect.name == "postgresql":
        _compare_by_code_point()
        _search()


def _compare_by_code_point() -> None:
    """As SQLite does; and an index in a language's order is worthless after its next update."""
    bind = op.get_bind()
    look = sa.inspect(bind)
    preparer = bind.dialect.identifier_preparer
    for table in look.get_table_names():
        changes = []
        for column in look.get_columns(table):
            if not isinstance(column["type"], (sa.String, sa.Text)) or table == "alembic_version":
                continue
            # A name of 64 letters can look like one of more than 256.
            kind = "TEXT" if column["name"] == "skeleton" else column["type"].compile(bind.dialect)
            kind = kind.partition(" COLLATE")[0]
            name = preparer.quote(column["name"])
            changes.append(f'ALTER COLUMN {name} TYPE {kind} COLLATE "C"')
        if changes:
            op.execute(f"ALTER TABLE {preparer.quote(table)} {', '.join(changes)}")


def _search() -> None:
    op.execute(
        "CREATE TABLE message_text ("
        " number BIGINT PRIMARY KEY REFERENCES message (number) ON DELETE CASCADE,"
        " words TSVECTOR NOT NULL)"
    )
    bind = op.get_bind()
    message = sa.table(
        "message",
        sa.column("number"),
        sa.column("text"),
        sa.column("deleted"),
        sa.column("streaming"),
    )
    done = 0
    while True:
        rows = bind.execute(
            sa.select(message.c.number, message.c.text)
            .where(message.c.number > done, sa.not_(message.c.deleted))
            .where(sa.not_(message.c.streaming))
            .order_by(message.c.number)
            .limit(_STEP)
        ).all()
        if not rows:
            break
        done = rows[-1][0]
        bind.execute(
            sa.text("INSERT INTO message_text VALUES (:number, CAST(:words AS tsvector))"),
            [{"number": number, "words": vector(text)} for number, text in rows],
        )
    op.execute("CREATE INDEX message_text_words ON message_text USING gin (words)")
