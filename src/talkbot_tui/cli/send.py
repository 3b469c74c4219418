"""`talkbot-tui send`: one message, and success only when the server has it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, Any

from talkbot_tui import i18n
from talkbot_tui.cli import account_options, exit_codes
from talkbot_tui.cli.argument_types import seconds
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.cli.common import Target
    from talkbot_tui.client.engine import Engine
    from talkbot_tui.client.engine_follow import Delivered

_ = i18n.Domain("cli")

HELP = i18n.N_("send a message")

EARLIER_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, what, and as whom."""
    parser.add_argument("room", metavar="ROOM", help=_("a name, #name, @person or id"))
    parser.add_argument("text", metavar="TEXT", help=_("the message, - reads standard input"))
    parser.add_argument("--json", action="store_true", help=_("print the ack as a JSON object"))
    parser.add_argument(
        "--wait", metavar="S", type=seconds, help=_("keep trying for S seconds (default 15)")
    )
    account_options.add(parser)


def run(args: argparse.Namespace) -> int:
    """Send it."""
    from talkbot_tui.cli import common

    if args.text == "-" and args.token_file == "-":
        raise Problem(_("standard input cannot be both token and text"), exit_codes.USAGE)
    target = common.resolve(args)
    text = _text(args.text)
    done = common.run(_send(target, args.room, text, args.wait), lambda: target.server)
    if args.json:
        common.write_json(
            {
                "serverMsgId": done.server_msg_id,
                "seq": done.seq,
                "ts": done.ts,
                "clientMsgId": done.client_msg_id,
            }
        )
    return exit_codes.OK


def _text(written: str) -> str:
    from talkbot_tui.core.text import is_blank

    if written == "-":
        try:
            written = sys.stdin.buffer.read().decode().removesuffix("\n")
        except UnicodeDecodeError:
            raise Problem(_("standard input is not UTF-8 text"), exit_codes.USAGE) from None
    if is_blank(written):
        raise Problem(_("the message is empty"), exit_codes.USAGE)
    try:
        written.encode()
    except UnicodeEncodeError:
        raise Problem(_("the message is not UTF-8 text"), exit_codes.USAGE) from None
    return written


async def _send(target: Target, room: str, text: str, wait_s: float | None) -> Delivered:
    from talkbot_tui.cli import common, rooms_by_name
    from talkbot_tui.client.engine_follow import NotDelivered

    async with common.running(common.engine_for(target, keep=True)) as engine:
        known = rooms_by_name.find(engine.session.rooms(), room)
        if known is None:
            await common.online(engine, target.server, wait_s)
            conversation_id = await rooms_by_name.resolve(engine, room)
        else:
            conversation_id = known.conversation.conversation_id
        if len(text) > engine.session.text_max:
            raise _too_long(len(text), engine.session.text_max)
        client_msg_id = engine.send(conversation_id, text)
        try:
            done = await _delivered(engine, client_msg_id, target.server, wait_s)
        except NotDelivered as error:
            raise _not_delivered(error.reason, engine.session.text_max) from None
        finally:
            _settle_failed(engine, client_msg_id)
        await _earlier_ones(engine)
        return done


async def _delivered(
    engine: Engine, client_msg_id: str, url: str, wait_s: float | None
) -> Delivered:
    """Wait for the ack; raises `NotDelivered`, and `Problem` when the message must wait."""
    from talkbot_tui.cli import common

    delivered = engine.delivered(client_msg_id)
    online = asyncio.ensure_future(common.online(engine, url, wait_s))
    either: set[asyncio.Future[Any]] = {online, delivered}
    try:
        async with asyncio.timeout(common.WAIT_S if wait_s is None else wait_s):
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not delivered.done():
                await online
            return await delivered
    except TimeoutError:
        raise Problem(
            _("saved, but not acknowledged in time; the next send delivers it first"),
            exit_codes.UNANSWERED,
        ) from None
    except Problem as problem:
        text = _("{why} (the message is saved; the next send delivers it first)")
        code = problem.code
        raise Problem(
            text.format(why=problem),
            exit_codes.UNANSWERED if code == exit_codes.UNREACHABLE else code,
        ) from None
    finally:
        online.cancel()
        if online.done() and not online.cancelled():
            online.exception()


def _settle_failed(engine: Engine, own: str) -> None:
    """Our own text is with its author, who is told why; earlier ones stay and are pointed at."""
    from talkbot_tui.core.events import Discard
    from talkbot_tui.core.model import Message, SendState

    earlier = 0
    for room in engine.session.rooms():
        if not room.failed:
            continue
        for row in engine.session.timeline(room.conversation.conversation_id).rows:
            if isinstance(row, Message) and row.state is SendState.FAILED:
                if row.client_msg_id == own:
                    engine.dispatch(Discard(own))
                else:
                    earlier += 1
    if earlier:
        text = _.plural(
            "{n} earlier message was not sent; see: talkbot-tui outbox ls",
            "{n} earlier messages were not sent; see: talkbot-tui outbox ls",
            earlier,
        )
        sys.stderr.write(f"talkbot-tui: {text.format(n=earlier)}\n")


async def _earlier_ones(engine: Engine) -> None:
    """Give messages of earlier runs that wait for other rooms their chance, too."""
    moved = asyncio.Event()
    forget = engine.subscribe(lambda _changes: moved.set())
    try:
        async with asyncio.timeout(EARLIER_S):
            while any(room.queued for room in engine.session.rooms()):
                moved.clear()
                await moved.wait()
    except TimeoutError:
        pass
    finally:
        forget()


def _too_long(size: int, most: int) -> Problem:
    text = _("the message has {size} characters, at most {most} can be sent; send it in parts")
    return Problem(text.format(size=size, most=most), exit_codes.USAGE)


def _not_delivered(why: str, most: int) -> Problem:
    code, _colon, words = why.partition(": ")
    match code:
        case "too_large":
            text = _("the message is too long, at most {most} characters and 32 KiB can be sent")
            return Problem(text.format(most=most), exit_codes.USAGE)
        case "not_found" | "forbidden" | "archived":
            text = _("you cannot write there ({why})")
            return Problem(text.format(why=words or code), exit_codes.NOT_FOUND)
        case "disk_full":
            text = _("the disk is full; the message was neither saved nor sent")
            return Problem(text, exit_codes.STORE)
        case "read_only" | "io_error" | "unreadable" | "busy" | "not_storable":
            text = _("the message could not be saved ({why}), so it was not sent")
            return Problem(text.format(why=code), exit_codes.STORE)
        case _:
            text = _("the server refused the message: {why}")
            return Problem(text.format(why=words or code), exit_codes.FAILURE)
