from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from talkbot_tui.core.ranges import Ranges

SPANS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 8)))


def made(spans: list[tuple[int, int]]) -> tuple[Ranges, set[int]]:
    pairs = [(first, first + more) for first, more in spans]
    return Ranges(pairs), {seq for first, last in pairs for seq in range(first, last + 1)}


@given(SPANS)
def test_the_spans_are_the_set_they_stand_for(spans: list[tuple[int, int]]) -> None:
    ranges, held = made(spans)
    assert {seq for first, last in ranges.spans for seq in range(first, last + 1)} == held
    assert all(a[1] + 1 < b[0] for a, b in zip(ranges.spans, ranges.spans[1:], strict=False))
    assert all(ranges.holds(seq) == (seq in held) for seq in range(45))
    assert ranges.first == min(held, default=0)
    assert ranges.last == max(held, default=0)


@given(SPANS, st.integers(0, 45))
def test_holes_are_what_is_missing_above_the_first(spans: list[tuple[int, int]], top: int) -> None:
    ranges, held = made(spans)
    missing = {seq for first, last in ranges.holes(top) for seq in range(first, last + 1)}
    expected = set(range(min(held), top + 1)) - held if held else set()
    assert missing == expected


@given(SPANS, st.integers(0, 45))
def test_the_end_is_reached_over_held_seqs_alone(spans: list[tuple[int, int]], seq: int) -> None:
    ranges, held = made(spans)
    end = seq
    while end + 1 in held:
        end += 1
    assert ranges.end_from(seq) == end


def test_an_empty_range_changes_nothing() -> None:
    ranges = Ranges([(5, 4)])
    assert ranges.spans == ()
    assert ranges.holes(10) == []
