"""Look at any Socket.IO server's packets without a chat, or at a recording of them."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from talkbot_tui import config, i18n
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.client.inspecting import Inspection
    from talkbot_tui.config import Settings

_ = i18n.Domain("cli")

HELP = i18n.N_("look at every packet of a Socket.IO server")
AUTH_MAX = 64 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where, how, and from or to which file."""
    parser.add_argument("server", metavar="URL", nargs="?", help=_("address of the server"))
    parser.add_argument("--namespace", metavar="NAME", default="/", help=_("enter this one (/)"))
    parser.add_argument(
        "--path", default="/socket.io", help=_("where Socket.IO lives there (/socket.io)")
    )
    parser.add_argument("--auth-file", metavar="FILE|-", help=_("CONNECT's auth, a JSON object"))
    parser.add_argument(
        "--header", metavar="NAME=VALUE", action="append", default=[], help=_("send it, too")
    )
    parser.add_argument(
        "--transport",
        metavar="NAME",
        choices=("websocket", "polling"),
        help=_("websocket or polling, no other"),
    )
    parser.add_argument("--record", metavar="FILE", help=_("write all packets there (NDJSON)"))
    parser.add_argument("--open", metavar="FILE", help=_("look at a recording"))
    parser.add_argument(
        "--theme",
        metavar="NAME",
        choices=config.THEMES,
        default="",
        help=_("night, day or ansi"),
    )
    parser.add_argument("--ca-file", metavar="FILE", help=_("trust these authorities too (PEM)"))
    parser.add_argument(
        "--allow-insecure", action="store_true", help=_("allow plain http to another machine")
    )


def run(args: argparse.Namespace) -> int:
    """Check everything, then take the screen."""
    from talkbot_tui.cli import chat

    if bool(args.server) == bool(args.open):
        raise Problem(_("name a URL, or --open FILE"), exit_codes.USAGE)
    if not args.path.startswith("/") or not args.namespace.startswith("/"):
        raise Problem(_("a path and a namespace begin with /"), exit_codes.USAGE)
    if args.open and args.record:
        raise Problem(_("a recording needs no --record"), exit_codes.USAGE)
    server, args.server = args.server, ""
    auth, headers = _auth(args.auth_file), _headers(args.header)
    settings = chat.settings_of(args)
    if args.open:
        return _look(args.open, settings)
    _require_terminal()
    return asyncio.run(_connect(args, server, settings, auth, headers))


async def _connect(
    args: argparse.Namespace,
    server: str,
    settings: Settings,
    auth: object,
    headers: dict[str, str],
) -> int:
    from talkbot_tui.cli import wording
    from talkbot_tui.client import addresses
    from talkbot_tui.client.inspecting import Inspection
    from talkbot_tui.client.transport import Unreachable
    from talkbot_tui.ui.inspector_app import InspectorApp, serve_inspector

    try:
        address = addresses.parse(server, allow_insecure=settings.allow_insecure)
    except Unreachable as error:
        raise wording.unreachable(error.code, server) from None
    inspection = Inspection(
        address,
        namespace=args.namespace,
        path=args.path,
        auth=auth,
        headers=headers,
        transports=(args.transport,) if args.transport else ("polling", "websocket"),
    )
    if args.record:
        _record(inspection, args.record)
    return await serve_inspector(InspectorApp(inspection.wire, settings), inspection.run())


def _record(inspection: Inspection, path: str) -> None:
    inspection.tap.on = True
    try:
        inspection.wire.record(path)
    except FileExistsError:
        words = _("{path} is there already; name another file")
        raise Problem(words.format(path=path), exit_codes.USAGE) from None
    except OSError as error:
        words = _("{path} cannot be written: {why}")
        raise Problem(words.format(path=path, why=error.strerror), exit_codes.FAILURE) from None


def _look(path: str, settings: Settings) -> int:
    from talkbot_tui.client import recorder
    from talkbot_tui.client.inspector.recording import PACKETS_MAX, RecordingError
    from talkbot_tui.client.wiretap import Wire, Wiretap
    from talkbot_tui.ui.inspector_app import InspectorApp, serve_inspector

    try:
        server, packets = recorder.read(path)
    except RecordingError as error:
        raise Problem(_unreadable(path, error), exit_codes.USAGE) from None
    except OSError as error:
        words = _("{path} cannot be read: {why}")
        raise Problem(words.format(path=path, why=error.strerror), exit_codes.USAGE) from None
    _require_terminal()
    tap = Wiretap(rows_max=PACKETS_MAX)
    tap.load(packets)
    app = InspectorApp(Wire(tap, lambda: None, origin=server), settings, live=False)
    return asyncio.run(serve_inspector(app, None))


def _unreadable(path: str, error: Exception) -> str:
    from talkbot_tui.client.inspector.recording import VERSION, RecordingError

    assert isinstance(error, RecordingError)
    words = {
        "format": _("{path}: this is no recording of the inspector"),
        "version": _("{path}: version {detail} of recordings; this program reads {version}"),
        "json": _("{path}, line {line}: no JSON object; take the line out to read the rest"),
        "field": _("{path}, line {line}: {detail} is missing or wrong; take the line out"),
        "long": _("{path}, line {line}: too long, or too many lines"),
    }[error.code]
    return words.format(path=path, line=error.line, detail=error.detail, version=VERSION)


def _require_terminal() -> None:
    from talkbot_tui.cli import chat

    try:
        chat.require_terminal()
    except Problem as problem:
        words = _("the inspector needs a terminal that can move its cursor, and this is none")
        raise Problem(words, problem.code) from None


def _auth(path: str | None) -> object:
    """The auth from a file or from standard input; None for none."""
    if not path:
        return None
    try:
        if path == "-":
            text = sys.stdin.read(AUTH_MAX + 1)
            _keyboard_again()
        else:
            with Path(path).open(encoding="utf-8") as file:
                text = file.read(AUTH_MAX + 1)
        auth = json.loads(text) if len(text) <= AUTH_MAX else None
    except OSError as error:
        words = _("{path} cannot be read: {why}")
        raise Problem(words.format(path=path, why=error.strerror), exit_codes.USAGE) from None
    except (ValueError, RecursionError):
        auth = None
    if not isinstance(auth, dict):
        words = _('{path}: an auth is a JSON object, like {{"token": "…"}}')
        raise Problem(words.format(path=path), exit_codes.USAGE)
    return auth


def _keyboard_again() -> None:
    """Standard input was a pipe and is read; the screen needs the terminal's keys."""
    with suppress(OSError):
        if not os.isatty(0):
            terminal = os.open("/dev/tty", os.O_RDWR)
            os.dup2(terminal, 0)
            os.close(terminal)
            sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)


def _headers(written: list[str]) -> dict[str, str]:
    found = {}
    for one in written:
        name, equals, value = one.partition("=")
        fits = name.replace("-", "").replace("_", "").isalnum() and name.isascii()
        if not equals or not fits or any(ord(char) < 32 for char in value):
            # The value may be a secret: it is not told.
            raise Problem(_("--header: write it like X-Room=blue"), exit_codes.USAGE)
        found[name] = value
    return found
