"""What a terminal could obey never leaves, whichever way it came onto the screen."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from talkbot_tui.ui.terminal.cells import fit_link
from talkbot_tui.ui.terminal.guard import guarded
from talkbot_tui.ui.terminal.painter import Painter

UI = Path(__file__).parents[2] / "src" / "talkbot_tui" / "ui"
HOSTILE = (
    "\x1b]52;c;cm0gLXJm\x07",
    "\x1b]52;c;?\x1b\\",
    "\x1b[2J\x1b[H",
    "\x1b[?1049l",
    "\x1bc",
    "\x1b]0;title\x07",
    "\x1b[21t",
    "\x1b[6n",
    "\x1bP$q q\x1b\\",
    "\x05",
    "\x1b]8;;http://evil.example\x1b\\",
    "\x1b_Gf=24;\x1b\\",
    "\x9b31m",
    "\x9d52;c;x\x9c",
    "\x85",
    "\x00\x07\x08\x0b\x0c\x0e\x0f\x7f",
    "hello\rEVIL",
    "\u202eevil\u202c",
    "\u2066a\u2067b\u2069",
    "\U000e0041\U000e007f",
    "\u2028\u2029",
    "\ud800",
    "\x1b]",
    "\x1b[",
)
LINKS = (
    "http://h/\x07\x1b]52;c;x\x07",
    "http://h/\x1b\\\x1b[2J",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "ssh://-oProxyCommand=x",
    "http://h/ x",
    "http://h/\u202e",
    "data:text/html,x",
)
OURS = re.compile(
    r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;[!-:<-~]*;(?:(?:https?://|mailto:)[!-~]+)?\x1b\\|[\r\n]"
)


def updates(text: str, link: str = "") -> list[LayoutUpdate | ChopsUpdate]:
    strip = Strip([Segment(text, Style(bold=True, link=link or None)), Segment(" " * 40)])
    strip = Strip(list(strip), 40)
    return [
        LayoutUpdate([[strip]], Region(0, 0, 40, 1)),
        ChopsUpdate([{0: strip}], [(0, 0, 40)], [[40]]),
    ]


def left(written: str) -> str:
    """What is written besides the sequences of our own kind."""
    return OURS.sub("", written)


def unsafe(text: str) -> list[str]:
    return re.findall(
        "[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]", text
    )


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_text_reaches_the_terminal_as_anything_else(text: str) -> None:
    for update in updates(text):
        written = Painter(ColorSystem.TRUECOLOR).paint(update, (40, 1), (0, 0))
        assert unsafe(left(written)) == []
        assert not re.search(r"\x1b\[(?:2J|21t|6n|\?1049)", written)
        plain = guarded(update).render_segments(_console())
        assert unsafe(left(plain)) == []
        assert "\x1b[2J" not in plain


@pytest.mark.parametrize("link", LINKS, ids=ascii)
def test_no_link_leads_where_none_may(link: str) -> None:
    assert not fit_link(link)
    for update in updates("a link", link):
        written = Painter(ColorSystem.TRUECOLOR).paint(update, (40, 1), (0, 0))
        plain = guarded(update).render_segments(_console())
        for text in (written, plain):
            assert "]8;" not in text
            assert unsafe(left(text)) == []


def test_what_is_safe_is_not_touched() -> None:
    (update, _chops) = updates("olá 素晴らしい 👩‍👧", "https://example.org/a?b=c")
    assert isinstance(update, LayoutUpdate)
    safe = guarded(update)
    assert isinstance(safe, LayoutUpdate)
    assert next(iter(safe.strips[0])) is next(iter(update.strips[0]))


def _console() -> Console:
    return Console(color_system="truecolor", force_terminal=True)


PARSING = {"Static", "Label", "Button", "OptionList", "Option", "Link", "Markdown", "Tooltip"}
CALLS = {"notify", "from_markup", "render_markup", "print_markup", "open_url"}


def census() -> list[str]:
    """Uses of what Textual parses as markup: nothing of ours may hand it a text."""
    found = []
    for path in sorted(UI.rglob("*.py")):
        name = str(path.relative_to(UI))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func
                word = getattr(called, "id", getattr(called, "attr", ""))
                if word in PARSING or word in CALLS:
                    found.append(f"{name}:{node.lineno}: {word}")
            if isinstance(node, ast.Attribute) and node.attr in ("border_title", "border_subtitle"):
                found.append(f"{name}:{node.lineno}: {node.attr}")
            if isinstance(node, ast.keyword) and node.arg == "shell":
                found.append(f"{name}:{node.lineno}: shell")
    return found


def test_foreign_text_is_handed_to_nothing_that_parses_markup() -> None:
    assert census() == []


def test_the_census_can_find(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text(
        "self.notify(text)\nself.border_title = text\nyield Static(text)\nText.from_markup(text)\n"
    )
    monkeypatch.setattr("tests.ui.test_last_door.UI", tmp_path)
    assert len(census()) == 4
