"""Open the chat, with the account that is signed in here; without one, ask."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.client.accounts import Account, Accounts
    from talkbot_tui.config import Settings
    from talkbot_tui.ui.port import EnginePort, SignIn, SignInForm

_ = i18n.Domain("cli")

HELP = "open the chat"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which account, and how it looks."""
    parser.add_argument("--server", metavar="URL", default="", help=_("address of the server"))
    parser.add_argument(
        "--user", metavar="NAME", default="", help=_("account, if there are several")
    )
    parser.add_argument("--theme", metavar="NAME", default="", help=_("night, day or ansi"))
    parser.add_argument(
        "--allow-insecure", action="store_true", help=_("allow plain http to another machine")
    )


def require_terminal() -> None:
    """Raise `Problem` (NO_TERMINAL) where the app could not draw."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        why = _("the chat needs a terminal, and this is none")
    elif os.environ.get("TERM", "") in ("", "dumb"):
        why = _("the chat needs a terminal that can move its cursor, and TERM says that it cannot")
    else:
        return
    hint = _("use talkbot-tui send and talkbot-tui tail instead")
    raise Problem(f"{why}; {hint}", exit_codes.NO_TERMINAL)


def settings_of(args: argparse.Namespace) -> Settings:
    """The configuration file's settings, and the command line's over them."""
    from pathlib import Path

    from talkbot_tui import config, paths
    from talkbot_tui.ui import commands

    named = getattr(args, "config", None)
    try:
        settings = config.load(Path(named) if named else paths.config_file())
        commands.check_keys(settings.keys)
    except (config.ConfigError, commands.KeymapError) as error:
        raise Problem(str(error), exit_codes.USAGE) from None
    if settings.language and not getattr(args, "lang", None):
        i18n.set_language(settings.language)
    return replace(
        settings,
        server=getattr(args, "server", "") or settings.server,
        user=getattr(args, "user", "") or settings.user,
        theme=getattr(args, "theme", "") or settings.theme,
        allow_insecure=getattr(args, "allow_insecure", False) or settings.allow_insecure,
    )


def run(args: argparse.Namespace) -> int:
    """Open the app on the account's engine, or on the login screen."""
    require_terminal()
    settings = settings_of(args)

    from talkbot_tui.client.accounts import Accounts
    from talkbot_tui.client.store import StoreError
    from talkbot_tui.ui.app import run_app
    from talkbot_tui.ui.screens.login import Given

    accounts = Accounts()
    engine = _stored(accounts, settings)
    given = Given(settings.server, settings.user)
    try:
        return run_app(engine, settings, sign_in=_sign_in(accounts, settings), given=given)
    except StoreError as error:
        raise Problem(_store_words(error.code, error.path), exit_codes.STORE) from None


def _stored(accounts: Accounts, settings: Settings) -> EnginePort | None:
    """The engine of the account that is signed in here; None when there is none."""
    from talkbot_tui.client import addresses, connect
    from talkbot_tui.client.accounts import AccountProblem
    from talkbot_tui.client.transport import Unreachable
    from talkbot_tui.ui import words

    try:
        server = settings.server and addresses.parse(settings.server, allow_insecure=True).url
        if server and (token := os.environ.get("TALKBOT_TOKEN", "")):
            return connect.open_with_token(server, token, allow_insecure=settings.allow_insecure)
        account = accounts.pick(server, settings.user)
        return connect.open_engine(account, accounts, allow_insecure=settings.allow_insecure)
    except Unreachable as error:
        raise Problem(words.unreachable(error.code, error.detail), exit_codes.USAGE) from None
    except AccountProblem as problem:
        if problem.code == "none":
            return None
        if problem.code == "unreadable":
            line = _("the list of accounts cannot be read: {detail}")
            raise Problem(line.format(detail=problem.detail), exit_codes.STORE) from None
        names = ", ".join(account.name for account in problem.accounts)
        line = _("several accounts fit: {names}; choose with --server and --user")
        raise Problem(line.format(names=names), exit_codes.USAGE) from None


def _sign_in(accounts: Accounts, settings: Settings) -> SignIn:
    """How the login screen signs in."""
    from talkbot_tui.client import addresses, connect
    from talkbot_tui.client.accounts import FILE, KEYRING, SESSION
    from talkbot_tui.client.credentials import SecretError
    from talkbot_tui.client.transport import Refused, Unreachable
    from talkbot_tui.ui import words
    from talkbot_tui.ui.port import SignInFailed

    async def keep(form: SignInForm) -> Account:
        insecure = settings.allow_insecure
        address = addresses.parse(form.server, allow_insecure=insecure)
        try:
            return await accounts.sign_in(
                address, form.user, form.password, where=KEYRING, register=form.register
            )
        except SecretError:
            where = FILE if form.in_file else SESSION
            return await accounts.sign_in(
                address, form.user, form.password, where=where, register=form.register
            )

    async def sign_in(form: SignInForm) -> EnginePort:
        try:
            account = await keep(form)
            return connect.open_engine(account, accounts, allow_insecure=settings.allow_insecure)
        except Refused as refused:
            raise SignInFailed(words.refusal(refused.code, refused.message)) from None
        except Unreachable as error:
            raise SignInFailed(words.unreachable(error.code, error.detail)) from None
        except SecretError as error:
            line = _("the sign-in could not be kept: {detail}")
            raise SignInFailed(line.format(detail=error.detail or error.code)) from None

    return sign_in


def _store_words(code: str, path: str) -> str:
    known = {
        "busy": _("{path} is in use: the chat is open in another window with this account"),
        "newer": _("{path} comes from a newer talkbot-tui; update this one"),
        "unsafe": _("{path} belongs to somebody else, or others may read it"),
        "disk_full": _("{path}: there is no space left on the disk"),
        "read_only": _("{path} cannot be written; check its permissions"),
    }
    line = known.get(code, _("{path} cannot be read; move it away to begin with an empty cache"))
    return line.format(path=path)
