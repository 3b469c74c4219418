from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talkbot_tui.core.text import MARKS_MAX, clean, clean_name, is_blank, one_line

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60)
NASTY = st.text(
    st.sampled_from(
        "a\n\t \x1b\x9b\u202e\u2066\u2069\u0301\u0302\u200b\u200d\ufe0f\u115f\u1161❤\ud800"
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        "two\nlines",
        "Olá, já chegou? Não… 10 °C",
        "日本語と한국어",
        "שלום עולם",
        "مرحبا\u200fhello",
        "हिन्दी ไทย",
        "👩‍👩‍👧‍👦 ❤️ 🏳️‍🌈 👍🏽 1️⃣",
        "e\u0301 n\u0303",
        "می‌خواهم",
        "",
    ],
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a\x1b[2Jb", "a\ufffd[2Jb"),
        ("a\x1b]0;title\x07b", "a\ufffd]0;title\ufffdb"),
        ("a\x9b31mb", "a\ufffd31mb"),
        ("\x00\x08\x7f", "\ufffd\ufffd\ufffd"),
        ("a\tb", "a    b"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\x85b\u2028c\u2029d\x0be\x0cf", "a\nb\nc\nd\ne\nf"),
        ("\ud83d alone", "\ufffd alone"),
        ("\ufffe\U0010ffff\ufdd0", "\ufffd\ufffd\ufffd"),
        ("user\u202egpj.exe", "usergpj.exe"),
        ("\u2066a\u2069 \u202ab\u202c", "a b"),
        ("hidden\U000e0041\U000e0042", "hidden"),
        ("a" + "\u200b" * 50 + "b", "a\u200b\u200bb"),
        ("a" + "\u0301" * 50 + "b", "a" + "\u0301" * MARKS_MAX + "b"),
        ("가" + "\u1161" * 50, "가" + "\u1161" * MARKS_MAX),
    ],
)
def test_what_a_terminal_could_obey_is_taken_out(text: str, safe: str) -> None:
    assert clean(text) == safe


def test_a_variation_selector_does_not_make_room_for_more_marks() -> None:
    tower = "a" + "\u0300" * 4 + "\ufe0f" + "\u0300" * 4
    assert clean(tower) == "a" + "\u0300" * 4 + "\ufe0f"


@settings(max_examples=300)
@given(st.one_of(ANYTHING, NASTY))
def test_nothing_unsafe_comes_through(text: str) -> None:
    marks = 0
    for char in clean(text):
        category = unicodedata.category(char)
        assert char == "\n" or category not in ("Cc", "Cs", "Zl", "Zp")
        assert char not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        assert not 0xE0000 <= ord(char) <= 0xE0FFF
        assert ord(char) & 0xFFFE != 0xFFFE
        if category in ("Mn", "Me") and char not in "\ufe0e\ufe0f":
            marks += 1
        elif category != "Cf" and char not in "\ufe0e\ufe0f":
            marks = 0
        assert marks <= MARKS_MAX


@settings(max_examples=300)
@given(st.one_of(ANYTHING, NASTY))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@settings(max_examples=300)
@given(st.one_of(ANYTHING, NASTY))
def test_a_name_is_one_line_and_moves_no_neighbour(text: str) -> None:
    name = clean_name(text)
    assert name == name.strip()
    assert not set(name) & set("\n\t\u200e\u200f\u061c\u202e\u2067\u200b")
    assert clean_name(name) == name


def test_a_name_keeps_its_emoji_whole() -> None:
    assert clean_name(" ana 👩‍💻 \n") == "ana 👩‍💻"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "\u200b",
        "\u2800\u3164",
        "\u0301\u0302",
        "\ufeff\u00ad \u2060",
        "\U000e0041",
        "\u3000",
    ],
)
def test_nothing_to_see_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", [".", "\u200ba", "a\u0301", "👩\u200d👧", "\u0640", "한"])
def test_what_can_be_seen_is_not(text: str) -> None:
    assert not is_blank(text)


def test_a_long_line_is_cut_with_a_mark() -> None:
    assert one_line("a\n  b") == "a b"
    assert one_line("x" * 300) == "x" * 199 + "…"
    assert one_line("y" * 200) == "y" * 200
