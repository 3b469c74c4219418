"""Which database a server uses, as its environment names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from talkbot_tui.server.secret_file import secret_in
from talkbot_tui.server.storage.faults import StoreProblem

URL = "TALKBOT_DATABASE_URL"
HOST = "PGHOST"
PORT = "PGPORT"
USER = "PGUSER"
PASSWORD = "PGPASSWORD"
DATABASE = "PGDATABASE"
PASSWORD_FILE = "TALKBOT_DATABASE_PASSWORD_FILE"
FAMILIAR = (USER, HOST, DATABASE, PASSWORD, PORT)
"""What PostgreSQL's own programs read, too."""

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 5432
_SHAPE = "it looks like postgresql://USER:PASSWORD@HOST/DATABASE"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOptions:
    """How a database server is used; times in s.

    readers: connections for reading; one more writes. statement: the longest that one
    statement may take. lock: the longest wait for a row that somebody else changes. idle:
    how long a transaction may stand still before the server ends it. connect: the longest
    that making a connection may take. reconnect: how long a request waits for a server that
    has gone before its client is told to try again.
    """

    readers: int = 4
    statement: float = 10.0
    lock: float = 2.0
    idle: float = 10.0
    connect: float = 5.0
    reconnect: float = 3.0


LIMITS: dict[str, tuple[float, float]] = {
    "readers": (1, 100),
    "statement": (0.1, 3600),
    "lock": (0.1, 3600),
    "idle": (1, 3600),
    "connect": (1, 60),
    "reconnect": (0, 60),
}


@dataclass(frozen=True, slots=True)
class DatabasePlace:
    """A database and who said so.

    url: its address, with the password; empty for the file in the data folder. told: host,
    port, database and user, each with its source, without the password.
    """

    url: str = field(default="", repr=False)
    told: str = ""


def database_place(environ: Mapping[str, str], sources: Mapping[str, str]) -> DatabasePlace:
    """The database that `environ` names; `sources` tells where each variable comes from.

    Raises `StoreProblem`.
    """
    if environ.get(URL):
        url = parse(environ[URL])
        if url.get_backend_name() != "postgresql":
            # Refused where it is opened; there is nothing more to tell of it.
            return DatabasePlace(environ[URL], "")
        if not url.password and (password := _password_in_file(environ)):
            url = url.set(password=password)
        return DatabasePlace(
            url.render_as_string(hide_password=False),
            f"{shown(url)} ({URL}, {sources.get(URL, 'environment')})",
        )
    if not environ.get(HOST) and not environ.get(DATABASE):
        return DatabasePlace()

    def source(name: str) -> str:
        return f"{name}, {sources.get(name, 'environment')}" if environ.get(name) else "default"

    port = environ.get(PORT) or str(DEFAULT_PORT)
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise StoreProblem(f"{PORT}: {port!r} is no port; it is a number up to 65535")
    host = environ.get(HOST) or DEFAULT_HOST
    database = environ.get(DATABASE) or environ.get(USER) or ""
    if not database:
        raise StoreProblem(f"{DATABASE} is missing: which database at {host}?")
    url = sa.URL.create(
        "postgresql",
        username=environ.get(USER) or None,
        password=environ.get(PASSWORD) or _password_in_file(environ) or None,
        host=host,
        port=int(port),
        database=database,
    )
    parts = (
        f"host {host} ({source(HOST)})",
        f"port {port} ({source(PORT)})",
        f"database {database} ({source(DATABASE if environ.get(DATABASE) else USER)})",
        f"user {url.username or 'of the system'} ({source(USER)})",
        f"password {'given' if url.password else 'not given'} ({source(PASSWORD)})",
    )
    return DatabasePlace(url.render_as_string(hide_password=False), ", ".join(parts))


def _password_in_file(environ: Mapping[str, str]) -> str:
    file = environ.get(PASSWORD_FILE, "").strip()
    try:
        return secret_in(PASSWORD_FILE, file) if file else ""
    except ValueError as error:
        raise StoreProblem(str(error)) from None


def database_options(environ: Mapping[str, str]) -> DatabaseOptions:
    """`TALKBOT_DATABASE_READERS`, `TALKBOT_DATABASE_STATEMENT_SECONDS` and so on.

    Raises `StoreProblem`.
    """
    values: dict[str, float] = {}
    for name, (least, most) in LIMITS.items():
        variable = option_name(name)
        text = environ.get(variable, "").strip()
        if not text:
            continue
        try:
            value = int(text) if name == "readers" else float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise StoreProblem(f"{variable}: {text!r} is no number from {least:g} to {most:g}")
        values[name] = value
    return DatabaseOptions(**values)  # type: ignore[arg-type]  # readers was read as an int


def option_name(field_name: str) -> str:
    """The variable that sets a field of `DatabaseOptions`."""
    unit = "" if field_name == "readers" else "_SECONDS"
    return f"TALKBOT_DATABASE_{field_name.upper()}{unit}"


def parse(text: str) -> sa.URL:
    """A database's address; raises `StoreProblem`, without repeating what may be secret."""
    try:
        return sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise StoreProblem(f"{URL}: not an address of a database; {_SHAPE}") from None


def shown(url: sa.URL) -> str:
    """An address without user, password and options."""
    bare = sa.URL.create(
        url.drivername.partition("+")[0], host=url.host, port=url.port, database=url.database
    )
    return bare.render_as_string()
