"""Open the chat on somebody else's Socket.IO server, as a dialect says how to speak to it."""

from __future__ import annotations

import argparse
import asyncio
import getpass
from contextlib import suppress
from typing import TYPE_CHECKING

from talkbot_tui import config, i18n
from talkbot_tui.cli import chat, exit_codes
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.client.dialects.foreign import ForeignDialect

_ = i18n.Domain("cli")

HELP = i18n.N_("chat on any Socket.IO server, by a dialect")
TRANSPORTS = ("websocket", "polling")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where, as whom, and in which dialect."""
    parser.add_argument("server", metavar="URL", help=_("address of the server"))
    parser.add_argument(
        "--dialect", metavar="NAME|FILE", default="", help=_("a known name, or a file .toml")
    )
    parser.add_argument(
        "--room", metavar="NAME", action="append", default=[], help=_("room to join; may repeat")
    )
    parser.add_argument("--as", metavar="NAME", dest="name", default="", help=_("your name there"))
    parser.add_argument("--transport", choices=TRANSPORTS, default="", help=_("no other than this"))
    parser.add_argument("--theme", choices=config.THEMES, default="", help=_("night, day or ansi"))
    parser.add_argument("--ca-file", metavar="FILE", help=_("trust these authorities too (PEM)"))
    parser.add_argument(
        "--allow-insecure", action="store_true", help=_("allow plain http to another machine")
    )


def run(args: argparse.Namespace) -> int:
    """Read the dialect, then open the app; our own dialect is the chat as always."""
    from talkbot_tui.client.dialects import loading

    if not args.dialect:
        known = ", ".join((*loading.names(), loading.OURS))
        text = _("name a --dialect ({known}, or a file); talkbot-tui probe {url} may tell which")
        raise Problem(text.format(known=known, url=args.server), exit_codes.USAGE)
    if args.dialect == loading.OURS:
        args.user = args.name
        return chat.run(args)
    dialect = dialect_of(args)
    chat.require_terminal()
    settings = chat.settings_of(args)

    from talkbot_tui.cli import browser, wording
    from talkbot_tui.client import connect
    from talkbot_tui.client.transport import Unreachable
    from talkbot_tui.ui.app import run_app

    begin = asyncio.Event()
    try:
        engine = connect.open_foreign(
            args.server,
            dialect,
            allow_insecure=settings.allow_insecure,
            transports=(args.transport,) if args.transport else TRANSPORTS,
            begin=begin,
        )
    except Unreachable as error:
        raise wording.unreachable(error.code, args.server) from None
    return run_app(
        engine, settings, room=dialect.state.wanted[0], open_link=browser.open_link, shown=begin.set
    )


def dialect_of(args: argparse.Namespace) -> ForeignDialect:
    """The dialect that was asked for, ready to be used; raises `Problem` (USAGE)."""
    from talkbot_tui.client.dialects import loading
    from talkbot_tui.client.dialects.document import DialectError
    from talkbot_tui.client.dialects.foreign import ForeignDialect

    try:
        declared = loading.load(args.dialect)
    except DialectError as error:
        raise Problem(str(error), exit_codes.USAGE) from None
    if len(args.room) > 1 and declared.mode != "many":
        text = _("{dialect} is in one room at a time; name one --room")
        raise Problem(text.format(dialect=declared.name), exit_codes.USAGE)
    return ForeignDialect(declared, args.name or _login_name(), args.room)


def _login_name() -> str:
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return "guest"
