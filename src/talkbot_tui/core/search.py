"""Searching messages: what a query means, which texts fit it, and where.

A text is a row of terms: words without case and accents; scripts that write no
blanks between words give one term for each character, so that a part of a
sentence is a phrase. Store and doubles find by the same terms, so that they
find the same; nothing that is typed is ever the syntax of a database.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from talkbot_tui.core.model import Message

HITS = 50
"""How many hits one page has."""

PHRASES_MAX = 16
TERM_MAX = 64
"""Longer words are known by their beginning."""

PREFIX_MIN = 2
"""Beginnings of one character would find nearly everything."""

SNIPPET = 160
_LEAD = 40
"""How many characters stand before the first hit of a snippet, at most."""

_ASCII = re.compile(r"[a-z0-9]+")
_BLANK = re.compile(r"\s")
_PARTS = re.compile(r'"([^"]*)("?)|([^\s"]+)')
_UNBROKEN = re.compile(
    "[\u0e01-\u0e4e\u0e81-\u0ecd\u1000-\u109f\u1780-\u17dd\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]"
)
"""Scripts without blanks between words: Thai, Lao, Burmese, Khmer, kana, Han."""

_DROPPED = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u064b-\u065f\u0670\ufe00-\ufe0f]")
"""Accents, points and harakat: people search without them."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Terms that follow one another; with `prefix` the last one may go on."""

    terms: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Every phrase must occur.

    problem: why nothing can be searched: "", `empty` or `too_short`.
    """

    phrases: tuple[Phrase, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a store.

    words: as they were typed. conversation_id, sender_id: "" for any. since, until: ms, only
    messages in between (until excluded; 0 for no bound). before: `Found.more` of the page
    before this one, 0 for the newest.
    """

    words: str
    conversation_id: str = ""
    sender_id: str = ""
    since: int = 0
    until: int = 0
    before: int = 0
    limit: int = HITS


@dataclass(frozen=True, slots=True)
class Snippet:
    """A part of a text on one line; `marks` are the (first, end) offsets in it of what fits."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that fits."""

    message: Message
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Found:
    """A page of hits, newest first.

    more: what to ask for as `before` to go on, 0 at the end. problem: why something may be
    missing: "", `empty`, `too_short`, `building` (not everything is indexed yet), or
    `unavailable` (there is no index). indexed: how much of the cache is, from 0 to 1.
    """

    hits: tuple[Hit, ...] = ()
    more: int = 0
    problem: str = ""
    indexed: float = 1.0


def parse(words: str) -> Query:
    """What was typed: words, "phrases in quotes", beginnings*.

    The last word may be unfinished, until a blank follows it.
    """
    phrases: list[Phrase] = []
    short = False
    for found in _PARTS.finditer(words):
        quoted, closed, bare = found[1], found[2], found[3]
        terms = terms_of(bare or quoted or "")
        if not terms:
            continue
        last = found.end() == len(words)
        unfinished = bare is not None and (bare.endswith("*") or last)
        unfinished = unfinished or (quoted is not None and not closed)
        asked = bare is not None and bare.endswith("*")
        long_enough = len(terms[-1]) >= PREFIX_MIN
        if asked and not long_enough and not _folded(terms[-1])[1]:
            short = True
            continue
        phrases.append(Phrase(terms, unfinished and long_enough))
    if phrases:
        return Query(tuple(phrases[:PHRASES_MAX]))
    return Query(problem="too_short" if short else "empty")


def terms_of(text: str) -> tuple[str, ...]:
    """The terms of a text, in order."""
    if text.isascii():
        return tuple(term[:TERM_MAX] for term in _ASCII.findall(text.lower()))
    return tuple(term for term, _first, _end in _spans(text))


def fits(message: Message, query: Query) -> bool:
    """Whether a message has every phrase; what is deleted or still being written has none."""
    return hit_of(message, query) is not None


def hit_of(message: Message, query: Query) -> Hit | None:
    """The message with its snippet, if it fits: `fits` and `snippet` in one go."""
    if not is_searched(message):
        return None
    places = _places(message.text)
    terms = [place[0] for place in places]
    found = [_found(terms, phrase) for phrase in query.phrases]
    if not found or not all(found):
        return None
    marks = _joined(places, query, found)
    return Hit(message, _around(message.text, marks))


def is_searched(message: Message) -> bool:
    """Whether a message can be found at all."""
    return not message.deleted and not message.streaming


def snippet(text: str, query: Query) -> Snippet:
    """The part of `text` around the first phrase that occurs, with all that fits marked."""
    places = _places(text)
    terms = [place[0] for place in places]
    found = [_found(terms, phrase) for phrase in query.phrases]
    return _around(text, _joined(places, query, found))


