"""`talkbot-tui rooms`: the conversations we are in, and what is unread there."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.cli import account_options, exit_codes

if TYPE_CHECKING:
    from talkbot_tui.cli.common import Target
    from talkbot_tui.core.model import RoomSummary

_ = i18n.Domain("cli")

HELP = i18n.N_("list your rooms and what is unread there")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Output and account."""
    parser.add_argument("--json", action="store_true", help=_("one JSON object a line"))
    account_options.add(parser)


def run(args: argparse.Namespace) -> int:
    """List them."""
    from talkbot_tui.cli import common
    from talkbot_tui.cli.rooms_by_name import title

    target = common.resolve(args)
    for room in common.run(_rooms(target), lambda: target.server):
        if args.json:
            common.write_json(
                {
                    "conversationId": room.conversation.conversation_id,
                    "name": room.conversation.name or title(room).removeprefix("@"),
                    "kind": room.conversation.kind.value,
                    "headSeq": room.head_seq,
                    "readSeq": room.read_seq,
                    "unread": room.unread,
                    "mentions": room.mentions,
                }
            )
        else:
            common.write_line(_line(title(room), room))
    return exit_codes.OK


async def _rooms(target: Target) -> tuple[RoomSummary, ...]:
    from talkbot_tui.cli import common

    async with common.running(common.engine_for(target, keep=False)) as engine:
        await common.online(engine, target.server)
        return engine.session.rooms()


def _line(name: str, room: RoomSummary) -> str:
    parts = []
    if room.unread:
        parts.append(_.plural("{n} unread", "{n} unread", room.unread).format(n=room.unread))
    if room.mentions:
        text = _.plural("{n} mention", "{n} mentions", room.mentions)
        parts.append(text.format(n=room.mentions))
    return f"{name}  {', '.join(parts)}".rstrip()
