"""From a foreign event's arguments to plain facts: who, what, where, when; all cleaned."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from talkbot_tui.client.dialects import paths
from talkbot_tui.client.dialects.declared import Receive
from talkbot_tui.core.text import clean, clean_line, clean_name

TEXT_MAX = 32_000
NAME_MAX = 64
ID_MAX = 256
LIST_MAX = 1_000
RAW_MAX = 300
UNTAKEN = "\0binary"
"""Stands for an event with attachments, which no server can send under this name."""
MILLISECONDS_FROM = 100_000_000_000
"""From here on a number is a time in milliseconds (1973), below in seconds (until 5138)."""
YEAR_10000_MS = 253_402_300_800_000


class Unfit(ValueError):
    """What came is not what the dialect says; the text names the field."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message as a foreign server tells it; "" and 0 for what it does not tell."""

    author: str
    name: str
    text: str
    room: str
    id: str
    client_id: str
    time: int
    offset: object = None


class Found:
    """The fields of one event, or of one element of its list."""

    def __init__(
        self,
        rule: Receive,
        arguments: Sequence[object],
        known: paths.Known,
        element: object = None,
    ) -> None:
        """`known`: what the names in templates stand for."""
        self._rule = rule
        self._arguments = arguments
        self._known = known
        self._element = element

    def value(self, name: str) -> object:
        """What the rule's way leads to, None where it has none."""
        ways = self._rule.fields.get(name, ())
        return paths.read(ways, self._arguments, self._known, self._element)

    def word(self, name: str, *, needed: bool = False) -> str:
        """A name, an id or a text: numbers count as such, anything else does not fit."""
        value = self.value(name)
        if value is None and not needed:
            return ""
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise Unfit(name)
        return str(value)

    def name(self, name: str, *, needed: bool = False) -> str:
        """What identifies somebody or something; cut where nobody would look at it."""
        return self.word(name, needed=needed)[:ID_MAX]

    def flag(self, name: str, default: bool) -> bool:
        """Yes or no; what is there and neither false, 0 nor empty is yes."""
        value = self.value(name)
        return default if value is None else bool(value)

    def said(self) -> Said:
        """All that is said of a message; raises `Unfit`."""
        author = self.name("author", needed=True)
        return Said(
            author,
            clean_line(self.word("author_name") or author, NAME_MAX) or "?",
            clean(self.word("text", needed=True)[:TEXT_MAX]),
            self.name("room"),
            self.name("id"),
            self.name("client_id"),
            time_of(self.value("time")),
            self.word("offset") and self.value("offset"),
        )

    def elements(self) -> Iterator[Found]:
        """The elements of the list, at most so many, the newest of them."""
        value = self.value("list")
        if isinstance(value, dict):
            value = list(value.values())
        if not isinstance(value, list):
            raise Unfit("list")
        for element in value[-LIST_MAX:]:
            yield Found(self._rule, self._arguments, self._known, element)


def time_of(value: object) -> int:
    """A time in ms: of a number of seconds or milliseconds, or a text as ISO 8601 has it; or 0."""
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value[:40])
            # Without a zone it is meant in the only one that everybody shares.
            value = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000
        except (ValueError, OverflowError):
            return 0
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        value = value if value >= MILLISECONDS_FROM else value * 1000
    else:
        return 0
    return int(value) if math.isfinite(value) and 0 < value < YEAR_10000_MS else 0


def fits(rule: Receive, arguments: Sequence[object]) -> bool:
    """Whether this rule is meant."""
    return all(
        (found := way.find(arguments)) == wanted and type(found) is type(wanted)
        for way, wanted in rule.when
    )


def id_of(said: Said) -> str:
    """An id by which the same message is known again, "" where it has nothing of its own."""
    if said.id or not said.time:
        return said.id
    whole = json.dumps([said.room, said.author, said.text, said.time])
    return "seen-" + hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:32]


def raw(name: str, arguments: Sequence[object]) -> str:
    """An event as it came, on one line and not at any length."""
    if name == UNTAKEN:
        return "`binary data`"
    try:
        words = json.dumps(list(arguments[:8]), ensure_ascii=False, default=_unwritable)
    except (ValueError, RecursionError):
        words = "…"
    return f"`{clean_line(name, NAME_MAX)}` {clean_line(words, RAW_MAX)}"


def title(name: str) -> str:
    """A name for the screen."""
    return clean_name(name[:NAME_MAX]) or "?"


def _unwritable(value: object) -> str:
    size = len(value) if isinstance(value, (bytes, bytearray)) else 0
    return f"<{size} bytes>"
