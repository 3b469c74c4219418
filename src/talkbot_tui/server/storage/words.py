"""Words of a text as SQLite's full-text index cuts them, for databases that are told them.

PostgreSQL's own parsers cut by the locale of the cluster, take addresses and numbers apart
in ways of their own, and keep diacritics; then a search would find other messages than the
same search on SQLite (`unicode61 remove_diacritics 2`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

WORD_MAX = 500
"""Longer words are cut, in texts and in questions: PostgreSQL takes 2 KiB for one."""
_PLACES_MAX = 16_383
"""PostgreSQL counts no further; what comes later counts as there."""
_MARKS = range(0x300, 0x332)


def words(text: str) -> list[str]:
    """The words of `text` in order, in lower case, Latin letters without diacritics."""
    folded = "".join(map(_fold, text))
    return [word[:WORD_MAX] for word in folded.split(" ") if word]


def vector(text: str) -> str:
    """`text` in the written form of a `tsvector`."""
    places: dict[str, list[str]] = {}
    for place, word in enumerate(words(text), 1):
        places.setdefault(word, []).append(str(min(place, _PLACES_MAX)))
    return " ".join(f"{_quoted(word)}:{','.join(found)}" for word, found in places.items())


def question(asked: Sequence[str]) -> str:
    """A `tsquery` that finds every one of `asked`; the last may be unfinished.

    Empty when there is no word to look for.
    """
    phrases = [words(one) for one in asked]
    last = len(phrases) - 1
    parts = [
        " <-> ".join(map(_quoted, phrase)) + (":*" if index == last else "")
        for index, phrase in enumerate(phrases)
        if phrase
    ]
    return " & ".join(f"({part})" for part in parts)


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


@lru_cache(4096)
def _fold(char: str) -> str:
    """What a letter counts as: nothing for a mark on the one before, a blank between words."""
    if ord(char) in _MARKS:
        return ""
    category = unicodedata.category(char)
    if category[0] not in "LN" and category != "Co":
        return " "
    small = char.lower()
    base = unicodedata.normalize("NFD", small)
    return base[0] if base[0].isascii() else small
