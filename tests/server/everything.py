"""All that a store holds, as one text: what was erased must not be in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.tx import Tx


def everything(store: Database) -> str:
    """What lies in the store's file, or in the tables of its database."""
    url = store._engines[0].url
    if url.get_backend_name() == "sqlite":
        folder = Path(url.database or "").parent
        store.close()
        return "".join(path.read_bytes().decode("latin-1") for path in folder.iterdir())

    def rows(tx: Tx) -> list[Any]:
        tables = sa.inspect(tx.sql).get_table_names()
        assert "message_text" in tables
        return [tx.sql.execute(sa.text(f"TABLE {name}")).all() for name in tables]

    return str(store.ask(rows))
