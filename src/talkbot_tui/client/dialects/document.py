"""A dialect's file as a tree whose every mistake is told with file, line and key."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from talkbot_tui.core.text import escaped

_TABLE = re.compile(r"\s*\[([^\[\]].*?)\]\s*(?:#.*)?$")
_ELEMENT = re.compile(r"\s*\[\[(.+?)\]\]\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[\w.-]+(?:\s*\.\s*[\w-]+)*)\s*=""")
_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+))\s*(?:\.|$)""")
Key = tuple[str | int, ...]
"""The way to a value: names, and places in lists of tables from 0."""


class DialectError(ValueError):
    """A dialect that cannot be used; the text is one line with file, line, key and reason.

    Attributes:
        line: from 1; 0 where it is about the whole file.
        key: the key as it is written, `receive[2].text`; "" where it is about none.
        reason: the rest.
    """

    def __init__(self, name: str, line: int, key: str, reason: str) -> None:
        """`name` is the file's."""
        place = f"{name}:{line}" if line else name
        text = f"{place}: {key}: {reason}" if key else f"{place}: {reason}"
        super().__init__(escaped(text))
        self.line = line
        self.key = key
        self.reason = reason


class Table:
    """One table of the file; what is read of it is ticked off, and the rest is a mistake."""

    def __init__(self, document: Document, key: Key, values: dict[str, Any]) -> None:
        """`key` is the way to it."""
        self.key = key
        self._document = document
        self._values = values
        self._read: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def wrong(self, name: str, reason: str) -> DialectError:
        """The mistake in one of its keys, to be raised; "" for the table itself."""
        return self._document.wrong((*self.key, name) if name else self.key, reason)

    def value(self, name: str) -> Any:
        """What stands there as it is, None for nothing."""
        self._read.append(name)
        return self._values.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be there."""
        value = self.value(name)
        if value is None and default is not None:
            return default
        if value is None:
            raise self.wrong("", f"{name} is missing")
        if not isinstance(value, str) or not value:
            raise self.wrong(name, "must be a text that is not empty")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Yes or no."""
        value = self.value(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(name, "must be true or false")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of these words."""
        value = self.text(name, default)
        if value not in choices:
            raise self.wrong(name, f"there is no {value!r}; choose {', '.join(choices)}")
        return value

    def texts(self, name: str) -> dict[str, str]:
        """A table of texts, empty where there is none."""
        value = self.value(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise self.wrong(name, "must be a table of texts")
        return value

    def table(self, name: str) -> Table | None:
        """A table in it, None where there is none."""
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(name, "must be a table")
        return Table(self._document, (*self.key, name), value)

    def tables(self, name: str) -> Iterator[Table]:
        """The tables of a list, in order."""
        value = self.value(name)
        if value is None:
            return
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.wrong(name, f"must be a list of tables: [[{name}]]")
        for number, item in enumerate(value):
            yield Table(self._document, (*self.key, name, number), item)

    def done(self) -> None:
        """Everything was read; raises `DialectError` for a key that nobody knows."""
        for name in self._values:
            if name not in self._read:
                known = list(dict.fromkeys(self._read))
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise self.wrong(name, f"there is no such key; {hint}")


class Document:
    """A whole file.

    Attributes:
        name: the file's, as errors say it.
        top: its outermost table.
    """

    def __init__(self, text: str, name: str) -> None:
        """Raises `DialectError` for what is no TOML."""
        self.name = name
        try:
            values = tomllib.loads(text)
        except RecursionError:
            raise DialectError(name, 0, "", "not valid TOML: nested too deeply") from None
        except ValueError as error:
            found = re.search(r"\(at line (\d+), column \d+\)", str(error))
            line = int(found[1]) if found else 0
            raise DialectError(name, line, "", f"not valid TOML: {error}") from None
        self._lines = _lines(text)
        self.top = Table(self, (), values)

    def wrong(self, key: Key, reason: str) -> DialectError:
        """The mistake at `key`, to be raised."""
        line, way = 0, key
        while way and not line:
            line = self._lines.get(way, 0)
            way = way[:-1]
        return DialectError(self.name, line or 1, written(key), reason)


def written(key: Key) -> str:
    """A key as people write it."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            plain = re.fullmatch(r"[\w-]+", part)
            text += ("." if text else "") + (part if plain else repr(part))
    return text


def _lines(text: str) -> dict[Key, int]:
    """Where each key stands, counted from 1; `tomllib` does not tell."""
    found: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    closing = ""
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if element := _ELEMENT.match(line):
            key = _within(_parts(element[1]), counts)
            counts[key] = counts.get(key, -1) + 1
            table = (*key, counts[key])
            found.setdefault(key, number)
            found[table] = number
        elif opened := _TABLE.match(line):
            table = _within(_parts(opened[1]), counts)
            found.setdefault(table, number)
        elif key_of := _KEY.match(line):
            parts = _parts(key_of[1])
            for depth in range(1, len(parts) + 1):
                found.setdefault((*table, *parts[:depth]), number)
        for quotes in ('"""', "'''"):
            if line.count(quotes) % 2:
                closing = quotes
    return found


def _parts(written_key: str) -> Key:
    parts: list[str | int] = []
    place = 0
    while place < len(written_key):
        found = _PART.match(written_key, place)
        if found is None or found.end() == place:
            break
        doubly, singly, bare = found.groups()
        parts.append(bare or singly or (_unescaped(doubly) if doubly else ""))
        place = found.end()
    return tuple(parts)


def _unescaped(text: str) -> str:
    try:
        return str(tomllib.loads(f'key = "{text}"')["key"])
    except tomllib.TOMLDecodeError:
        return text


def _within(parts: Key, counts: dict[Key, int]) -> Key:
    """The way with the places of the lists that it leads through."""
    way: Key = ()
    for part in parts[:-1]:
        way = (*way, part)
        if way in counts:
            way = (*way, counts[way])
    return (*way, *parts[-1:])
