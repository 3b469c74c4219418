"""What the JSON of other servers may and may not be."""

from __future__ import annotations

import pytest

from talkbot_tui.client.strict_json import dumps, loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud800"', "\ufffd"),
        (r'"a\udc00b"', "a\ufffdb"),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\uD800\uD83D\uDE00"', "\ufffd😀"),
        (r'"\\ud800"', r"\ud800"),
        (r'"\\\ud800"', "\\\ufffd"),
        (r'{"a":["\ud83d",1]}', {"a": ["\ufffd", 1]}),
    ],
)
def test_half_a_surrogate_pair_costs_one_character(text: str, value: object) -> None:
    assert loads(text) == value
    assert loads(text.encode()) == value


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", '{"a"', '"\x01"', "", r'"\ud800', '"\ud800"']
)
def test_other_things_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(text)


def test_what_is_written_is_strict() -> None:
    assert loads(dumps({"a": "é😀"})) == {"a": "é😀"}
