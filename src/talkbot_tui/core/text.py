"""Makes any received text safe for a terminal; the words themselves are never changed.

What a terminal could obey is replaced by U+FFFD, visibly, one for one: control
characters, escape sequences' introducers, halves of surrogate pairs,
noncharacters. What could only confuse is left out: explicit bidi embeddings,
overrides and isolates (the marks LRM, RLM and ALM stay, they order
neighbours only), tags, and floods of combining or invisible characters.
Joiners and variation selectors stay, since emoji and many scripts need them.
"""

from __future__ import annotations

import re
import unicodedata

MARKS_MAX = 4
"""Combining marks kept on one base; more only stack over other lines."""

INVISIBLE_MAX = 2
"""Invisible characters kept in a row; an emoji sequence needs no more between visible ones."""

_EMPTY = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters by name, with nothing to see: fillers of Hangul, the braille pattern of no dots."""

_UNSEEN = frozenset({"Cf", "Mn", "Me", "Cc"})

TAB = "    "
REPLACEMENT = "\ufffd"

_PLAIN = re.compile(r"[\n\x20-\x7e\xa0-\xac\xae-\u02ff]*\Z")
"""The usual case: nothing to do. No controls, no soft hyphen, no combining marks."""

_NEWLINE = re.compile("\r\n?|[\u2028\u2029\x85\x0b\x0c]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]+")
_HIDDEN = re.compile("[\U000e0000-\U000e0fff\ufff9-\ufffb\u206a-\u206f]+")
_UNSAFE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
    )
    + "]"
)
INVISIBLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2060-\u2065\u3164\ufe00-\ufe0f\ufeff\uffa0"
)
"""What draws nothing, as a range for a pattern (Unicode's Default_Ignorable_Code_Point)."""
_FLOOD = re.compile(f"([{INVISIBLE}]{{{INVISIBLE_MAX}}})[{INVISIBLE}]+")
_MARKLESS = re.compile(
    "[\n -\u02ff\u0370-\u0482\u048a-\u058f\u2000-\u20cf\u2100-\u2cee\u3000-\u3029"
    "\u3030-\u3098\u309b-\ua66e\uac00-\ud7a3\uf900-\ufaff\ufe0e\ufe0f\uff00-\uffdc\ufffd"
    "\U0001f000-\U0001fbff\U00020000-\U0003fffd]*\\Z"
)
"""Scripts without combining marks: these need not be looked at one by one."""

_STYLES = "\ufe0e\ufe0f"
"""Variation selectors for text and emoji."""

_ACTIVE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
    "\ufff9-\ufffb\ufeff\U000e0000-\U000e0fff]"
)

_NAME_BREAKS = re.compile(r"\s+")
_NAME_HIDDEN = re.compile("[\u061c\u200e\u200f\u200b\u2060\ufeff\xad]")


def clean(text: str) -> str:
    """`text` as it may go to a terminal; lines end in newlines, tabs become spaces.

    Cleaning twice changes nothing more.
    """
    if _PLAIN.match(text):
        return text
    text = _NEWLINE.sub("\n", text).replace("\t", TAB)
    text = _UNSAFE.sub(REPLACEMENT, text)
    text = _HIDDEN.sub("", _BIDI.sub("", text))
    if not _MARKLESS.match(text):
        text = _unstack(text)
    return _FLOOD.sub(r"\1", text)


def clean_name(text: str) -> str:
    """`text` on one line, without anything that reorders its neighbours: names, topics."""
    text = _NAME_BREAKS.sub(" ", clean(_NAME_HIDDEN.sub("", text))).strip()
    while text and unicodedata.category(text[0]) in ("Mn", "Me", "Cf"):
        # It would be drawn onto whatever stands before the name.
        text = text[1:].lstrip()
    return text


def clean_line(text: str, limit: int = 200) -> str:
    """The beginning of a program's `text` on one line, cleaned: what a server says of a refusal."""
    # Cut twice: cleaning takes long for a long text, and the cut may leave a blank at the end.
    return clean_name(clean_name(text[: limit * 4])[:limit])


def is_blank(text: str) -> bool:
    """Whether nothing of `text` can be seen: blanks, invisible characters, marks on nothing."""
    return not text.strip() or all(
        char.isspace() or char in _EMPTY or unicodedata.category(char) in _UNSEEN for char in text
    )


def escaped(text: str) -> str:
    r"""`text` for logs and errors, on one line: controls and bidi controls as `\x1b`, `\u202e`."""
    return _ACTIVE.sub(lambda found: ascii(found[0])[1:-1], text)


def one_line(text: str, limit: int = 200) -> str:
    """The beginning of a cleaned `text` on one line, for lists."""
    line = _NAME_BREAKS.sub(" ", text[: limit * 4]).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _unstack(text: str) -> str:
    """Keep at most `MARKS_MAX` combining marks on each base."""
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        if char in _STYLES:
            # It belongs to the base and draws nothing; marks after it stack on those before.
            kept.append(char)
            continue
        if category in ("Mn", "Me") or _is_jamo(char):
            marks += 1
            if marks > MARKS_MAX:
                continue
        elif category != "Cf":
            marks = 0
        kept.append(char)
    return "".join(kept)


def _is_jamo(char: str) -> bool:
    """Vowels and finals of old Hangul: letters by name, drawn onto the one before."""
    return "\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7fb"
