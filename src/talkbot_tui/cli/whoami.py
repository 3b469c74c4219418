"""`talkbot-tui whoami`: which accounts there are, and where each one's secret lies."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.cli import account_options, exit_codes

if TYPE_CHECKING:
    from talkbot_tui.cli.common import Target

_ = i18n.Domain("cli")

HELP = i18n.N_("show your accounts and where their secrets lie")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which account, or all."""
    account_options.add(parser)


def run(args: argparse.Namespace) -> int:
    """List accounts; with a token, ask the server whose it is."""
    from talkbot_tui.cli import common, wording
    from talkbot_tui.client.accounts import AccountProblem, Accounts

    accounts = Accounts()
    try:
        known = accounts.all()
    except AccountProblem as error:
        raise common.account_problem(error) from None
    if args.token_file is None and not args.server and not args.user and len(known) > 1:
        for account in known:
            common.write_line(_line(account.user, account.server, accounts.where(account)))
        return exit_codes.OK
    target = common.resolve(args)
    if target.account is None:
        user = common.run(_whose(target), lambda: target.server)
        common.write_line(_line(user, target.server, _("a personal token, kept by you")))
    else:
        account, where = target.account, accounts.where(target.account)
        if not asyncio.run(accounts.readable(account)):
            raise wording.refused("secret_unreadable", where, target.server)
        common.write_line(_line(account.user, target.server, where))
    return exit_codes.OK


def _line(user: str, server: str, where: str) -> str:
    places = {
        "keyring": _("the system's keyring"),
        "session": _("this session only"),
    }
    text = _("{user} at {url}; the secret lies in: {where}")
    return text.format(user=user, url=server, where=places.get(where, where))


async def _whose(target: Target) -> str:
    from talkbot_tui.client import addresses
    from talkbot_tui.client.account_api import AccountApi
    from talkbot_tui.core.text import clean_name

    address = addresses.parse(target.server, allow_insecure=target.allow_insecure)
    return clean_name((await AccountApi(address).me(target.token)).user.name)
