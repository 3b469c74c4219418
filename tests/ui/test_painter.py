"""What the screen layer sends is what the terminal can do."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from talkbot_tui.ui.terminal.painter import Painter
from tests.emulator import Emulator

WIDTH, HEIGHT = 40, 12

SCROLLED = """
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip
from rich.segment import Segment
from talkbot_tui.ui.terminal.layer import LayeredApp

rows = [[Strip([Segment(f"row {n}".ljust(40))])] for n in range(13)]
painter = LayeredApp().painter
for first in (0, 1):
    update = LayoutUpdate(rows[first : first + 12], Region(0, 0, 40, 12))
    text = painter.paint(update, (40, 12), (0, 0))
print(repr(text))
"""


@pytest.mark.parametrize(
    ("term", "scrolls"),
    [
        ("linux", False),
        ("vt100", False),
        ("vt220", False),
        # It has SU and SD, but no rows that scroll by themselves.
        ("ansi", False),
        ("no-such-terminal", False),
        ("xterm-256color", True),
        ("screen-256color", True),
        ("tmux-256color", True),
    ],
)
def test_only_terminals_that_can_scroll_are_told_to(term: str, scrolls: bool) -> None:
    # Python asks terminfo about one terminal in a process only.
    done = subprocess.run(
        [sys.executable, "-c", SCROLLED],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={**os.environ, "TERM": term},
    )
    assert bool(re.search(r"\[\d*[ST]", done.stdout)) is scrolls
    assert bool(re.search(r"\[\d+;\d+r", done.stdout)) is scrolls


@pytest.mark.parametrize("look", ["underline", "reverse", "strike", "underline2", "overline"])
@pytest.mark.parametrize("colours", ["", " on #204060"])
@pytest.mark.parametrize("end", ["", "|"])
def test_blanks_on_which_a_mark_is_seen_are_written(look: str, colours: str, end: str) -> None:
    strip = Strip([Segment(" " * 20, Style.parse(look + colours)), Segment(end.ljust(20))])
    strip = strip.crop(0, 20 + len(end))
    update = LayoutUpdate([[strip]], Region(0, 0, strip.cell_length, 1))
    size = strip.cell_length, 1
    stock, ours = Emulator(*size), Emulator(*size)
    stock.write(update.render_segments(Console(color_system="truecolor", force_terminal=True)))
    written = Painter(ColorSystem.TRUECOLOR).paint(update, size, (0, 0))
    ours.write(written)
    assert ours.row(0) == stock.row(0)
    assert " " * 20 in written


def test_what_a_terminal_erases_has_a_background_and_no_mark() -> None:
    for erase in ("\x1b[K", "\x1b[20X", "\x1b[J"):
        terminal = Emulator(WIDTH, HEIGHT)
        terminal.write(f"\x1b[H\x1b[4;7;9;44m{erase}")
        assert terminal.row(0)[0] == (" ", "blue")
