"""`talkbot-tui sessions`: where one is signed in, and ending that."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.cli import account_options, exit_codes
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.cli.common import Target
    from talkbot_tui.wire.http import SessionInfo

_ = i18n.Domain("cli")

HELP = i18n.N_("list where you are signed in, and end that")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to end, and whose."""
    parser.add_argument("--end", metavar="ID", action="append", help=_("end this session"))
    parser.add_argument("--end-others", action="store_true", help=_("end all but this one"))
    parser.add_argument("--json", action="store_true", help=_("one JSON object a line"))
    account_options.add(parser)


def run(args: argparse.Namespace) -> int:
    """List the sessions; those to be ended are ended first, and told."""
    from talkbot_tui.cli import common

    target = common.resolve(args)
    ended, left = common.run(_work(target, args.end or [], args.end_others), lambda: target.server)
    if args.end or args.end_others:
        text = _.plural("{n} session ended", "{n} sessions ended", ended)
        common.write_line(text.format(n=ended))
        return exit_codes.OK
    for session in left:
        if args.json:
            common.write_json(
                {
                    "sessionId": session.session_id,
                    "createdAt": session.created_at,
                    "lastUsedAt": session.last_used_at,
                    "client": session.client,
                    "current": session.current,
                }
            )
        else:
            common.write_line(_line(session))
    return exit_codes.OK


async def _work(target: Target, named: list[str], others: bool) -> tuple[int, list[SessionInfo]]:
    from talkbot_tui.cli import common

    api, token = common.api_for(target), await common.token_for(target)
    have = await api.sessions(token)
    chosen = [s.session_id for s in have if s.session_id in named or (others and not s.current)]
    for unknown in set(named) - set(chosen):
        text = _("there is no session {id}; talkbot-tui sessions lists yours")
        raise Problem(text.format(id=unknown[:64]), exit_codes.NOT_FOUND)
    # One's own last: with it goes the right to end the others.
    own = {s.session_id for s in have if s.current}
    for session_id in sorted(chosen, key=own.__contains__):
        await api.end(token, session_id)
    return len(chosen), have


def _line(session: SessionInfo) -> str:
    from talkbot_tui.cli import common
    from talkbot_tui.core.text import clean_name

    text = _("{id}  since {since}, last used {used}, by {client}").format(
        id=session.session_id,
        since=common.day(session.created_at),
        used=common.day(session.last_used_at),
        client=clean_name(session.client) or "?",
    )
    return f"{text}  ({_('this one')})" if session.current else text
