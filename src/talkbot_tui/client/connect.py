"""Wiring: an engine for an account, with its store, its tokens and its connection."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from talkbot_tui.client import addresses
from talkbot_tui.client.accounts import Account, Accounts
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.late import LateConnector
from talkbot_tui.client.memory import FixedToken, MemoryStore
from talkbot_tui.client.sqlite_store import CACHE, SqliteStore
from talkbot_tui.client.store import Store
from talkbot_tui.client.transport import Connector, TokenSource
from talkbot_tui.paths import data_folder

if TYPE_CHECKING:
    from talkbot_tui.client.dialects.foreign import ForeignDialect

BOTH = ("websocket", "polling")
HEADLESS = "headless"
"""Commands keep their outbox in a profile of their own, so that they never wait for the app."""

HEADLESS_WAIT_S = 60.0


def open_engine(
    account: Account,
    accounts: Accounts,
    *,
    allow_insecure: bool = False,
    headless: bool = False,
    keep: bool = True,
    asks: bool = False,
    transports: tuple[str, ...] = BOTH,
    begin: asyncio.Event | None = None,
) -> Engine:
    """The engine of a signed-in account, not started yet.

    headless: use the commands' own outbox. keep: on disk, or only in memory.
    asks: there is somebody to ask before messages are sent that waited for long.
    begin: nothing of the network is touched before it is set; for an app's process.
    Raises `Unreachable` (insecure_url) for plain http to another machine.
    """
    folder = accounts.profile(account)
    return build(
        account.server,
        accounts.tokens(account),
        store=store_in(folder, headless=headless) if keep else MemoryStore(),
        allow_insecure=allow_insecure,
        transports=transports,
        asks=asks,
        begin=begin,
    )


def open_with_token(
    server_url: str,
    token: str,
    *,
    allow_insecure: bool = False,
    headless: bool = False,
    keep: bool = True,
    folder: Path | None = None,
    asks: bool = False,
    transports: tuple[str, ...] = BOTH,
    trusting: ssl.SSLContext | None = None,
    begin: asyncio.Event | None = None,
) -> Engine:
    """The engine for a personal token, or any other that is not ours to renew.

    folder: where the cache lies; by default one named after a hash of the token.
    asks, begin: as in `open_engine`. trusting: other authorities than `client.tls` has.
    """
    return build(
        server_url,
        FixedToken(token),
        store=store_in(folder or token_folder(server_url, token), headless=headless)
        if keep
        else MemoryStore(),
        allow_insecure=allow_insecure,
        transports=transports,
        asks=asks,
        trusting=trusting,
        begin=begin,
    )


def token_folder(server_url: str, token: str) -> Path:
    """Where the cache of a personal token lies: named after a hash, never after the token."""
    digest = hashlib.sha256(f"{server_url} {token}".encode()).hexdigest()[:16]
    return data_folder() / "profiles" / f"token-{digest}"


def profile_of(account: Account | None, accounts: Accounts, server_url: str, token: str) -> Path:
    """Where the cache of an account lies, or that of a token where there is none."""
    return accounts.profile(account) if account else token_folder(server_url, token)


def build(
    server_url: str,
    tokens: TokenSource,
    *,
    store: Store,
    allow_insecure: bool = False,
    transports: tuple[str, ...] = BOTH,
    asks: bool = False,
    trusting: ssl.SSLContext | None = None,
    begin: asyncio.Event | None = None,
) -> Engine:
    """An engine over Socket.IO, with a store of the caller's choice; not started yet.

    asks: there is somebody to ask before messages are sent that waited for long.
    begin: nothing of the network is touched before it is set; by default, the
    first attempt to connect may.
    """
    address = addresses.parse(server_url, allow_insecure=allow_insecure)

    def make(module: ModuleType) -> Connector:
        made: Connector = module.SocketIoConnector(
            address, tokens, transports=transports, trusting=trusting
        )
        return made

    connector = LateConnector(begin, tokens, make)
    return Engine(store=store, connector=connector, asks=asks)


def open_foreign(
    server_url: str,
    dialect: ForeignDialect,
    *,
    allow_insecure: bool = False,
    transports: tuple[str, ...] = BOTH,
    begin: asyncio.Event | None = None,
    step_s: float = 10.0,
) -> Engine:
    """An engine for somebody else's server, which keeps nothing on disk; not started yet.

    begin: as in `build`. step_s: how long a login, or joining a room, may take.
    Raises `Unreachable` for an address that may not be used.
    """
    address = addresses.parse(server_url, allow_insecure=allow_insecure)

    def make(module: ModuleType) -> Connector:
        made: Connector = module.ForeignConnector(
            address, dialect, transports=transports, step_s=step_s
        )
        return made

    # Such a server says nothing about what was missed: what was on the disk could not be told
    # from what is true now.
    store = MemoryStore(dialect.state.me, dialect.epoch)
    name = "talkbot_tui.client.foreign_connector"
    connector = LateConnector(begin, FixedToken(""), make, name)
    return Engine(store=store, connector=connector, dialect=dialect, asks=True, lasting=False)


def store_in(folder: Path, *, headless: bool = False) -> SqliteStore:
    """The cache in `folder`, or the commands' own beside it."""
    if headless:
        return SqliteStore(folder / HEADLESS, wait_s=HEADLESS_WAIT_S)
    return SqliteStore(folder)


def cache_in(folder: Path) -> Path:
    """The file of the cache in `folder`."""
    return folder / CACHE
