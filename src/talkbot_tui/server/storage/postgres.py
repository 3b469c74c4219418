"""Opening a database on a PostgreSQL server, and refusing one that could lose what it confirmed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from talkbot_tui.server.ids import now_ms
from talkbot_tui.server.storage import faults, people
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.faults import StoreProblem
from talkbot_tui.server.storage.migrating import migrate
from talkbot_tui.server.storage.place import DatabaseOptions, parse, shown
from talkbot_tui.server.storage.postgres_writer import PostgresWriter
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.server.storage.watch import Watch

T = TypeVar("T")

LEAST_VERSION = 14
READ_TRIES = 3
GRACE_SECONDS = 1.0
COPYING = "copy_of"
"""In `meta` while the database is being filled from another one, whose epoch it holds."""

EXTRA = "pip install 'talkbot-tui[postgres]'"
_NAMES = ("postgresql", "postgres")

_FACTS = """
SELECT version(), current_setting('server_version_num')::int, pg_is_in_recovery(),
  current_setting('server_encoding'), current_setting('fsync'),
  current_setting('full_page_writes'), current_setting('synchronous_commit'),
  set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false),
  set_config('idle_in_transaction_session_timeout', %s, false),
  set_config('default_transaction_read_only', %s, false)
"""

# What the server or its client library says of a connection that was not made. There is no
# code for it; where the server speaks another language its own words are passed on.
_REFUSALS = (
    ("password authentication failed", "the user or the password is wrong"),
    ("no password supplied", "it asks for a password; give it in the address or as PGPASSWORD"),
    ("no pg_hba.conf entry", "it does not admit that user from here; see its pg_hba.conf"),
    ("role ", "the user is not known there, or may not sign in"),
    ("permission denied for database", "the user may not use that database"),
    ("database ", "there is no such database; make it with createdb"),
    ("too many", "it takes no more connections; raise max_connections or lower the readers"),
    ("remaining connection slots", "it takes no more connections; raise max_connections"),
    ("starting up", "it is starting up; try again in a moment"),
    ("shutting down", "it is shutting down"),
    ("not yet accepting connections", "it is starting up or in recovery; try again in a moment"),
    ("could not translate host name", "there is no machine of that name"),
    ("failed to resolve host", "there is no machine of that name"),
    ("name or service not known", "there is no machine of that name"),
    ("connection refused", "nothing listens there; is it running, are host and port right?"),
    ("no such file or directory", "nothing listens there; is it running, are host and port right?"),
    ("timeout expired", "it does not answer; are host, port and firewall right?"),
    ("timed out", "it does not answer; are host, port and firewall right?"),
)


class PostgresDatabase(Database):
    """The same, with readers that survive the loss of their connections."""

    def __init__(
        self, writing: sa.Engine, reading: sa.Engine, options: DatabaseOptions, watch: Watch
    ) -> None:
        """Take all over."""
        super().__init__(
            writing, reading, PostgresWriter(writing, options.reconnect), options.readers
        )
        self._patience = options.reconnect
        self._watch = watch

    def close(self) -> None:
        """Finish what is queued, then close; blocks."""
        super().close()
        self._watch.close()

    def ask(self, question: Callable[[Tx], T]) -> T:
        """Run `question` on a snapshot, again when the connection breaks; in the calling thread.

        Raises `Refused` (busy) when the server does not answer.
        """
        deadline = time.monotonic() + self._patience
        for attempt in range(READ_TRIES):
            try:
                with self._reading.connect() as connection:
                    try:
                        return question(Tx(connection, now_ms()))
                    finally:
                        if not connection.invalidated:
                            connection.rollback()
            except (sa.exc.SQLAlchemyError, StoreProblem) as error:
                fault = faults.of_postgres(error)
                late = attempt == READ_TRIES - 1 or time.monotonic() > deadline
                if late or not (fault.lost or fault.again):
                    raise fault.refusal from error
                # Its other connections are gone as well; the pool makes new ones.
                time.sleep(0.05 * attempt)
        raise AssertionError


def open_postgres(text: str, options: DatabaseOptions, *, copying: bool = False) -> Database:
    """Open, and where needed make or migrate, the tables in that database.

    copying: by whoever copies a server's data into it; until then nobody else may use it.
    Raises `StoreProblem`: one line that names the place, without user and password.
    """
    url = _ours(text)
    name = shown(url)
    watch = Watch(options.statement + GRACE_SECONDS)
    try:
        writing = _engine(url, options, 1, "READ COMMITTED", watch, read_only=False)
        reading = _engine(url, options, options.readers, "REPEATABLE READ", watch, read_only=True)
        migrate(writing, name)
        if not copying:
            _refuse_half(reading, name)
    except StoreProblem:
        watch.close()
        raise
    except (sa.exc.NoSuchModuleError, ImportError) as error:
        watch.close()
        raise StoreProblem(f"{name}: there is no driver for it here ({error}); {EXTRA}") from None
    except sa.exc.DBAPIError as error:
        watch.close()
        raise StoreProblem(f"{name}: {_reason(error)}") from None
    return PostgresDatabase(writing, reading, options, watch)


def _refuse_half(engine: sa.Engine, name: str) -> None:
    with engine.connect() as connection:
        if people.get_meta(Tx(connection, now_ms()), COPYING) is not None:
            raise StoreProblem(
                f"{name}: a copy into it was not finished; call admin migrate-store again"
            )


def _ours(text: str) -> sa.URL:
    url = parse(text)
    if url.get_backend_name() == "sqlite":
        # Ours has settings without which a message that was acknowledged could be lost.
        raise StoreProblem("TALKBOT_DATABASE_URL: for SQLite name the folder with --data-dir")
    backend, _, driver = url.drivername.partition("+")
    if backend not in _NAMES or driver not in ("", "psycopg"):
        raise StoreProblem(
            f"TALKBOT_DATABASE_URL: {shown(url)}: there is no driver for it here; "
            "it begins with postgresql://"
        )
    return url.set(drivername="postgresql+psycopg")


def _engine(
    url: sa.URL,
    options: DatabaseOptions,
    connections: int,
    isolation: str,
    watch: Watch,
    *,
    read_only: bool,
) -> sa.Engine:
    wanted: dict[str, Any] = {
        "application_name": "talkbot-tui",
        "connect_timeout": max(1, round(options.connect)),
        # A peer that is gone without a word is noticed in 15 s.
        "keepalives_idle": 5,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": 15_000,
    }
    engine = sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=options.statement,
        isolation_level=isolation,
        connect_args={name: value for name, value in wanted.items() if name not in url.query},
    )

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, record: object) -> None:
        # Each time: behind the same address there may be another server after an outage.
        settings = [
            str(round(seconds * 1000))
            for seconds in (options.statement, options.lock, options.idle)
        ]
        watch.begin(connection)
        mode = connection.autocommit
        connection.autocommit = True
        facts = connection.execute(_FACTS, [*settings, "on" if read_only else "off"]).fetchone()
        connection.autocommit = mode
        _refuse_unsafe(shown(url), *facts[:7])

    watch.over(engine)
    return engine


def _refuse_unsafe(
    name: str,
    version: str,
    number: int,
    recovering: bool,
    encoding: str,
    fsync: str,
    full_pages: str,
    commits: str,
) -> None:
    problem = ""
    if not version.startswith("PostgreSQL "):
        problem = f"is no PostgreSQL but {' '.join(version.split()[:2])}"
    elif number < LEAST_VERSION * 10_000:
        problem = f"is PostgreSQL {number // 10_000}; update it to {LEAST_VERSION} or newer"
    elif recovering:
        problem = "is in recovery (a standby, or not yet restored); name the primary server"
    elif encoding != "UTF8":
        problem = f"has the encoding {encoding}; make the database with ENCODING 'UTF8'"
    elif fsync == "off":
        problem = "runs with fsync=off, which loses messages when the power goes; set it on"
    elif full_pages == "off":
        problem = "runs with full_page_writes=off, which tears pages when the power goes; set it on"
    elif commits == "off":
        problem = (
            "runs with synchronous_commit=off, which loses messages that were confirmed; "
            "set it on for this user or the database"
        )
    if problem:
        raise StoreProblem(f"{name}: {problem}")


def _reason(error: sa.exc.DBAPIError) -> str:
    said = " ".join(str(error.orig).split())
    state = getattr(error.orig, "sqlstate", None) or ""
    if state == "55P03":
        return "another node has been migrating it for two minutes; wait for it"
    if state == "42501":
        return f"the user may not make tables there ({said})"
    small = said.lower()
    for words, meaning in _REFUSALS:
        if words in small and not state:
            return f"{meaning} ({said})"
    return f"cannot be used: {said}"
