"""Wiring: an engine for an account, with its store, its tokens and its connection."""

from __future__ import annotations

import hashlib
from pathlib import Path

from talkbot_tui.client import addresses
from talkbot_tui.client.accounts import Account, Accounts
from talkbot_tui.client.connector import SocketIoConnector
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.memory import FixedToken, MemoryStore
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.client.store import Store
from talkbot_tui.client.transport import TokenSource
from talkbot_tui.paths import data_folder

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
    transports: tuple[str, ...] = BOTH,
) -> Engine:
    """The engine of a signed-in account, not started yet.

    headless: use the commands' own outbox. keep: on disk, or only in memory.
    Raises `Unreachable` (insecure_url) for plain http to another machine.
    """
    folder = accounts.profile(account)
    return build(
        account.server,
        accounts.tokens(account),
        store=store_in(folder, headless=headless) if keep else MemoryStore(),
        allow_insecure=allow_insecure,
        transports=transports,
    )


def open_with_token(
    server_url: str,
    token: str,
    *,
    allow_insecure: bool = False,
    headless: bool = False,
    keep: bool = True,
    folder: Path | None = None,
    transports: tuple[str, ...] = BOTH,
) -> Engine:
    """The engine for a personal token, or any other that is not ours to renew.

    folder: where the cache lies; by default one named after a hash of the token.
    """
    if folder is None:
        digest = hashlib.sha256(f"{server_url} {token}".encode()).hexdigest()[:16]
        folder = data_folder() / "profiles" / f"token-{digest}"
    return build(
        server_url,
        FixedToken(token),
        store=store_in(folder, headless=headless) if keep else MemoryStore(),
        allow_insecure=allow_insecure,
        transports=transports,
    )


def build(
    server_url: str,
    tokens: TokenSource,
    *,
    store: Store,
    allow_insecure: bool = False,
    transports: tuple[str, ...] = BOTH,
) -> Engine:
    """An engine over Socket.IO, with a store of the caller's choice; not started yet."""
    address = addresses.parse(server_url, allow_insecure=allow_insecure)
    connector = SocketIoConnector(address, tokens, transports=transports)
    return Engine(store=store, connector=connector)


def store_in(folder: Path, *, headless: bool = False) -> SqliteStore:
    """The cache in `folder`, or the commands' own beside it."""
    if headless:
        return SqliteStore(folder / HEADLESS, wait_s=HEADLESS_WAIT_S)
    return SqliteStore(folder)
