"""The user's settings: a frozen value, read from one TOML file, every mistake named.

No file is needed. A mistake is told with its file, line and key, and the
program stops before it does anything with half a configuration.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path


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
    "allow_insecure": (bool, "true or false"),
    "keys": (dict, "a table"),
}


def load(path: Path) -> Settings:
    """Read `path`; the defaults when it is not there.

    Raises `ConfigError`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {_why(error)}") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> Settings:
    """`text` as settings; `name` is the file's, for the errors."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not valid TOML: {error}") from None
    known = {f.name for f in fields(Settings)}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(f"{name}:{_line(text, key)}: {key}: there is no such setting")
        kind, words = _TYPES[key]
        if not isinstance(value, kind):
            raise ConfigError(f"{name}:{_line(text, key)}: {key}: must be {words}")
    for command, keys in values.get("keys", {}).items():
        if not isinstance(keys, str):
            raise ConfigError(f"{name}:{_line(text, command)}: keys.{command}: must be a text")
    return Settings(**values)


def _line(text: str, key: str) -> int:
    """Where `key` is set or its table opened, counted from 1."""
    pattern = re.compile(rf'^\s*\[?\s*"?{re.escape(key)}"?\s*[=\].]')
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.match(line):
            return number
    return 1


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8"
