"""`talkbot-tui tokens`: personal tokens for scripts and bots."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.cli import account_options, exit_codes
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.cli.common import Target
    from talkbot_tui.wire.http import PersonalToken

_ = i18n.Domain("cli")

HELP = i18n.N_("list, make and revoke tokens for scripts")
DAYS = 365
DAYS_MAX = 3650


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to make or revoke, and whose."""
    parser.add_argument("--add", metavar="NAME", help=_("make a token and print it, once"))
    parser.add_argument(
        "--days", type=_days, default=DAYS, metavar="N", help=_("how long the new one lasts")
    )
    parser.add_argument("--revoke", metavar="ID", action="append", help=_("revoke this token"))
    parser.add_argument("--json", action="store_true", help=_("one JSON object a line"))
    account_options.add(parser)


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= DAYS_MAX:
        raise argparse.ArgumentTypeError(_("days are a number from 1 to 3650"))
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Make one, revoke some, or list them."""
    from talkbot_tui.cli import common

    if args.add and args.revoke:
        raise Problem(_("--add and --revoke are two things; do one at a time"), exit_codes.USAGE)
    target = common.resolve(args)
    if args.add:
        made = common.run(_add(target, args.add, args.days), lambda: target.server)
        common.write_line(made.token or "")
        return exit_codes.OK
    if args.revoke:
        count = common.run(_revoke(target, set(args.revoke)), lambda: target.server)
        text = _.plural("{n} token revoked", "{n} tokens revoked", count)
        common.write_line(text.format(n=count))
        return exit_codes.OK
    for token in common.run(_all(target), lambda: target.server):
        if args.json:
            common.write_json(
                {
                    "tokenId": token.token_id,
                    "name": token.name,
                    "createdAt": token.created_at,
                    "expiresAt": token.expires_at,
                }
            )
        else:
            common.write_line(_line(token))
    return exit_codes.OK


async def _all(target: Target) -> list[PersonalToken]:
    from talkbot_tui.cli import common

    return await common.api_for(target).personal_tokens(await common.token_for(target))


async def _add(target: Target, name: str, days: int) -> PersonalToken:
    from talkbot_tui.cli import common

    return await common.api_for(target).make_token(await common.token_for(target), name, days)


async def _revoke(target: Target, named: set[str]) -> int:
    from talkbot_tui.cli import common

    api, token = common.api_for(target), await common.token_for(target)
    known = {held.token_id for held in await api.personal_tokens(token)}
    for unknown in sorted(named - known):
        text = _("there is no token {id}; talkbot-tui tokens lists yours")
        raise Problem(text.format(id=unknown[:64]), exit_codes.NOT_FOUND)
    for token_id in sorted(named):
        await api.end(token, token_id)
    return len(named)


def _line(token: PersonalToken) -> str:
    from talkbot_tui.cli import common
    from talkbot_tui.core.text import clean_name

    return _("{id}  {name}, since {since}, until {until}").format(
        id=token.token_id,
        name=clean_name(token.name),
        since=common.day(token.created_at),
        until=common.day(token.expires_at),
    )
