"""Strips as cells: what stands in each column, and how it looks.

A cell is its text and its look. The text is one grapheme, "" for the right half
of a wide one. The look is the SGR parameters, and after a NUL the link's target.
Blanks have a look of their background alone: the rest of it cannot be seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from rich.cells import get_character_cell_size, split_graphemes
from rich.color import ColorSystem
from rich.style import Style
from textual.strip import Strip

Cell = tuple[str, str]

PLAIN = ""
BLANK: Cell = (" ", PLAIN)
UNKNOWN: Cell = ("\0", PLAIN)
"""What stands there is not known; no strip has such a cell."""

LINK = "\0"

UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""What a terminal could obey. Text is cleaned when it is decoded (`core.text`); this is the last
door, for what came another way."""

REPLACEMENT = "\ufffd"
_FIT = re.compile("(?:https?://|mailto:)[\x21-\x7e]+")
"""Targets of links: of no other scheme, and nothing that could end the sequence they stand in."""

_VISIBLE_ON_BLANKS = frozenset({4, 7, 9, 21, 53})
"""Underline, reverse, strike, double underline, overline."""


class _Chars(dict[str, Cell]):
    """The cells of ASCII characters in one style; each is made once, so that equal ones are one."""

    def __init__(self, look: str, blank: str) -> None:
        super().__init__({" ": (" ", blank)})
        self._look = look

    def __missing__(self, char: str) -> Cell:
        cell = self[char] = char, self._look
        return cell


class Looks:
    """The looks of styles, for terminals of one colour system."""

    def __init__(self, colours: ColorSystem) -> None:
        """`colours`: what the terminal can show."""
        self._colours = colours
        self._known: dict[Style, tuple[str, str]] = {}
        self._chars: dict[tuple[str, str], _Chars] = {}

    def of(self, style: Style | None) -> tuple[str, str]:
        """The look of text in that style, and of blanks."""
        if style is None:
            return PLAIN, PLAIN
        look = self._known.get(style)
        if look is None:
            sgr = Strip.render_ansi(style, self._colours)
            link = style.link if style.link and fit_link(style.link) else ""
            text = f"{sgr}{LINK}{link}" if link else sgr
            look = self._known[style] = (text, text if link else behind(sgr))
        return look

    def cells(self, strip: Strip) -> list[Cell]:
        """The strip's cells, as many as it is wide."""
        cells: list[Cell] = []
        unsafe = False
        for text, style, control in strip:
            if control:
                continue
            if UNSAFE.search(text):
                unsafe = True
                text = UNSAFE.sub(REPLACEMENT, text)
            looks = self.of(style)
            if text.isascii():
                chars = self._chars.get(looks)
                if chars is None:
                    chars = self._chars[looks] = _Chars(*looks)
                cells.extend(map(chars.__getitem__, text))
            else:
                _add(cells, text, *looks)
        if unsafe:
            # What stands there instead is wider than what was measured.
            del cells[strip.cell_length :]
        return cells


def _add(cells: list[Cell], text: str, look: str, blank: str) -> None:
    spans, _width = split_graphemes(text)
    for start, end, width in spans:
        grapheme = text[start:end]
        if width:
            cells.append((grapheme, blank if grapheme == " " else look))
            cells.extend([("", look)] * (width - 1))
        elif cells:
            # A mark whose base stands in the strip's part before.
            at = -1 if cells[-1][0] else -2
            cells[at] = (cells[at][0] + grapheme, cells[at][1])


def fit_link(target: str) -> bool:
    """Whether a link may lead there: http, https or mailto, in ASCII without blanks."""
    return _FIT.fullmatch(target) is not None


def _drawn(sgr: str) -> bool:
    return any(codes[0] in _VISIBLE_ON_BLANKS for codes in _attributes(sgr))


@lru_cache(maxsize=4096)
def behind(sgr: str) -> str:
    """What of `sgr` can be seen on a blank: the background, or all where lines are drawn."""
    if _drawn(sgr):
        return sgr
    background = PLAIN
    for codes in _attributes(sgr):
        if 40 <= codes[0] <= 48 or 100 <= codes[0] <= 107:
            background = ";".join(map(str, codes))
    return background


@lru_cache(maxsize=8192)
def change(before: str, after: str) -> str:
    """The shortest SGR parameters that make `after` of the look `before`; both without links."""
    whole = f"0;{after}" if after else ""
    had, has = _parted(before), _parted(after)
    if not set(had[0]) <= set(has[0]):
        # What is drawn can only be taken away with all the rest.
        return whole
    codes = [mark for mark in has[0] if mark not in had[0]]
    for was, now, default in ((had[1], has[1], "39"), (had[2], has[2], "49")):
        if was != now:
            codes.append(now or default)
    added = ";".join(codes)
    return added if len(added) < len(whole) else whole


@lru_cache(maxsize=4096)
def _parted(sgr: str) -> tuple[tuple[str, ...], str, str]:
    """What is drawn, the foreground, the background; "" for the terminal's own colours."""
    marks: list[str] = []
    colours = {"3": "", "4": ""}
    for codes in _attributes(sgr):
        text = ";".join(map(str, codes))
        if 30 <= codes[0] <= 38 or 90 <= codes[0] <= 97:
            colours["3"] = text
        elif 40 <= codes[0] <= 48 or 100 <= codes[0] <= 107:
            colours["4"] = text
        else:
            marks.append(text)
    return tuple(marks), colours["3"], colours["4"]


@lru_cache(maxsize=4096)
def erasable(look: str) -> bool:
    """Whether erasing with this look gives its blanks: terminals erase in its background only."""
    return LINK not in look and behind(look) == look and not _drawn(look)


@lru_cache(maxsize=4096)
def doubtful(text: str) -> bool:
    """Whether terminals disagree on how wide this grapheme is."""
    if text.isascii():
        return False
    if len(text) > 1 or get_character_cell_size(text) == 0:
        return True
    # One half of a flag; symbols that are younger than many a terminal's table.
    return 0x1F1E6 <= ord(text) <= 0x1F1FF or ord(text) >= 0x1FA00


def _attributes(sgr: str) -> Iterator[list[int]]:
    codes = [int(code or 0) for code in sgr.split(";")] if sgr else []
    at = 0
    while at < len(codes):
        length = 1
        if codes[at] in (38, 48, 58) and at + 1 < len(codes):
            length = 5 if codes[at + 1] == 2 else 3
        yield codes[at : at + length]
        at += length
