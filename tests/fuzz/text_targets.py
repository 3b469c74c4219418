"""What people write, on its way to the screen."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable
from urllib.parse import urlsplit

from talkbot_tui.bots import speech
from talkbot_tui.bots.quotes import quoted
from talkbot_tui.bots.skills import dice, polls, reminders
from talkbot_tui.core.text import INVISIBLE, INVISIBLE_MAX, clean, clean_name, is_blank, one_line
from talkbot_tui.i18n import ENGLISH
from talkbot_tui.server import names
from talkbot_tui.ui import markdown as md
from talkbot_tui.ui.ink import Span, width_of
from talkbot_tui.ui.wrapping import pad, wrap
from talkbot_tui.wire.scalars import TEXT_MAX
from tests.fuzz.draw import Draw, text_of

FLOOD = re.compile(f"[{INVISIBLE}]{{{INVISIBLE_MAX + 1}}}")
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029"
    "\u202a-\u202e\u2066-\u206f\U000e0000-\U000e0fff\ufff9-\ufffb]"
)
PATIENCE_S = 0.25
"""Seconds of the processor that any function may take for the longest text, while it is traced."""


def cleaning(data: bytes) -> None:
    """What `clean` lets through harms no terminal, and passes again as it is."""
    text = text_of(data)
    shown = clean(text)
    assert clean(shown) == shown
    assert len(shown) <= 4 * len(text)
    assert not FLOOD.search(shown)
    assert not FORBIDDEN.search(shown)
    name = clean_name(text)
    assert clean_name(name) == name == clean(name)
    assert "\n" not in name
    assert not name or unicodedata.category(name[0]) not in ("Mn", "Me", "Cf")
    line = one_line(shown, 20)
    assert len(line) <= 20
    assert "\n" not in line
    is_blank(text)


def markdown(data: bytes) -> None:
    """Lines fit the width, nothing new comes in, links lead where they may."""
    draw = Draw(data)
    # Below 4 a wide character with the bar of code before it has no place.
    width = 4 + draw.below(100)
    text = clean(text_of(draw.left()))
    lead = (Span("ana "),) if width % 2 else ()
    for line in md.render(text, width, "ana", "│", lead):
        assert all("\n" not in span.text for span in line)
        assert width_of(line) <= width
        for span in line:
            _leads_well(span.link)
    assert len(md.plain(text)) <= len(text) * 2
    for first, last in wrap(text, width):
        assert 0 <= first <= last <= len(text)
    assert width_of([Span(pad(text.replace("\n", " "), width))]) == width


def _leads_well(link: str) -> None:
    assert link.isascii()
    assert not any(char.isspace() or not char.isprintable() for char in link)
    assert not link or urlsplit(link).scheme.lower() in ("http", "https", "mailto")


LONG: tuple[Callable[[str], object], ...] = (
    clean,
    clean_name,
    is_blank,
    one_line,
    md.inline,
    md.plain,
    lambda text: md.render(text, 80, "ana"),
    lambda text: md.render(text, 1),
    lambda text: pad(text, 40),
    names.mentioned,
    quoted,
    speech.understand,
    lambda text: speech.without_mention(text, "talkbot"),
    lambda text: speech.language_of(text, ENGLISH),
    polls.parse,
    reminders.parse,
    lambda text: dice.roll(text, ENGLISH, lambda low, _high: low),
)


def long_texts(data: bytes) -> None:
    """A text of the full length, of pieces said again and again: no function is slow over it."""
    draw = Draw(data)
    ways = draw.byte()
    pieces = draw.left().split(b"\x01")
    once = [bool(ways >> number & 1) for number in range(len(pieces))]
    size = (TEXT_MAX - len(data)) // max(1, once.count(False))
    grown = [_grown(text_of(piece), size, one) for piece, one in zip(pieces, once, strict=True)]
    text = "".join(grown)[:TEXT_MAX]
    for take in LONG:
        if _seconds(take, text) > PATIENCE_S:
            # Twice more: the machine may have been busy, or may be a slow one.
            least = min(_seconds(take, text), _seconds(take, text))
            assert least < PATIENCE_S * _pace(), f"{take} takes {least:.2f} s"


def _grown(piece: str, size: int, once: bool) -> str:
    if once or not piece:
        return piece
    if piece[0] == "+":
        # Runs of every length: what no pattern pairs.
        return "".join(piece[1:] * number + " " for number in range(1, 128))[:size]
    return piece * (size // len(piece))


def _pace() -> float:
    """How many times slower this machine is now than one that counts to 200,000 in 10 ms."""
    return max(1.0, _seconds(lambda _text: sum(map(int.bit_length, range(200_000))), "") / 0.01)


def _seconds(take: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    take(text)
    return time.process_time() - began
