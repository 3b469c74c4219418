from __future__ import annotations

import pytest
from textual.color import Color

from talkbot_tui.ui import glyphs, themes
from talkbot_tui.ui.ink import COLOURS
from tests.ui.scenes import GENERAL, make_app, make_engine
from tests.ui.seen import text


@pytest.mark.parametrize("name", ["night", "day"])
def test_every_text_can_be_read_on_every_background(name: str) -> None:
    theme = next(theme for theme in themes.THEMES if theme.name == name)
    own = theme.variables
    backgrounds = [theme.background, own["chat-raised"], own["chat-selected"]]
    texts = [theme.foreground, *(own[f"chat-{colour}"] for colour in COLOURS)]
    low = [
        (text, background)
        for text in texts
        for background in backgrounds
        if contrast(text or "", background or "") < 4.5
    ]
    assert low == []


def contrast(one: str, other: str) -> float:
    lights = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))), reverse=True)
    return (lights[0] + 0.05) / (lights[1] + 0.05)


def luminance(color: Color) -> float:
    def linear(value: int) -> float:
        part = value / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def test_the_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(
    ("environ", "wanted", "theme"),
    [
        ({"TERM": "xterm-256color"}, "", "night"),
        ({"TERM": "xterm-256color"}, "day", "day"),
        ({"TERM": "xterm-256color"}, "no such", "night"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "day", "ansi"),
        ({"TERM": "linux"}, "", "ansi"),
        ({"TERM": "vt100"}, "", "ansi"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15"}, "", "day"),
    ],
)
def test_the_theme_to_begin_with(environ: dict[str, str], wanted: str, theme: str) -> None:
    assert themes.choose(wanted, environ) == theme


@pytest.mark.parametrize(
    ("environ", "wanted", "ascii_only"),
    [
        ({"TERM": "xterm", "LANG": "pt_BR.UTF-8"}, None, False),
        ({"TERM": "xterm", "LANG": "pt_BR.ISO-8859-1"}, None, True),
        ({"TERM": "xterm", "LANG": "en_US.UTF-8", "LC_ALL": "C"}, None, True),
        ({"TERM": "linux", "LANG": "en_US.UTF-8"}, None, True),
        ({"TERM": "linux"}, False, False),
        ({"TERM": "xterm", "LANG": "en_US.UTF-8"}, True, True),
        ({"TERM": "xterm"}, None, False),
    ],
)
def test_the_marks_for_a_terminal(
    environ: dict[str, str], wanted: bool | None, ascii_only: bool
) -> None:
    assert (glyphs.choose(environ, wanted) is glyphs.ASCII) is ascii_only


def test_the_ascii_set_is_ascii() -> None:
    for name in glyphs.ASCII.__dataclass_fields__:
        assert getattr(glyphs.ASCII, name).isascii()


@pytest.mark.parametrize("keys", [(), ("ctrl+k",), ("ctrl+p",), ("f1",), ("shift+tab", "i")])
async def test_where_only_ascii_can_be_shown_nothing_of_ours_is_else(keys: tuple[str, ...]) -> None:
    engine = make_engine()
    app = make_app(engine, environ={"TERM": "xterm", "LANG": "C"})
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        theirs = str(engine.session.timeline(GENERAL).rows[:])
        odd = {char for char in text(pilot) if not char.isascii()} - set(theirs)
        assert odd == set(), text(pilot)
