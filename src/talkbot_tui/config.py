"""The user's settings: a frozen value, read from one TOML file, every mistake named.

No file is needed. A mistake is told with its file, line and key, and the
program stops before it does anything with half a configuration.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

from talkbot_tui import i18n

_ = i18n.Domain("cli")
N_ = i18n.N_

SIZE_MAX = 1024 * 1024


class ConfigError(ValueError):
    """The configuration file is wrong; the text has file, line, key and reason."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may set.

    server: address of the server that commands use when none is named.
    user: account there, when one has several.
    language: en or pt-BR; empty follows the environment.
    theme: name of a theme; empty follows the terminal.
    typing: whether others are told that we write.
    bell: ring for mentions and direct messages while the terminal has no focus.
    ascii: only ASCII marks; empty follows the terminal.
    lean: spare the link and the terminal what is only comfort; else only slow ones are.
    plain_output: leave the drawing to Textual; many more bytes, for terminals that err.
    snapshot: keep the last screen in a file, so that the next start shows it at once.
    ca_file: certificates (PEM) of authorities to be trusted besides the system's.
    allow_insecure: plain http to other machines.
    keys: key of a command, by the command's id (docs/keys.md).
    """

    server: str = ""
    user: str = ""
    language: str = ""
    theme: str = ""
    typing: bool = True
    bell: bool = True
    ascii: bool | None = None
    lean: bool = False
    plain_output: bool = False
    snapshot: bool = True
    ca_file: str = ""
    allow_insecure: bool = False
    keys: dict[str, str] = field(default_factory=dict)


_TYPES: dict[str, tuple[type, str]] = {
    "server": (str, N_("must be a text")),
    "user": (str, N_("must be a text")),
    "language": (str, N_("must be a text")),
    "theme": (str, N_("must be a text")),
    "typing": (bool, N_("must be true or false")),
    "bell": (bool, N_("must be true or false")),
    "ascii": (bool, N_("must be true or false")),
    "lean": (bool, N_("must be true or false")),
    "plain_output": (bool, N_("must be true or false")),
    "snapshot": (bool, N_("must be true or false")),
    "ca_file": (str, N_("must be a text")),
    "allow_insecure": (bool, N_("must be true or false")),
    "keys": (dict, N_("must be a table")),
}


THEMES = ("night", "day", "ansi")
LANGUAGES = ("en", "pt-BR")
_CHOICES = {"theme": THEMES, "language": LANGUAGES}


def load(path: Path, *, named: bool = False) -> Settings:
    """Read `path`; the defaults when it is not there, unless somebody `named` it.

    Raises `ConfigError`.
    """
    try:
        text = _read(path)
    except FileNotFoundError:
        if named:
            raise ConfigError(f"{path}: " + _("there is no such file")) from None
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, _why(error)) from None
    return parse(text, str(path))


def _read(path: Path) -> str:
    """The text of a plain file of which nobody else decides; raises `ConfigError`, `OSError`."""
    # Not blocking: opening a pipe would wait until somebody writes into it.
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise _unreadable(path, _("it is not a file"))
        if os.name == "posix" and facts.st_mode & stat.S_IWOTH:
            why = _("everybody may write to it; take that right away: chmod o-w")
            raise ConfigError(f"{path}: {why}")
        data = file.read(SIZE_MAX + 1)
    if len(data) > SIZE_MAX:
        raise _unreadable(path, _("it is longer than {most} bytes").format(most=SIZE_MAX))
    return data.decode("utf-8-sig")


def parse(text: str, name: str) -> Settings:
    """`text` as settings; `name` is the file's, for the errors."""
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise _no_toml(name, _("nested too deeply")) from None
    except ValueError as error:
        # A TOMLDecodeError, or what int() says of a number with thousands of digits.
        raise _no_toml(name, str(error)) from None
    known = {f.name for f in fields(Settings)}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(f"{name}:{_line(text, key)}: {key}: {_unknown(key, known)}")
        kind, words = _TYPES[key]
        if not isinstance(value, kind):
            raise ConfigError(f"{name}:{_line(text, key)}: {key}: {_(words)}")
        if key in _CHOICES and not _fits(key, value):
            reason = _("there is no {value}; choose {choices}").format(
                value=repr(value), choices=", ".join(_CHOICES[key])
            )
            raise ConfigError(f"{name}:{_line(text, key)}: {key}: {reason}")
    for command, keys in values.get("keys", {}).items():
        if not isinstance(keys, str):
            line = _line(text, command)
            raise ConfigError(f"{name}:{line}: keys.{command}: " + _("must be a text"))
    return Settings(**values)


def place(path: Path, key: str) -> str:
    """Where `key` is set in the file, as errors name it."""
    try:
        return f"{path}:{_line(path.read_text(encoding='utf-8'), key)}"
    except (OSError, UnicodeDecodeError):
        return str(path)


def _fits(key: str, value: object) -> bool:
    assert isinstance(value, str)
    if key == "language":
        return not value or i18n.knows(value)
    return not value or value in _CHOICES[key]


def _line(text: str, key: str) -> int:
    """Where `key` is set or its table opened, counted from 1."""
    pattern = re.compile(rf'^\s*\[?\s*"?{re.escape(key)}"?\s*[=\].]')
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.match(line):
            return number
    return 1


def _unknown(key: str, known: set[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, known, 1)
    if not near:
        return _("there is no such setting")
    return _("there is no such setting; did you mean {name}?").format(name=near[0])


def _unreadable(path: Path, why: str) -> ConfigError:
    return ConfigError(f"{path}: " + _("cannot be read: {why}").format(why=why))


def _no_toml(name: str, why: str) -> ConfigError:
    return ConfigError(f"{name}: " + _("not valid TOML: {why}").format(why=why))


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else _("it is not UTF-8")
