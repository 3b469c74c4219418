"""The command line: one module per command, nothing heavy imported before it is chosen.

A command module has `HELP` (one line), `add_arguments(parser)` and
`run(args) -> int`; its name with `_` for `-` is the command's. Whatever costs
time to import is imported inside `run`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from talkbot_tui import __version__, i18n
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.problems import Problem

_ = i18n.Domain("cli")

COMMANDS = (
    "demo",
    "chat",
    "login",
    "logout",
    "whoami",
    "rooms",
    "send",
    "tail",
    "serve",
    "admin",
)
DEFAULT = "chat"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where help is."""

    def error(self, message: str) -> NoReturn:
        command = self.prog
        hint = _("try: {command} --help").format(command=command)
        sys.stderr.write(f"{command}: {message} ({hint})\n")
        raise SystemExit(exit_codes.USAGE)


def _module_name(command: str) -> str:
    return "talkbot_tui.cli." + command.replace("-", "_")


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands; with `only`, the arguments of that one alone."""
    parser = _Parser(
        prog="talkbot-tui",
        description=_("The chat for the terminal that never loses a message."),
        epilog=_("Without a command: open the chat."),
    )
    parser.add_argument("--version", action="version", version=f"talkbot-tui {__version__}")
    parser.add_argument("--lang", metavar="LANG", help=_("language of the interface: en or pt-BR"))
    parser.add_argument("--config", metavar="FILE", help=_("another configuration file"))
    commands = parser.add_subparsers(dest="command", metavar=_("COMMAND"), parser_class=_Parser)
    for name in COMMANDS:
        module = importlib.import_module(_module_name(name))
        sub = commands.add_parser(name, help=_(module.HELP), description=_(module.HELP))
        if only in (None, name):
            module.add_arguments(sub)
    return parser


def _asked_language(arguments: Sequence[str]) -> str:
    """`--lang` counts before parsing, so that errors and help speak it already."""
    for index, argument in enumerate(arguments):
        if argument == "--lang" and index + 1 < len(arguments):
            return i18n.normalize(arguments[index + 1])
        if argument.startswith("--lang="):
            return i18n.normalize(argument.removeprefix("--lang="))
    return i18n.detect(os.environ)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code (`cli.exit_codes`)."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    i18n.set_language(_asked_language(arguments))
    args = build_parser().parse_args(arguments)
    module = importlib.import_module(_module_name(args.command or DEFAULT))
    if args.command is None:
        module.add_arguments(defaults := _Parser(prog="talkbot-tui"))
        args = argparse.Namespace(**{**vars(defaults.parse_args([])), **vars(args)})
    try:
        code: int = module.run(args)
    except Problem as problem:
        sys.stderr.write(f"talkbot-tui: {problem}\n")
        return problem.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone; pointing stdout elsewhere keeps the
        # interpreter from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.OK
    return code
