"""The options that say whom a command acts as; light, since every start parses them."""

from __future__ import annotations

import argparse

from talkbot_tui import i18n

_ = i18n.Domain("cli")


def add(parser: argparse.ArgumentParser) -> None:
    """Server, user, token, and plain http."""
    parser.add_argument("--server", metavar="URL", help=_("the server, if you know several"))
    parser.add_argument("--user", metavar="NAME", help=_("your account there, if you have several"))
    parser.add_argument(
        "--token-file", metavar="FILE", help=_("read a personal token from FILE, - for stdin")
    )
    parser.add_argument("--ca-file", metavar="FILE", help=_("trust these authorities too (PEM)"))
    parser.add_argument(
        "--allow-insecure", action="store_true", help=_("allow plain http to other machines")
    )
