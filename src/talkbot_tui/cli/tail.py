"""`talkbot-tui tail`: what happens in a room, line by line, as long as one likes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import stat
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.cli import account_options, exit_codes
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.cli.common import Target

_ = i18n.Domain("cli")

HELP = i18n.N_("follow a room, one event a line")

INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which room, from where, and as whom."""
    parser.add_argument("room", metavar="ROOM", help=_("a name, #name, @person or id"))
    parser.add_argument("--json", action="store_true", help=_("one JSON object a line"))
    parser.add_argument(
        "--since", metavar="SEQ", type=int, help=_("begin after this number, 0 for all")
    )
    account_options.add(parser)


def run(args: argparse.Namespace) -> int:
    """Follow until stopped: SIGTERM ends with 0, Ctrl+C with 130."""
    from talkbot_tui.cli import common

    if args.since is not None and args.since < 0:
        raise Problem(_("--since takes a number from 0 on"), exit_codes.USAGE)
    target = common.resolve(args)
    return common.run(_until_stopped(target, args), lambda: target.server)


async def _until_stopped(target: Target, args: argparse.Namespace) -> int:
    stopped: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def stop(code: int) -> None:
        if not stopped.done():
            stopped.set_result(code)

    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGTERM, stop, exit_codes.OK)
        loop.add_signal_handler(signal.SIGINT, stop, INTERRUPTED)
    _watch_reader(loop, lambda: stop(exit_codes.OK))
    following = asyncio.ensure_future(_follow(target, args))
    await asyncio.wait({following, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if following.done():
        return following.result()
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
    return stopped.result()


def _watch_reader(loop: asyncio.AbstractEventLoop, gone: Callable[[], None]) -> None:
    """Call `gone` when the reader of a piped output has left: nothing may be written for hours."""
    try:
        out = sys.stdout.fileno()
        if not stat.S_ISFIFO(os.fstat(out).st_mode):
            return

        def ended() -> None:
            loop.remove_reader(out)
            gone()

        # A pipe's writing end is never readable; all that can be told of it is its other end's end.
        loop.add_reader(out, ended)
    except (OSError, ValueError, NotImplementedError):
        # Without it, the next line that is written finds out.
        return


async def _follow(target: Target, args: argparse.Namespace) -> int:
    from talkbot_tui.cli import common, rooms_by_name
    from talkbot_tui.cli.event_lines import Lines
    from talkbot_tui.client.follow import FollowEnded, Follower
    from talkbot_tui.core.text import escaped

    async with common.running(common.engine_for(target, keep=False)) as engine:
        await common.online(engine, target.server)
        room = await rooms_by_name.resolve(engine, args.room)
        summary = engine.session.room(room)
        head = summary.head_seq if summary else 0
        lines = Lines()

        def began_anew(head: int) -> None:
            text = _(
                "the server was restored or set up anew: {room} goes on after number {seq},"
                " lines may be missing before it"
            ).format(room=args.room, seq=head)
            sys.stderr.write(escaped(f"talkbot-tui: {text}") + "\n")

        since = head if args.since is None else args.since
        follower = Follower(engine, room, since, began_anew)
        try:
            async for event in follower.events():
                if args.json:
                    common.write_json(event)
                elif text := lines.line(event):
                    common.write_line(text)
        except FollowEnded as ended:
            if ended.code in ("not_found", "forbidden"):
                text = _("you are no longer in {room}").format(room=args.room)
                raise Problem(text, exit_codes.NOT_FOUND) from None
            raise common.refusal(ended.code, str(ended), target.server) from None
    return exit_codes.OK
