from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkbot_tui.core import search
from talkbot_tui.core.model import Message, User
from talkbot_tui.core.search import Ask, Phrase, Query, parse, snippet, terms_of
from talkbot_tui.core.text import clean

ANA = User("u1", "ana")


def message(text: str) -> Message:
    return Message("m1", "r1", ANA, text, 1, server_msg_id="m1", seq=1)


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("build", (Phrase(("build",), prefix=True),)),
        ("Build gre", (Phrase(("build",)), Phrase(("gre",), prefix=True))),
        ("Build green ", (Phrase(("build",)), Phrase(("green",)))),
        ('"the build" x', (Phrase(("the", "build")), Phrase(("x",)))),
        ('"the bui', (Phrase(("the", "bui"), prefix=True),)),
        ("bui* red", (Phrase(("bui",), prefix=True), Phrase(("red",), prefix=True))),
        ("it's", (Phrase(("it", "s")),)),
        ("明日*", (Phrase(("明", "日")),)),
        ("AND OR NOT", (Phrase(("and",)), Phrase(("or",)), Phrase(("not",), prefix=True))),
    ],
)
def test_what_words_mean(words: str, query: tuple[Phrase, ...]) -> None:
    assert parse(words) == Query(query)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("", "empty"),
        (" !? ", "empty"),
        ('""', "empty"),
        ("a*", "too_short"),
        ("x* y*", "too_short"),
    ],
)
def test_what_cannot_be_searched_says_why(words: str, problem: str) -> None:
    assert parse(words) == Query(problem=problem)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Olá, AÇÃO!", ("ola", "acao")),
        ("cafe\u0301 Straße", ("cafe", "strasse")),
        ("हिन्दी में", ("हिन्दी", "में")),
        ("東京タワー, ok", (*"東京タワー", "ok")),
        ("한국어를", ("한국어를",)),
        ("go 🎉🎉now", ("go", "🎉", "🎉", "now")),
        ("a\u200bb\xadc", ("abc",)),
        ("x" * 100 + "é", ("x" * 64,)),
    ],
)
def test_the_terms_of_a_text(text: str, terms: tuple[str, ...]) -> None:
    assert terms_of(text) == terms


def test_a_snippet_is_one_line_around_the_first_hit_with_every_hit_marked() -> None:
    text = "word " * 60 + "the\nbuild is\tgreen, the Build was red " + "tail " * 60
    found = snippet(text, parse('build "the build"'))
    assert "\n" not in found.text
    assert [found.text[a:b] for a, b in found.marks] == ["the build", "the Build"]
    assert found.text.startswith("…")
    assert found.text.endswith("…")
    assert len(found.text) <= search.SNIPPET + 2


@given(st.text(max_size=80), st.text(max_size=20))
def test_no_input_is_refused_and_marks_are_places_of_what_was_asked(text: str, words: str) -> None:
    text, query = clean(text), parse(words)
    found = snippet(text, query)
    last = 0
    for first, end in found.marks:
        assert last <= first < end <= len(found.text)
        last = end
    fits = search.fits(message(text), query)
    assert bool(search.page([message(text)], Ask(words)).hits) is fits
    if fits:
        assert found.marks


@given(st.text(min_size=1, max_size=40))
def test_every_text_with_a_term_is_found_by_itself(text: str) -> None:
    text = clean(text).replace('"', " ")
    query = parse(f'"{text}"')
    assert query.problem or search.fits(message(text), query)
