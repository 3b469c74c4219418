from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from talkbot_tui.ui.wrapping import clip, pad, wrap

TEXTS = st.text(st.sampled_from("ab  \nçé漢字한👍🏽❤️👩‍💻🇧🇷é\u200d"), max_size=60)


def lines(text: str, width: int) -> list[str]:
    return [text[first:last] for first, last in wrap(text, width)]


@pytest.mark.parametrize(
    ("text", "width", "wanted"),
    [
        ("", 5, [""]),
        ("one two", 7, ["one two"]),
        ("one two", 6, ["one", "two"]),
        ("onetwothree", 4, ["onet", "woth", "ree"]),
        ("a\n\nb", 5, ["a", "", "b"]),
        ("漢字漢字", 5, ["漢字", "漢字"]),
        ("olá 漢字 é", 6, ["olá", "漢字 é"]),
        ("ab 👩‍💻👩‍💻", 5, ["ab", "👩‍💻👩‍💻"]),
        ("ação ação", 4, ["ação", "ação"]),
    ],
)
def test_breaks(text: str, width: int, wanted: list[str]) -> None:
    assert lines(text, width) == wanted


@given(TEXTS, st.integers(2, 12))
def test_no_line_is_too_wide_and_nothing_but_spaces_is_lost(text: str, width: int) -> None:
    cut = lines(text, width)
    assert all(cell_len(line) <= width for line in cut)
    kept = "".join(cut)
    assert kept.replace(" ", "") == text.replace(" ", "").replace("\n", "")


@example("\u200d\u200d字a", 2)
@given(TEXTS, st.integers(1, 12))
def test_clip_and_pad_fit(text: str, width: int) -> None:
    text = text.replace("\n", "")
    assert cell_len(clip(text, width)) <= width
    assert cell_len(pad(text, width)) == width


def test_joiners_before_the_first_character_do_not_hide_its_cells() -> None:
    text = "\u200d\u200d" + "\ufffd" * 7 + '%\u200d\u200d"'
    for first, last in wrap(text, 8):
        assert cell_len(text[first:last]) <= 8
