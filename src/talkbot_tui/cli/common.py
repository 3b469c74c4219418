"""What the commands share: options, the account meant, an engine that is online, output."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from talkbot_tui import config, i18n, logs, paths
from talkbot_tui.cli import exit_codes, wording
from talkbot_tui.cli.problems import Problem
from talkbot_tui.client import addresses, connect, tls
from talkbot_tui.client.account_api import AccountApi
from talkbot_tui.client.accounts import Account, AccountProblem, Accounts
from talkbot_tui.client.credentials import SecretError
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.store import StoreError
from talkbot_tui.client.transport import REASONS, Refused, Unreachable
from talkbot_tui.core.link import LinkState
from talkbot_tui.core.text import clean_name, escaped

_ = i18n.Domain("cli")

T = TypeVar("T")

WAIT_S = 15.0
_NAMES = "unknown_host refused tls no_tls proxy not_socketio network http_error keyring"
HOPELESS = frozenset(_NAMES.split())
"""Without a wish to wait, these end a command at the first attempt."""

_CODES = {words: code for code, words in REASONS.items()}


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a command acts as.

    Attributes:
        server: the server's address.
        account: the signed-in account, None with a token.
        token: a personal token, "" with an account.
    """

    server: str
    account: Account | None
    token: str
    accounts: Accounts
    allow_insecure: bool


def run(work: Coroutine[Any, Any, T], target: Callable[[], str] = lambda: "") -> T:
    """Run `work` to its end; what the client raises becomes a `Problem`."""
    logs.configure("warning")
    try:
        return asyncio.run(work)
    except Unreachable as error:
        raise wording.unreachable(error.code, target() or error.detail) from None
    except Refused as error:
        raise wording.refused(error.code, clean_name(error.message), target()) from None
    except StoreError as error:
        raise wording.store(error.code, error.path) from None
    except SecretError as error:
        raise wording.secret(error.code, error.detail) from None
    except AccountProblem as error:
        raise account_problem(error) from None


def settings(args: argparse.Namespace) -> config.Settings:
    """The configuration file's settings; its language counts unless another one was asked for."""
    try:
        chosen = config.load(config_path(args), named=bool(getattr(args, "config", None)))
    except config.ConfigError as error:
        raise Problem(str(error), exit_codes.USAGE) from None
    if chosen.language and not getattr(args, "lang", None):
        i18n.set_language(chosen.language)
    if os.environ.get("SSLKEYLOGFILE"):
        # Python's TLS obeys it silently; a token on its way is worth a line.
        text = _("talkbot-tui: SSLKEYLOGFILE is set: who reads {path} can read what you send")
        sys.stderr.write(escaped(text.format(path=os.environ["SSLKEYLOGFILE"])) + "\n")
    named = getattr(args, "ca_file", None) or os.environ.get("TALKBOT_CA_FILE") or chosen.ca_file
    try:
        tls.trust(Path(named).expanduser() if named else "")
    except tls.UnusableAuthorities as error:
        raise Problem(str(error), exit_codes.USAGE) from None
    return chosen


def config_path(args: argparse.Namespace) -> Path:
    """The configuration file that is meant."""
    named = getattr(args, "config", None)
    return Path(named) if named else paths.config_file()


