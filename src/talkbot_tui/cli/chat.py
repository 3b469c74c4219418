"""Open the chat, with the account that is signed in here; without one, ask."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from talkbot_tui import config, i18n, last_screen, paths
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from talkbot_tui.client.accounts import Account, Accounts
    from talkbot_tui.config import Settings
    from talkbot_tui.ui.opening import Opening
    from talkbot_tui.ui.port import EnginePort, SignInForm
    from talkbot_tui.ui.screens.login import Given
    from talkbot_tui.ui.terminal.gauge import Gauge

_ = i18n.Domain("cli")

HELP = i18n.N_("open the chat")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which account, and how it looks."""
    parser.add_argument("--server", metavar="URL", default="", help=_("address of the server"))
    parser.add_argument(
        "--user", metavar="NAME", default="", help=_("account, if there are several")
    )
    parser.add_argument("--theme", choices=config.THEMES, default="", help=_("night, day or ansi"))
    parser.add_argument("--ca-file", metavar="FILE", help=_("trust these authorities too (PEM)"))
    parser.add_argument(
        "--allow-insecure", action="store_true", help=_("allow plain http to another machine")
    )
    parser.add_argument(
        "--lean", action="store_true", help=_("for slow links: no typing, presence, decoration")
    )
    parser.add_argument(
        "--plain-output", action="store_true", help=_("draw whole lines: more bytes, fewer tricks")
    )
    parser.add_argument(
        "--no-snapshot",
        action="store_true",
        help=_("do not keep the last screen for a quicker start"),
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
    from talkbot_tui.cli import common, wording
    from talkbot_tui.client import addresses
    from talkbot_tui.client.transport import Unreachable
    from talkbot_tui.ui import commands

    settings = common.settings(args)
    file = common.config_path(args)
    try:
        commands.check_keys(settings.keys)
    except commands.KeymapError as error:
        where = config.place(file, error.command)
        raise Problem(f"{where}: {error}", exit_codes.USAGE) from None
    if settings.server and not getattr(args, "server", ""):
        try:
            addresses.parse(settings.server, allow_insecure=settings.allow_insecure)
        except Unreachable as error:
            why = wording.unreachable(error.code, settings.server)
            raise Problem(f"{config.place(file, 'server')}: server: {why}", why.code) from None
    return replace(
        settings,
        server=getattr(args, "server", "") or settings.server,
        user=getattr(args, "user", "") or settings.user,
        theme=getattr(args, "theme", "") or settings.theme,
        lean=getattr(args, "lean", False) or settings.lean,
        plain_output=getattr(args, "plain_output", False) or settings.plain_output,
        allow_insecure=getattr(args, "allow_insecure", False) or settings.allow_insecure,
        snapshot=settings.snapshot and not getattr(args, "no_snapshot", False),
    )


def run(args: argparse.Namespace, gauge: Gauge | None = None) -> int:
    """Open the app on the account's engine, or on the login screen; `gauge` measures it."""
    require_terminal()
    settings = settings_of(args)

    from talkbot_tui.cli import browser, wording
    from talkbot_tui.client.accounts import Accounts
    from talkbot_tui.client.store import StoreError
    from talkbot_tui.client.transport import Unreachable
    from talkbot_tui.ui.app import run_app

    accounts = Accounts()
    seat = Seat(accounts, settings, getattr(args, "opening", None))
    given = _given(accounts, settings)
    try:
        code = run_app(
            seat.stored(),
            settings,
            sign_in=seat.sign_in,
            given=given,
            opening=seat.opening,
            shown=seat.shown,
            open_link=browser.open_link,
            gauge=gauge,
        )
    except StoreError as error:
        raise wording.store(error.code, error.path) from None
    except Unreachable as error:
        raise wording.unreachable(error.code, settings.server) from None
    seat.leave()
    return code


def _given(accounts: Accounts, settings: Settings) -> Given:
    """What the login screen need not be told again: whom the options name, or who was here last."""
    from talkbot_tui.client.accounts import AccountProblem
    from talkbot_tui.ui.screens.login import Given

    last = accounts.last_here()
    if last is None or settings.server or settings.user:
        with suppress(AccountProblem):
            account = accounts.pick(settings.server, settings.user)
            return Given(account.server, account.user)
        return Given(settings.server, settings.user)
    return Given(last.server, last.user)


class Seat:
    """Whose app this is, from its start to its end.

    Attributes:
        opening: what `start` did with the terminal; None when it was not a plain start.
    """

    def __init__(self, accounts: Accounts, settings: Settings, opening: Opening | None) -> None:
        self.opening = opening
        self._accounts = accounts
        self._settings = settings
        self._account: Account | None = None
        self._begin = asyncio.Event()

    def stored(self) -> EnginePort | None:
        """The engine of the account that is signed in here; None when there is none."""
        from talkbot_tui.cli import common
        from talkbot_tui.client import addresses, connect
        from talkbot_tui.client.accounts import AccountProblem

        settings, insecure = self._settings, self._settings.allow_insecure
        server = settings.server and addresses.parse(settings.server, allow_insecure=insecure).url
        if server and (token := os.environ.get("TALKBOT_TOKEN", "").strip()):
            return connect.open_with_token(
                server, token, allow_insecure=insecure, asks=True, begin=self._begin
            )
        try:
            self._account = self._accounts.pick(server, settings.user)
        except AccountProblem as problem:
            if problem.code == "none":
                return None
            raise common.account_problem(problem, server) from None
        return connect.open_engine(
            self._account,
            self._accounts,
            allow_insecure=insecure,
            asks=True,
            begin=self._begin,
        )

    async def sign_in(self, form: SignInForm) -> EnginePort:
        """Sign in from the login screen: the keyring first, then what the user allowed."""
        from talkbot_tui.cli import wording
        from talkbot_tui.client import connect
        from talkbot_tui.client.accounts import FILE, KEYRING, SESSION
        from talkbot_tui.client.credentials import SecretError
        from talkbot_tui.client.transport import Refused, Unreachable
        from talkbot_tui.core.text import clean_name
        from talkbot_tui.ui.port import SignInFailed

        insecure = self._settings.allow_insecure
        try:
            try:
                account = await self._keep(form, KEYRING)
            except SecretError:
                account = await self._keep(form, FILE if form.in_file else SESSION)
            self._account = account
            return connect.open_engine(account, self._accounts, allow_insecure=insecure, asks=True)
        except Refused as error:
            problem = wording.refused(error.code, clean_name(error.message), form.server)
        except Unreachable as error:
            problem = wording.unreachable(error.code, form.server)
        except SecretError as error:
            problem = wording.secret(error.code, error.detail)
        raise SignInFailed(str(problem)) from None

    async def _keep(self, form: SignInForm, where: str) -> Account:
        from talkbot_tui.client import addresses

        address = addresses.parse(form.server, allow_insecure=self._settings.allow_insecure)
        return await self._accounts.sign_in(
            address, form.user, form.password, where=where, register=form.register
        )

    def shown(self) -> None:
        """The app is on the screen: the network may begin, and the last screen has served."""
        self._begin.set()
        with suppress(OSError):
            # What is deleted from now on must not stay in there, however we end.
            last_screen.remove(str(paths.data_folder()))

    def leave(self) -> None:
        """The app has ended: keep its last screen, if the next start would open the same."""
        screen = self.opening.left if self.opening is not None else None
        cache = self._next_cache()
        if screen is None or cache is None or not self._settings.snapshot:
            return
        config, folder = paths.config_file(), paths.data_folder()
        with suppress(OSError, ValueError):
            # It is a convenience: a full disk, or a name that no file of lines can hold, is no
            # reason to complain.
            data = last_screen.encode(screen, dict(os.environ), str(config), str(cache))
            paths.write_private(folder / last_screen.NAME, data)

    def _next_cache(self) -> Path | None:
        """The cache of the account of which the app is, if a start would choose it."""
        from talkbot_tui.client import addresses
        from talkbot_tui.client.accounts import SESSION, AccountProblem
        from talkbot_tui.client.connect import cache_in

        written, insecure = self._settings.server, self._settings.allow_insecure
        try:
            server = written and addresses.parse(written, allow_insecure=insecure).url
            account = self._accounts.pick(server, self._settings.user)
        except AccountProblem:
            return None
        if account != self._account or account.where == SESSION:
            return None
        return cache_in(self._accounts.profile(account))
