"""`talkbot-tui passwd`: change one's password; every other session ends."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.cli import account_options, exit_codes
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.cli.common import Target

_ = i18n.Domain("cli")

HELP = i18n.N_("change your password; your other sessions end")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the passwords come from, and whose they are."""
    parser.add_argument(
        "--password-stdin",
        action="store_true",
        help=_("read the old and the new password from standard input, one a line"),
    )
    account_options.add(parser)


def run(args: argparse.Namespace) -> int:
    """Change it."""
    from talkbot_tui.cli import common

    target = common.resolve(args)
    current, fresh = _from_stdin() if args.password_stdin else _asked()
    common.run(_change(target, current, fresh), lambda: target.server)
    common.write_line(_("the password is changed; your other sessions have ended"))
    return exit_codes.OK


async def _change(target: Target, current: str, fresh: str) -> None:
    from talkbot_tui.cli import common
    from talkbot_tui.client.transport import Refused

    token = await common.token_for(target)
    try:
        await common.api_for(target).change_password(token, current, fresh)
    except Refused as error:
        if error.code != "bad_credentials":
            raise
        text = _("the old password is wrong; nothing was changed")
        raise Problem(text, exit_codes.REFUSED) from None


def _from_stdin() -> tuple[str, str]:
    current, fresh = (sys.stdin.readline().rstrip("\r\n") for _line in range(2))
    if not current or not fresh:
        text = _("two lines are needed on standard input: the old and the new password")
        raise Problem(text, exit_codes.USAGE)
    return current, fresh


def _asked() -> tuple[str, str]:
    if not sys.stdin.isatty():
        text = _("there is no terminal to ask for the password; use --password-stdin")
        raise Problem(text, exit_codes.USAGE)
    import getpass

    current = getpass.getpass(_("Old password: "))
    fresh = getpass.getpass(_("New password: "))
    if not current or not fresh:
        raise Problem(_("the password is empty; nothing was changed"), exit_codes.USAGE)
    if getpass.getpass(_("New password again: ")) != fresh:
        raise Problem(_("the new passwords differ; nothing was changed"), exit_codes.USAGE)
    return current, fresh
