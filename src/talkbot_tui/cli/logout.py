"""`talkbot-tui logout`: end the session and forget its secret."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from talkbot_tui import i18n
from talkbot_tui.cli import exit_codes

_ = i18n.Domain("cli")

HELP = i18n.N_("sign out and forget the session")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which account."""
    parser.add_argument("--server", metavar="URL", help=_("the server, if you know several"))
    parser.add_argument("--user", metavar="NAME", help=_("your account there, if you have several"))


def run(args: argparse.Namespace) -> int:
    """Sign out."""
    from talkbot_tui.cli import common, wording
    from talkbot_tui.client import addresses
    from talkbot_tui.client.accounts import AccountProblem, Accounts
    from talkbot_tui.client.transport import Unreachable

    chosen = common.settings(args)
    written = args.server or chosen.server
    accounts = Accounts()
    try:
        server = addresses.parse(written, allow_insecure=True).url if written else ""
        account = accounts.pick(server, args.user or chosen.user)
    except Unreachable as error:
        raise wording.unreachable(error.code, written) from None
    except AccountProblem as error:
        raise common.account_problem(error, written) from None
    told = common.run(accounts.sign_out(account), lambda: account.server)
    text = _("signed out of {url}")
    if not told:
        text = _("the session is forgotten here, but {url} could not be told")
    common.write_line(text.format(url=account.server))
    left = _unsent(accounts.profile(account))
    if left:
        text = _.plural(
            "{n} message is unsent; it stays here and can go when you sign in again",
            "{n} messages are unsent; they stay here and can go when you sign in again",
            left,
        )
        common.write_line(text.format(n=left))
    return exit_codes.OK


def _unsent(profile: Path) -> int:
    from talkbot_tui.client import connect, outbox_file
    from talkbot_tui.client.store import StoreError

    count = 0
    for folder in (profile, profile / connect.HEADLESS):
        # Signing out ends nothing of a file that cannot be read.
        with suppress(StoreError):
            count += len(outbox_file.read(folder))
    return count
