"""The command line: one module per command, nothing heavy imported before it is chosen.

A command module has `HELP` (one line), `add_arguments(parser)` and
`run(args) -> int`; its name with `_` for `-` is the command's. Whatever costs
time to import is imported inside `run`.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from talkbot_tui import __version__, i18n
from talkbot_tui.cli import argparse_words, exit_codes
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.ui.opening import Opening

_ = i18n.Domain("cli")

COMMANDS = (
    "demo",
    "chat",
    "connect",
    "probe",
    "login",
    "logout",
    "whoami",
    "sessions",
    "tokens",
    "passwd",
    "rooms",
    "send",
    "tail",
    "outbox",
    "serve",
    "admin",
    "debug",
)
DEFAULT = "chat"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where help is."""

    def error(self, message: str) -> NoReturn:
        command = self.prog
        hint = _("try: {command} --help").format(command=command)
        _tell(f"{command}: {message} ({hint})")
        raise SystemExit(exit_codes.USAGE)


class _Whole(_Parser):
    """The program itself: its help has a line a command and must fit 24 rows.

    Attributes:
        listed: what each command does, by its name.
    """

    listed: dict[str, str]

    def format_help(self) -> str:
        commands = [f"  {name:<12} {text}" for name, text in self.listed.items()]
        options = [
            f"  {action.option_strings[-1]} {action.metavar}: {action.help}"
            for action in self._actions
            if action.option_strings and action.metavar
        ]
        lines = [self.format_usage().rstrip(), self.description, "", *commands, "", *options]
        return "\n".join([*map(str, lines), ""])


def _tell(line: str) -> None:
    """Names of files and words of servers are in it: they must not act on the terminal."""
    from talkbot_tui.core.text import escaped

    with suppress(OSError):
        if sys.stderr is not None:
            sys.stderr.write(escaped(line) + "\n")


def _readable_output() -> None:
    """Foreign text, and our own Portuguese, must not fail on a terminal of another encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _module_name(command: str) -> str:
    return "talkbot_tui.cli." + command.replace("-", "_")


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands; with `only`, the arguments of that one alone."""
    parser = _Whole(
        prog="talkbot-tui",
        allow_abbrev=False,
        description=_(
            "The chat for the terminal that never loses a message. Without a command it opens."
        ),
    )
    parser.add_argument("--version", action="version", version=f"talkbot-tui {__version__}")
    parser.add_argument(
        "--lang", metavar="LANG", type=_language, help=_("language of the interface: en or pt-BR")
    )
    parser.add_argument("--config", metavar="FILE", help=_("another configuration file"))
    commands = parser.add_subparsers(dest="command", metavar=_("COMMAND"), parser_class=_Parser)
    parser.listed = {}
    for name in COMMANDS:
        module = importlib.import_module(_module_name(name))
        parser.listed[name] = _(module.HELP)
        sub = commands.add_parser(
            name, help=parser.listed[name], description=_(module.HELP), allow_abbrev=False
        )
        if only in (None, name):
            module.add_arguments(sub)
    return parser


def _language(name: str) -> str:
    if not i18n.knows(name):
        raise argparse.ArgumentTypeError(_("a language is en or pt-BR"))
    return name


def _asked_language(arguments: Sequence[str]) -> str:
    """`--lang` counts before parsing, so that errors and help speak it already."""
    for index, argument in enumerate(arguments):
        if argument == "--lang" and index + 1 < len(arguments):
            return i18n.normalize(arguments[index + 1])
        if argument.startswith("--lang="):
            return i18n.normalize(argument.removeprefix("--lang="))
    return i18n.detect(os.environ)


def _offers_secret(arguments: Sequence[str]) -> bool:
    """Whether a secret stands in the command line, where every user of the machine can read it."""
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return any(word.partition("=")[0] in ("--password", "--token") for word in words)


def _secret_option() -> str:
    return _(
        "a secret in the command line can be read by others; use --password-stdin,"
        " --token-file or TALKBOT_TOKEN"
    )


def _with_command(arguments: list[str]) -> list[str]:
    """An option of the default command may stand without it: `talkbot-tui --theme day`."""
    place = 0
    while place < len(arguments) and arguments[place].partition("=")[0] in ("--lang", "--config"):
        place += 1 if "=" in arguments[place] else 2
    first = "".join(arguments[place : place + 1])
    if first.startswith("-") and first not in ("-h", "--help", "--version"):
        return [*arguments[:place], DEFAULT, *arguments[place:]]
    return arguments


def _mute() -> None:
    """What the buffer still holds goes nowhere: at exit the interpreter would complain of it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(arguments: Sequence[str] | None = None, *, opening: Opening | None = None) -> int:
    """Run a command and return its exit code (`cli.exit_codes`).

    opening: what the app finds on the terminal; taken away before anything is printed.
    """
    _readable_output()
    try:
        try:
            code = _run(list(sys.argv[1:] if arguments is None else arguments), opening)
        except SystemExit as ended:
            # How argparse ends, with help too: its output is flushed like any other.
            code = ended.code if isinstance(ended.code, int) else exit_codes.OK
        finally:
            if opening is not None:
                opening.give_back()
        if sys.stdout is not None:
            sys.stdout.flush()
    except Problem as problem:
        _tell(f"talkbot-tui: {problem}")
        return problem.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone.
        _mute()
        return exit_codes.OK
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _mute()
        _tell(_("talkbot-tui: the output is not whole, the disk is full"))
        return exit_codes.FAILURE
    return code


def _run(arguments: list[str], opening: Opening | None) -> int:
    i18n.set_language(_asked_language(arguments))
    argparse_words.speak(i18n.language())
    if _offers_secret(arguments):
        raise Problem(_secret_option(), exit_codes.USAGE)
    if opening is not None:
        # A plain start has no arguments to be parsed, and no other command's to be read.
        args = argparse.Namespace(lang=None, config=None, command=None)
    else:
        args = build_parser().parse_args(_with_command(arguments))
    module = importlib.import_module(_module_name(args.command or DEFAULT))
    if args.command is None:
        module.add_arguments(defaults := _Parser(prog="talkbot-tui"))
        args = argparse.Namespace(**{**vars(defaults.parse_args([])), **vars(args)})
    args.opening = opening
    code: int = module.run(args)
    return code