def resolve(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Target:
    """The account or token that the options, the environment and the settings name."""
    chosen = settings(args)
    allow_insecure = bool(args.allow_insecure or chosen.allow_insecure)
    written = args.server or chosen.server
    accounts = Accounts()
    server = ""
    if written:
        try:
            server = addresses.parse(written, allow_insecure=allow_insecure).url
        except Unreachable as error:
            raise wording.unreachable(error.code, written) from None
    token = _token(args, environ)
    try:
        if token:
            server = server or _only_server(accounts)
            return Target(server, None, token, accounts, allow_insecure)
        account = accounts.pick(server, args.user or chosen.user)
    except AccountProblem as error:
        raise account_problem(error, server) from None
    return Target(account.server, account, "", accounts, allow_insecure)


def account_problem(error: AccountProblem, server: str = "") -> Problem:
    """No account, or several."""
    match error.code:
        case "none":
            text = _("you are not signed in: talkbot-tui login {url} --user NAME")
            return Problem(text.format(url=server or "URL"), exit_codes.REFUSED)
        case "ambiguous":
            names = ", ".join(f"{a.user} @ {a.server}" for a in error.accounts)
            text = _("several accounts fit, choose with --server and --user: {accounts}")
            return Problem(text.format(accounts=names), exit_codes.USAGE)
        case _:
            text = _("the list of accounts cannot be read: {detail}")
            return Problem(text.format(detail=error.detail), exit_codes.STORE)


def api_for(target: Target) -> AccountApi:
    """The HTTP side of the target's server."""
    return AccountApi(addresses.parse(target.server, allow_insecure=target.allow_insecure))


async def token_for(target: Target) -> str:
    """A token that the target's server takes; raises `Refused`, `Unreachable`."""
    if target.account is None:
        return target.token
    return (await target.accounts.tokens(target.account).token()).value


def day(ms: int) -> str:
    """A time for people who list things: local, to the minute."""
    return datetime.fromtimestamp(ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M")


def engine_for(target: Target, *, keep: bool, headless: bool = True) -> Engine:
    """An engine, not started; `keep`: with an outbox on disk, the commands' own if `headless`.

    In the app's own, what waits for an answer of its author goes on waiting.
    """
    try:
        if target.account is None:
            return connect.open_with_token(
                target.server,
                target.token,
                allow_insecure=target.allow_insecure,
                headless=headless,
                keep=keep,
                asks=not headless,
            )
        return connect.open_engine(
            target.account,
            target.accounts,
            allow_insecure=target.allow_insecure,
            headless=headless,
            keep=keep,
            asks=not headless,
        )
    except Unreachable as error:
        raise wording.unreachable(error.code, target.server) from None


@asynccontextmanager
async def running(engine: Engine) -> AsyncIterator[Engine]:
    """The engine, started, and stopped whatever happens."""
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def online(engine: Engine, url: str, wait_s: float | None = None) -> None:
    """Wait until the server has said where we are.

    Raises `Problem` when it refuses us, or after `wait_s`; without a wish, also
    at the first attempt that shows that waiting is hopeless.
    """
    seen = asyncio.Event()
    forget = engine.subscribe(lambda _changes: seen.set())
    link = engine.session.link
    code = "timeout"
    try:
        async with asyncio.timeout(WAIT_S if wait_s is None else wait_s):
            while not link.online:
                seen.clear()
                if link.state is LinkState.REFUSED:
                    raise refusal(link.code, link.reason, url)
                if link.state is LinkState.WAITING:
                    code = _CODES.get(link.reason, "lost")
                    if wait_s is None and code in HOPELESS:
                        raise wording.unreachable(code, url)
                await seen.wait()
    except TimeoutError:
        raise wording.unreachable(code, url) from None
    finally:
        forget()


def refusal(code: str, message: str, url: str) -> Problem:
    """The server, or our own rules, will not have this connection."""
    if code in REASONS and code not in ("session_revoked", "token_expired"):
        return wording.unreachable(code, url)
    return wording.refused(code, clean_name(message), url)


# --- the token ----------------------------------------------------------------------


def _token(args: argparse.Namespace, environ: Mapping[str, str]) -> str:
    named = getattr(args, "token_file", None)
    if named is None:
        return environ.get("TALKBOT_TOKEN", "").strip()
    try:
        token = sys.stdin.readline() if named == "-" else Path(named).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or _("it is not text")
        text = _("the token cannot be read from {path}: {why}")
        raise Problem(text.format(path=named, why=why), exit_codes.USAGE) from None
    if not token.strip():
        raise Problem(_("there is no token in {path}").format(path=named), exit_codes.USAGE)
    return token.strip()


def _only_server(accounts: Accounts) -> str:
    servers = {account.server for account in accounts.all()}
    if len(servers) == 1:
        return servers.pop()
    raise Problem(_("say which server the token is for: --server URL"), exit_codes.USAGE)


# --- output ---------------------------------------------------------------------------


def write_json(value: Mapping[str, Any]) -> None:
    """One object on a line of its own, at once."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def write_line(text: str) -> None:
    """One line for people, at once; the caller has cleaned foreign text."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
