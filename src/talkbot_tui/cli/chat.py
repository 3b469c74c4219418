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
    from talkbot_tui.client.accounts import Accounts
    from talkbot_tui.config import Settings
    from talkbot_tui.ui.port import EnginePort, SignIn, SignInForm

_ = i18n.Domain("cli")

HELP = i18n.N_("open the chat")


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
    # Textual reads standard input and draws on standard error.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
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

    from talkbot_tui.cli import wording
    from talkbot_tui.client.accounts import Accounts
    from talkbot_tui.client.store import StoreError
    from talkbot_tui.client.transport import Unreachable
    from talkbot_tui.ui.app import run_app
    from talkbot_tui.ui.screens.login import Given

    accounts = Accounts()
    given = Given(settings.server, settings.user)
    try:
        engine = _stored(accounts, settings)
        return run_app(engine, settings, sign_in=_sign_in(accounts, settings), given=given)
    except StoreError as error:
        raise wording.store(error.code, error.path) from None
    except Unreachable as error:
        raise wording.unreachable(error.code, settings.server) from None


def _stored(accounts: Accounts, settings: Settings) -> EnginePort | None:
    """The engine of the account that is signed in here; None when there is none."""
    from talkbot_tui.cli import common
    from talkbot_tui.client import addresses, connect
    from talkbot_tui.client.accounts import AccountProblem

    insecure = settings.allow_insecure
    server = settings.server and addresses.parse(settings.server, allow_insecure=insecure).url
    if server and (token := os.environ.get("TALKBOT_TOKEN", "").strip()):
        return connect.open_with_token(server, token, allow_insecure=insecure)
    try:
        account = accounts.pick(server, settings.user)
    except AccountProblem as problem:
        if problem.code == "none":
            return None
        raise common.account_problem(problem, server) from None
    return connect.open_engine(account, accounts, allow_insecure=insecure)


def _sign_in(accounts: Accounts, settings: Settings) -> SignIn:
    """How the login screen signs in: the keyring first, then what the user allowed."""
    from talkbot_tui.cli import wording
    from talkbot_tui.client import addresses, connect
    from talkbot_tui.client.accounts import FILE, KEYRING, SESSION, Account
    from talkbot_tui.client.credentials import SecretError
    from talkbot_tui.client.transport import Refused, Unreachable
    from talkbot_tui.core.text import clean_name
    from talkbot_tui.ui.port import SignInFailed

    insecure = settings.allow_insecure

    async def keep(form: SignInForm, where: str) -> Account:
        address = addresses.parse(form.server, allow_insecure=insecure)
        return await accounts.sign_in(
            address, form.user, form.password, where=where, register=form.register
        )

    async def sign_in(form: SignInForm) -> EnginePort:
        try:
            try:
                account = await keep(form, KEYRING)
            except SecretError:
                account = await keep(form, FILE if form.in_file else SESSION)
            return connect.open_engine(account, accounts, allow_insecure=insecure)
        except Refused as error:
            problem = wording.refused(error.code, clean_name(error.message), form.server)
        except Unreachable as error:
            problem = wording.unreachable(error.code, form.server)
        except SecretError as error:
            problem = wording.secret(error.code, error.detail)
        raise SignInFailed(str(problem)) from None

    return sign_in
