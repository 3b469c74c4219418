"""Names that pass, that do not, and that look the same."""

from __future__ import annotations

import pytest

from talkbot_tui.server.names import (
    fold_channel_name,
    fold_user_name,
    mentioned,
    refuse_reserved,
    skeleton,
)
from talkbot_tui.wire.errors import Refused


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Ana", "ana"),
        (" bruno ", "bruno"),
        ("ＪＯＳÉ", "josé"),
        ("x_y.z-1", "x_y.z-1"),
        ("李雷", "李雷"),
    ],
)
def test_names_are_folded(given: str, name: str) -> None:
    assert fold_user_name(given) == name


@pytest.mark.parametrize(
    "given",
    ["", " ", "a b", "@ana", "-a", ".a", "a\u200bb", "a\u202eb", "x" * 33, "a/b", "a\x1b[1m"],
)
def test_other_names_are_refused(given: str) -> None:
    with pytest.raises(Refused):
        fold_user_name(given)


@pytest.mark.parametrize(
    "pair",
    [("ana", "аnа"), ("paypal", "pаypаl"), ("ana", "ANA"), ("modern", "modem"), ("ana1", "anal")],
)
def test_names_that_look_the_same_are_the_same(pair: tuple[str, str]) -> None:
    assert skeleton(pair[0]) == skeleton(pair[1])


@pytest.mark.parametrize("pair", [("ana", "anna"), ("josé", "jose"), ("a-b", "a.b"), ("u2", "u3")])
def test_others_are_not(pair: tuple[str, str]) -> None:
    assert skeleton(pair[0]) != skeleton(pair[1])


@pytest.mark.parametrize(
    "name", ["admin", "аdmin", "system", "everyone", "here", "você", "talkbot"]
)
def test_reserved_names_are_refused_by_their_look(name: str) -> None:
    with pytest.raises(Refused):
        refuse_reserved(name)


UNSEEN = "\u034f\u115f\u1160\u17b4\u180b\u3164\ufe00\ufe0f\uffa0\u00ad\u200d\U000e0041\U000e0100"


@pytest.mark.parametrize("char", UNSEEN)
def test_nobody_hides_a_character_in_a_name(char: str) -> None:
    with pytest.raises(Refused):
        fold_user_name(f"ana{char}")
    assert skeleton(f"an{char}a") == skeleton("ana")


@pytest.mark.parametrize("given", ["a\u0301\u0301", "a\u0316\u0317\u0318\u0319\u031c", "á\u0301"])
def test_marks_do_not_stack(given: str) -> None:
    with pytest.raises(Refused):
        fold_user_name(given)
    with pytest.raises(Refused):
        fold_channel_name(given)


@pytest.mark.parametrize(
    "given", ["\u2800", "\u3164", "\ufe0f", " \u2800 ", "geral\ufe00", "a\u034fb"]
)
def test_a_channel_has_a_name_to_see(given: str) -> None:
    with pytest.raises(Refused):
        fold_channel_name(given)


@pytest.mark.parametrize("given", ["café ☕\ufe0f", "Tiếng Việt", "日本", "ไทย", "हिन्दी"])
def test_a_channel_may_have_words_of_any_script(given: str) -> None:
    assert fold_channel_name(given)


def test_the_bot_may_have_its_name() -> None:
    refuse_reserved("talkbot", bot=True)
    with pytest.raises(Refused):
        refuse_reserved("admin", bot=True)


def test_channel_names_lose_their_mark() -> None:
    assert fold_channel_name("#geral") == "geral"
    with pytest.raises(Refused):
        fold_channel_name("a\u202eb")


def test_mentions_stand_alone_and_end_before_a_full_stop() -> None:
    assert "ana" in mentioned("oi @ana. tudo bem?")
    assert mentioned("escreva a ana@example.com, /@x") == []
    assert mentioned("@ana @ana")[0] == "ana"
    assert mentioned("sem ninguém @") == []
