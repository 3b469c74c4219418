"""What may be set on a server; every value has a default that suits a small team."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from talkbot_tui.server.nodes.place import RedisPlace
from talkbot_tui.server.storage.place import DatabaseOptions
from talkbot_tui.wire.acks import Limits

if TYPE_CHECKING:
    from talkbot_tui.server.outside import OutsideProvider

Registration = Literal["open", "invite", "closed"]


class ConfigProblem(ValueError):
    """A setting cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Settings of one server process.

    data_dir: folder of the database and the signing key, made 0700.
    port: 0 takes a free one.
    default_channel: name of the first public channel; empty picks one by language.
    language: `en` or `pt_BR`, decides that name at the first start.
    database_url: address of a PostgreSQL database; empty takes the file in `data_dir`.
    database_told: who named it, to be shown, without a password.
    database: how it is used.
    redis: where servers of one database tell each other what happens; None without.
    greeter: name of the bot with which each new person gets a direct conversation.
    secret: signing key of access tokens; empty takes the one in `data_dir`.
    outside: an identity provider whose tokens are taken besides the server's own.
    tls_certificate, tls_key: files in PEM; with them it speaks TLS only.
    origins: browser origins that may connect; none by default.
    trusted_proxies: addresses and networks (CIDR) whose `X-Forwarded-For` is believed.
    password_memory_kib, password_rounds: argon2id's cost; lower it in tests only.
    pace_…: how fast the events of one user are read.
    address_requests_…, registrations_…: over HTTP, of one address.
    events_…: of one user. address_events_…: of all connections of one address; a team may
        sit behind one.
    failures_max, address_failures_max: sign-ins in vain within `failures_seconds`, of one
        address for one name and for all names.
    handshakes_per_address: connections that have not signed in yet.
    address_connections_…: connections opened by one address.
    bot_factor: how many times more messages than a person a bot may send.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 0
    default_channel: str = ""
    language: str = "en"
    registration: Registration = "open"
    database_url: str = field(default="", repr=False)
    database_told: str = ""
    database: DatabaseOptions = field(default_factory=DatabaseOptions)
    redis: RedisPlace | None = None
    greeter: str = ""
    secret: bytes = b""
    outside: OutsideProvider | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    password_memory_kib: int = 19456
    password_rounds: int = 2
    access_seconds: int = 15 * 60
    refresh_days: int = 30
    limits: Limits = field(default_factory=Limits)
    bot_factor: int = 10
    failures_max: int = 10
    address_failures_max: int = 1000
    failures_seconds: int = 15 * 60
    ping_interval: int = 15
    ping_timeout: int = 10
    handshake_seconds: float = 10.0
    handshakes_per_address: int = 20
    address_connections_per_second: float = 20.0
    address_connections_burst: int = 1000
    connections_per_user: int = 50
    send_buffer_bytes: int = 1024 * 1024
    queue_max: int = 256
    pace_per_second: float = 300.0
    pace_burst: int = 100
    events_per_second: float = 200.0
    events_burst: int = 2000
    address_events_per_second: float = 4000.0
    address_events_burst: int = 40_000
    address_requests_per_second: float = 50.0
    address_requests_burst: int = 1000
    registrations_per_second: float = 0.2
    registrations_burst: int = 200
    presence_grace_seconds: float = 5.0
    presence_flush_seconds: float = 1.0
    stream_flush_seconds: float = 0.1
    checkpoint_seconds: float = 1.0
    poll_seconds: float = 2.0
    drain_seconds: float = 2.0
