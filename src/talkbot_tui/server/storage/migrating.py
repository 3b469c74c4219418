"""The numbered migrations: one transaction, however many nodes start at once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from talkbot_tui.server.storage.faults import StoreProblem

_MIGRATIONS = Path(__file__).with_name("migrations")
_VERSION = "alembic_version"
# Names our lock among those of other programs in the same database.
_LOCK = 0x74616C6B626F7401
_LOCK_MS = 120_000
"""How long a node waits for the one that migrates."""


def versions() -> list[str]:
    """The steps, newest first."""
    return [script.revision for script in _scripts().walk_revisions()]


def refuse_newer(version: str, name: str) -> None:
    """Raise `StoreProblem` for a step that this version does not have."""
    if version not in versions():
        raise StoreProblem(
            f"{name}: was written by a newer version (step {version}); update talkbot-tui"
        )


def migrate(engine: sa.Engine, name: str, target: str = "head") -> None:
    """Bring a database to that step; `name` is for messages.

    Raises `StoreProblem` for a newer one, and on a database server for one with other tables.
    """
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_MS}")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            _refuse_foreign(connection, name)
        version = _version(connection)
        if version:
            refuse_newer(version, name)
        if version != versions()[0] or target != "head":
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, target)
        connection.commit()


def _refuse_foreign(connection: sa.Connection, name: str) -> None:
    tables = set(sa.inspect(connection).get_table_names())
    if tables and not {_VERSION, "user_account"} <= tables:
        raise StoreProblem(
            f"{name}: holds tables of another program; make a database of its own for the chat"
        )


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(_VERSION):
        return None
    table = sa.table(_VERSION, sa.column("version_num"))
    found: str | None = connection.scalar(sa.select(table.c.version_num))
    return found


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
