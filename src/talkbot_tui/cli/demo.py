"""`demo`: server, room, bot and app at once, without an account or a question."""

from __future__ import annotations

import argparse
import getpass
import hashlib
import hmac
import importlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talkbot_tui import config, i18n
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.cli.demo_server import Demo
    from talkbot_tui.client.accounts import Account, Accounts

_ = i18n.Domain("cli")

HELP = i18n.N_("try it: server, room, bot and app on this machine")

BOT = "talkbot"
GUEST = "guest"
NAME_MAX = 32
SEATS_MAX = 20
CACHE = "cache"
ATTEMPTS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Who one is, and where it is kept."""
    parser.add_argument("--as", dest="name", metavar="NAME", default="", help=_("your name"))
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help=_("keep everything in this folder")
    )
    parser.add_argument("--theme", choices=config.THEMES, default="", help=_("night, day or ansi"))


def run(args: argparse.Namespace) -> int:
    """Find or start the server, sign in, open the app."""
    from talkbot_tui.cli.chat import require_terminal, settings_of

    require_terminal()
    # Before the server starts: it speaks the language of the settings, too.
    settings = settings_of(args)
    name = chosen_name(args.name)
    try:
        place = _enter(args.data_dir, name, asked=bool(args.name))
    except OSError as error:
        text = _("{file}: {reason}; choose another folder with --data-dir")
        where = error.filename or args.data_dir or ""
        reason = error.strerror or str(error)
        raise Problem(text.format(file=where, reason=reason), exit_codes.STORE) from None

    from talkbot_tui.cli import browser, wording
    from talkbot_tui.client import connect
    from talkbot_tui.client.store import StoreError
    from talkbot_tui.ui.app import run_app

    try:
        # Not by the server's address, as usual: its port is another one each time, and
        # what waits to be sent must be found again.
        store = connect.store_in(place.folder / CACHE / place.account.user)
        engine = connect.build(
            place.url, place.accounts.tokens(place.account), store=store, asks=True
        )
        room = BOT if place.new else ""
        return run_app(engine, settings, room=room, open_link=browser.open_link)
    except StoreError as error:
        raise wording.store(error.code, error.path) from None
    finally:
        place.seat.release()


@dataclass(frozen=True, slots=True)
class _Place:
    """One person's place in a demo; `new`: the account was made just now."""

    url: str
    seat: Any
    folder: Path
    accounts: Accounts
    account: Account
    new: bool


def _enter(data_dir: Path | None, name: str, *, asked: bool) -> _Place:
    """Sign in at the demo's server, wherever it is now."""
    from talkbot_tui.cli import wording
    from talkbot_tui.client.accounts import Accounts
    from talkbot_tui.client.transport import Unreachable

    last = ATTEMPTS - 1
    for attempt in range(ATTEMPTS):
        demo = _server(data_dir)
        seat, folder = _seat(demo, name)
        accounts = Accounts(folder)
        try:
            account, new = _sign_in(demo, accounts, name, asked=asked)
            return _Place(demo.url, seat, folder, accounts, account, new)
        except Unreachable as error:
            seat.release()
            # It may have ended, for lack of people, since it was found.
            if attempt == last:
                raise wording.unreachable(error.code, demo.url) from None
    raise AssertionError("the last attempt raises")


def _server(data_dir: Path | None) -> Demo:
    from talkbot_tui.cli.demo_server import DemoServer

    with DemoServer(data_dir) as server:
        server.begin()
        # The server starts meanwhile; reading our own code takes as long.
        importlib.import_module("talkbot_tui.ui.app")
        return server.ready()


def chosen_name(asked: str) -> str:
    """The name `asked` for, else the system user's; raises `Problem` when it is unusable."""
    name = user_name(asked or _login())
    if not name and asked:
        text = _("“{name}” cannot be a name; use letters and digits, such as --as ana")
        raise Problem(text.format(name=asked), exit_codes.USAGE)
    return name or GUEST


def user_name(text: str) -> str:
    """`text` as a name that a server takes; empty when nothing of it can be used.

    Latin letters lose their accents, since such a name is typed after `@`; others stay.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(_bare(char) if _usable(char) else "-" for char in folded)
    return re.sub("-+", "-", plain).strip("-._")[:NAME_MAX].rstrip("-._")


def _bare(char: str) -> str:
    base = unicodedata.normalize("NFKD", char)[0]
    return base if base.isascii() else char


def _usable(char: str) -> bool:
    return char in "_.-" or char.isdigit() or unicodedata.category(char)[0] in "LM"


def password(secret: str, name: str) -> str:
    """A person's password at the demo's server, so that nobody has to type one."""
    return hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest()


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A system user without a name, as in some containers.
        return GUEST


def _seat(demo: Demo, name: str) -> tuple[Any, Path]:
    """A folder for this person's cache that no other demo of the same person uses, and its lock."""
    import filelock

    from talkbot_tui import paths
    from talkbot_tui.cli.demo_server import PEOPLE

    for number in range(1, SEATS_MAX + 1):
        folder = paths.private_folder(Path(demo.folder) / PEOPLE / f"{name}.{number}")
        lock = filelock.FileLock(paths.private_file(folder / "seat"), mode=0o600)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            continue
        return lock, folder
    raise Problem(_("{name} is here too often already; use --as").format(name=name))


def _sign_in(demo: Demo, accounts: Accounts, name: str, *, asked: bool) -> tuple[Account, bool]:
    """The account, and whether it was made just now; raises `Unreachable`."""
    import asyncio

    from talkbot_tui.cli import wording
    from talkbot_tui.client import addresses
    from talkbot_tui.client.accounts import SESSION
    from talkbot_tui.client.transport import Refused

    address = addresses.parse(demo.url)

    def attempt(who: str, *, register: bool) -> Account:
        work = accounts.sign_in(
            address, who, password(demo.secret, who), where=SESSION, register=register
        )
        return asyncio.run(work)

    try:
        for who in _candidates(name, asked=asked):
            try:
                return attempt(who, register=True), True
            except Refused as error:
                if error.code not in ("name_taken", "name_invalid"):
                    raise
                refusal = error
            if refusal.code == "name_taken":
                try:
                    return attempt(who, register=False), False
                except Refused as error:
                    if error.code != "bad_credentials":
                        raise
                    # Another name that looks the same has the place.
                    refusal = Refused("name_taken", "")
        raise refusal
    except Refused as error:
        if error.code == "name_taken":
            text = _("a name that looks like “{name}” is taken here; choose another with --as")
            raise Problem(text.format(name=name), exit_codes.REFUSED) from None
        raise wording.refused(error.code, error.message, demo.url) from None


def _candidates(name: str, *, asked: bool) -> list[str]:
    """The names to try: a system user may be called as the server itself, or look like another."""
    if asked:
        return [name]
    return [name, *(f"{name[: NAME_MAX - 3]}-{end}" for end in ("me", "2", "3"))]
