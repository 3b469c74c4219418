"""`talkbot-tui login`: sign in, and keep the session where only its owner can read it."""

from __future__ import annotations

import argparse
import sys

from talkbot_tui import i18n
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.problems import Problem

_ = i18n.Domain("cli")

HELP = i18n.N_("sign in to a server")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The server's address, who, and where the session is kept."""
    parser.add_argument("url", metavar="URL", help=_("the server: https://HOST"))
    parser.add_argument("--user", metavar="NAME", help=_("your name there"))
    parser.add_argument(
        "--password-stdin", action="store_true", help=_("read the password from standard input")
    )
    parser.add_argument("--register", action="store_true", help=_("make the account first"))
    parser.add_argument(
        "--invite", metavar="CODE", default="", help=_("an invitation, with --register")
    )
    parser.add_argument(
        "--insecure-storage",
        action="store_true",
        help=_("keep the session in a file that only you can read, not in the keyring"),
    )
    parser.add_argument("--ca-file", metavar="FILE", help=_("trust these authorities too (PEM)"))
    parser.add_argument(
        "--allow-insecure", action="store_true", help=_("allow plain http to other machines")
    )


def run(args: argparse.Namespace) -> int:
    """Sign in."""
    from talkbot_tui.cli import common, wording
    from talkbot_tui.client import addresses
    from talkbot_tui.client.accounts import FILE, KEYRING, Accounts
    from talkbot_tui.client.transport import Unreachable

    settings = common.settings(args)
    allow_insecure = args.allow_insecure or settings.allow_insecure
    try:
        address = addresses.parse(args.url, allow_insecure=allow_insecure)
    except Unreachable as error:
        raise wording.unreachable(error.code, args.url) from None
    user = args.user or _ask_user()
    password = _password(args)
    accounts = Accounts()
    account = common.run(
        accounts.sign_in(
            address,
            user,
            password,
            where=FILE if args.insecure_storage else KEYRING,
            register=args.register,
            invite=args.invite,
        ),
        lambda: address.url,
    )
    text = _("signed in as {user} at {url}; the session is kept in {where}")
    common.write_line(
        text.format(user=account.user, url=account.server, where=accounts.where(account))
    )
    return exit_codes.OK


def _ask_user() -> str:
    if not sys.stdin.isatty():
        raise Problem(_("say who signs in: --user NAME"), exit_codes.USAGE)
    return input(_("Name: ")).strip()


def _password(args: argparse.Namespace) -> str:
    if args.password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        import getpass

        password = getpass.getpass(_("Password: "))
    else:
        raise Problem(
            _("there is no terminal to ask for the password; use --password-stdin"),
            exit_codes.USAGE,
        )
    if not password:
        raise Problem(_("the password is empty"), exit_codes.USAGE)
    return password
