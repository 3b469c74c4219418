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
    "server": (str, "a text"),
    "user": (str, "a text"),
    "language": (str, "a text"),
    "theme": (str, "a text"),
    "typing": (bool, "true or false"),
    "bell": (bool, "true or false"),
    "ascii": (bool, "true or false"),
    "lean": (bool, "true or false"),
    "plain_output": (bool, "true or false"),
    "snapshot": (bool, "true or false"),
    "ca_file": (str, "a text"),
    "allow_insecure": (bool, "true or false"),
    "keys": (dict, "a table"),
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
            raise ConfigError(f"{path}: there is no such file") from None
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {_why(error)}") from None
    return parse(text, str(path))


def _read(path: Path) -> str:
    """The text of a plain file of which nobody else decides; raises `ConfigError`, `OSError`."""
    # Not blocking: opening a pipe would wait until somebody writes into it.
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise ConfigError(f"{path}: cannot be read: it is not a file")
        if os.name == "posix" and facts.st_mode & stat.S_IWOTH:
            raise ConfigError(f"{path}: everybody may write to it; take that right away: chmod o-w")
        data = file.read(SIZE_MAX + 1)
    if len(data) > SIZE_MAX:
        raise ConfigError(f"{path}: cannot be read: it is longer than {SIZE_MAX} bytes")
    return data.decode("utf-8-sig")


def parse(text: str, name: str) -> Settings:
    """`text` as settings; `name` is the file's, for the errors."""
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{name}: not valid TOML: nested too deeply") from None
    except ValueError as error:
        # A TOMLDecodeError, or what int() says of a number with thousands of digits.
        raise ConfigError(f"{name}: not valid TOML: {error}") from None
    known = {f.name for f in fields(Settings)}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(f"{name}:{_line(text, key)}: {key}: there is no such setting")
        kind, words = _TYPES[key]
        if not isinstance(value, kind):
            raise ConfigError(f"{name}:{_line(text, key)}: {key}: must be {words}")
        if key in _CHOICES and not _fits(key, value):
            reason = f"there is no {value!r}; choose {', '.join(_CHOICES[key])}"
            raise ConfigError(f"{name}:{_line(text, key)}: {key}: {reason}")
    for command, keys in values.get("keys", {}).items():
        if not isinstance(keys, str):
            raise ConfigError(f"{name}:{_line(text, command)}: keys.{command}: must be a text")
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


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8"
