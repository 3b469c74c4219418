"""Where the Redis is over which servers of one database tell each other what happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from talkbot_tui.server.secret_file import secret_in

URL = "TALKBOT_REDIS_URL"
PASSWORD_FILE = "TALKBOT_REDIS_PASSWORD_FILE"
CA_FILE = "TALKBOT_REDIS_CA_FILE"
_PORT = 6379
_SENTINEL_PORT = 26379
_SCHEMES = {
    "redis": (False, False),
    "rediss": (True, False),
    "redis+sentinel": (False, True),
    "rediss+sentinel": (True, True),
}
_SHAPE = (
    "it looks like redis://USER:PASSWORD@HOST:PORT, rediss://… for TLS, or "
    "redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/SERVICE"
)


class BusProblem(Exception):
    """The bus cannot be used as it is configured; the text is one complete line."""


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """One Redis, or several of which one is used at a time.

    hosts: (host, port) of the servers, the nodes of a cluster, or the sentinels. service: the
    name by which the sentinels know the server; empty without sentinels. ca_file: whom to
    trust besides the system's authorities. told: to be shown, without the password.
    """

    hosts: tuple[tuple[str, int], ...]
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    service: str = ""
    ca_file: str = ""
    told: str = ""


def redis_place(environ: Mapping[str, str], sources: Mapping[str, str]) -> RedisPlace | None:
    """The Redis that `environ` names; `sources` tells where each variable comes from.

    Raises `BusProblem`, which repeats nothing of what may be secret.
    """
    text = environ.get(URL, "").strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        hosts = _hosts(parts.netloc.rpartition("@")[2], parts.scheme.endswith("+sentinel"))
    except ValueError:
        raise BusProblem(f"{URL}: not an address of a Redis; {_SHAPE}") from None
    if parts.scheme not in _SCHEMES:
        raise BusProblem(f"{URL}: not an address of a Redis; {_SHAPE}")
    tls, sentinel = _SCHEMES[parts.scheme]
    path = unquote(parts.path.strip("/"))
    if sentinel and not path:
        raise BusProblem(f"{URL}: which service do the sentinels watch? {_SHAPE}")
    if not sentinel and path not in ("", "0"):
        # What is told there reaches all of its databases; a number would promise more.
        raise BusProblem(f"{URL}: it has no database to choose; leave out /{path[:20]}")
    if parts.query or parts.fragment:
        raise BusProblem(f"{URL}: takes no options; a file of authorities goes into {CA_FILE}")
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    password_file = environ.get(PASSWORD_FILE, "").strip()
    try:
        password = unquote(password) or (
            secret_in(PASSWORD_FILE, password_file) if password_file else ""
        )
    except ValueError as error:
        raise BusProblem(str(error)) from None
    ca_file = environ.get(CA_FILE, "").strip()
    if ca_file and not Path(ca_file).is_file():
        raise BusProblem(f"{CA_FILE}: {ca_file}: there is no such file")
    named = ", ".join(f"{host}:{port}" for host, port in hosts)
    told = f"{parts.scheme}://{named}{'/' + path if sentinel else ''}"
    source = sources.get(URL, "environment")
    return RedisPlace(
        hosts, unquote(user), password, tls, path if sentinel else "", ca_file,
        f"{told} ({URL}, {source}; password {'given' if password else 'not given'})",
    )  # fmt: skip


def _hosts(text: str, sentinel: bool) -> tuple[tuple[str, int], ...]:
    found = []
    for part in text.split(","):
        one = urlsplit(f"//{part}")
        if not one.hostname:
            raise ValueError(part)
        found.append((one.hostname, one.port or (_SENTINEL_PORT if sentinel else _PORT)))
    return tuple(found)
