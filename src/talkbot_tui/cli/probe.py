"""Say what a Socket.IO server is, and draft a dialect for it, without sending any event."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from talkbot_tui import i18n
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.argument_types import seconds
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.client.probing import Entrance, Findings

_ = i18n.Domain("cli")

HELP = i18n.N_("say what a Socket.IO server is, and draft a dialect for it")
TRIED = ("/", "/chat")
LISTEN_S = 3.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where, and for how long."""
    parser.add_argument("server", metavar="URL", help=_("address of the server"))
    parser.add_argument(
        "--path", default="/socket.io", help=_("where Socket.IO lives there (/socket.io)")
    )
    parser.add_argument(
        "--namespace", metavar="NAME", action="append", default=[], help=_("try this one, too")
    )
    parser.add_argument(
        "--listen", metavar="SECONDS", type=seconds, default=LISTEN_S, help=_("wait for events")
    )
    parser.add_argument("--draft", metavar="FILE", help=_("write the dialect's draft there"))
    parser.add_argument("--ca-file", metavar="FILE", help=_("trust these authorities too (PEM)"))
    parser.add_argument(
        "--allow-insecure", action="store_true", help=_("allow plain http to another machine")
    )


def run(args: argparse.Namespace) -> int:
    """Probe, and tell line by line."""
    from talkbot_tui.cli import common, wording
    from talkbot_tui.client import addresses
    from talkbot_tui.client.probing import Probe
    from talkbot_tui.client.transport import Unreachable

    settings = common.settings(args)
    insecure = args.allow_insecure or settings.allow_insecure
    if not args.path.startswith("/") or any(not n.startswith("/") for n in args.namespace):
        raise Problem(_("a path and a namespace begin with /"), exit_codes.USAGE)
    try:
        address = addresses.parse(args.server, allow_insecure=insecure)
    except Unreachable as error:
        raise wording.unreachable(error.code, args.server) from None

    async def look() -> Findings:
        async with Probe(address, args.path) as probe:
            return await probe.run(tuple(dict.fromkeys((*TRIED, *args.namespace))), args.listen)

    found = common.run(look(), lambda: args.server)
    if found.engine != 4:
        raise _nothing(found, address.url + args.path)
    _tell(found)
    text = _draft(found, urlsplit(address.url).hostname or "server", args.path)
    if args.draft:
        _write(Path(args.draft), text)
        common.write_line(_("draft of a dialect: {path}").format(path=args.draft))
    else:
        common.write_line("")
        sys.stdout.write(text)
    return exit_codes.OK


def _nothing(found: Findings, url: str) -> Problem:
    if found.engine == 3:
        text = _("{url} speaks Engine.IO 3 (Socket.IO 2 or older); talkbot-tui speaks 4")
    elif found.status:
        text = _("no Socket.IO at {url}: HTTP {status} {answer}; another --path may help")
    else:
        text = _("no Socket.IO at {url}; check the address")
    answer = found.answer[:60]
    return Problem(text.format(url=url, status=found.status, answer=answer), exit_codes.UNREACHABLE)


def _tell(found: Findings) -> None:
    from talkbot_tui.cli.common import write_line

    handshake = found.handshake
    assert handshake is not None
    yes, no = _("yes"), _("no")
    ways = {"polling": found.polling, "websocket": found.websocket, "upgrade": found.upgrade}
    write_line("Engine.IO 4")
    write_line(", ".join(f"{name}: {yes if works else no}" for name, works in ways.items()))
    text = _("ping every {interval} ms, time-out {timeout} ms, payload at most {payload} bytes")
    write_line(
        text.format(
            interval=handshake.ping_interval,
            timeout=handshake.ping_timeout,
            payload=handshake.max_payload or "?",
        )
    )
    for entrance in found.entrances:
        write_line(_entrance(entrance))
    for (namespace, name), seen in found.events.items():
        from talkbot_tui.client.dialects.incoming import raw

        times = _.plural("{n} time", "{n} times", seen.count).format(n=seen.count)
        write_line(f"{namespace} {raw(name, seen.arguments)} ({times})")
    if not found.events:
        write_line(_("no event came by itself"))
    for known in _known(found):
        write_line(_("it looks like the dialect {name}").format(name=known))


def _entrance(entrance: Entrance) -> str:
    if entrance.open:
        return _("namespace {name}: open").format(name=entrance.namespace)
    if not entrance.words:
        return _("namespace {name}: no answer").format(name=entrance.namespace)
    text = _("namespace {name}: refused: {words}")
    return text.format(name=entrance.namespace, words=entrance.words)


def _known(found: Findings) -> list[str]:
    """Dialects of which events were heard; ours by how it asks for a token."""
    from talkbot_tui.client.dialects import loading

    ours = any(e.namespace == "/chat" and e.words == "auth_required" for e in found.entrances)
    heard = {name for _namespace, name in found.events}
    fitting = [
        name for name in loading.names() if heard and heard <= set(loading.load(name).receive)
    ]
    return [loading.OURS] if ours else fitting


def _draft(found: Findings, name: str, path: str) -> str:
    from talkbot_tui.client.dialects import skeleton

    opened = [entrance.namespace for entrance in found.entrances if entrance.open]
    heard = [namespace for namespace, _name in found.events]
    namespace = next(iter([*heard, *opened, "/"]))
    events = {
        event: seen.arguments for (where, event), seen in found.events.items() if where == namespace
    }
    return skeleton.draft(name, namespace, path, events)


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        words = _("{path} is there already; name another file")
        raise Problem(words.format(path=path), exit_codes.USAGE) from None
    except OSError as error:
        words = _("{path} cannot be written: {why}")
        raise Problem(words.format(path=path, why=error.strerror), exit_codes.FAILURE) from None