def _around(text: str, marks: list[tuple[int, int]]) -> Snippet:
    first = marks[0][0] if marks else 0
    start = max(0, first - _LEAD)
    if start:
        blank = text.rfind(" ", start - 1, first)
        start = blank + 1 if blank >= 0 else start
    end = min(len(text), start + SNIPPET)
    lead, tail = "…" if start else "", "…" if end < len(text) else ""
    shift = len(lead) - start
    # Blank for blank, so that the offsets stay true.
    line = _BLANK.sub(" ", text[start:end])
    kept = tuple((a + shift, min(b, end) + shift) for a, b in marks if a >= start and a < end)
    return Snippet(lead + line + tail, kept)


def page(messages: Iterable[Message], ask: Ask) -> Found:
    """The answer to `ask` from all `messages`, in any order: what a store without an index does."""
    query = parse(ask.words)
    if query.problem:
        return Found(problem=query.problem)
    found = [hit for m in messages if wanted(m, ask) and (hit := hit_of(m, query))]
    found.sort(key=lambda h: (h.message.ts, h.message.conversation_id, h.message.seq), reverse=True)
    hits = tuple(found[ask.before : ask.before + ask.limit])
    end = ask.before + len(hits)
    return Found(hits, end if end < len(found) else 0)


def wanted(message: Message, ask: Ask) -> bool:
    """Whether a message is where, by whom and of the time that is asked for."""
    return (
        ask.conversation_id in ("", message.conversation_id)
        and ask.sender_id in ("", message.sender.user_id)
        and ask.since <= message.ts
        and (not ask.until or message.ts < ask.until)
    )


# --- terms and places -----------------------------------------------------------------


_FOLDS_MAX = 4096
_folds: dict[str, tuple[str, bool]] = {}
"""What became of characters that were met: there are few in a language."""


def _folded(char: str) -> tuple[str, bool]:
    """One character without case and accents, and whether it is a term by itself.

    "" for an accent, a blank for what stands between words.
    """
    found = _folds.get(char)
    if found is None:
        if len(_folds) >= _FOLDS_MAX:
            _folds.clear()
        plain = _fold(char)
        alone = bool(_UNBROKEN.match(plain)) or unicodedata.category(char) == "So"
        found = _folds[char] = (plain, alone)
    return found


def _fold(char: str) -> str:
    kind = unicodedata.category(char)
    if kind == "Cf" or _DROPPED.match(char):
        return ""
    if kind == "So":
        return char
    whole = unicodedata.normalize("NFKD", char).casefold()
    whole = unicodedata.normalize("NFC", _DROPPED.sub("", whole))
    kept = "".join(part for part in whole if unicodedata.category(part)[0] in "LNM")
    return kept or " "


def _spans(text: str) -> Iterator[tuple[str, int, int]]:
    """The terms with the offsets at which they begin and end."""
    term: list[str] = []
    size = first = 0
    for at, char in enumerate(text):
        folded, alone = _folded(char)
        if not folded:
            continue
        if term and (folded == " " or alone):
            yield "".join(term)[:TERM_MAX], first, at
            term, size = [], 0
        if alone:
            yield folded[:TERM_MAX], at, at + 1
        elif folded != " ":
            if not term:
                first = at
            if size < TERM_MAX:
                term.append(folded)
                size += len(folded)
    if term:
        yield "".join(term)[:TERM_MAX], first, len(text)


def _places(text: str) -> list[tuple[str, int, int]]:
    if text.isascii():
        found = _ASCII.finditer(text.lower())
        return [(match[0][:TERM_MAX], match.start(), match.end()) for match in found]
    return list(_spans(text))


def _found(terms: list[str], phrase: Phrase) -> list[int]:
    """The numbers of the terms at which the phrase begins."""
    *before, last = phrase.terms
    if phrase.prefix:
        ends = [at for at, term in enumerate(terms) if term.startswith(last)]
    elif last in terms:
        ends = [at for at, term in enumerate(terms) if term == last]
    else:
        return []
    count = len(before)
    return [at - count for at in ends if at >= count and terms[at - count : at] == before]


def _joined(
    places: Sequence[tuple[str, int, int]], query: Query, found: Sequence[Sequence[int]]
) -> list[tuple[int, int]]:
    """Where phrases stand in the text, ascending and without overlap."""
    spans = sorted(
        (places[start][1], places[start + len(phrase.terms) - 1][2])
        for phrase, starts in zip(query.phrases, found, strict=True)
        for start in starts
    )
    marks: list[tuple[int, int]] = []
    for first, end in spans:
        if marks and first <= marks[-1][1]:
            marks[-1] = (marks[-1][0], max(end, marks[-1][1]))
        else:
            marks.append((first, end))
    return marks
