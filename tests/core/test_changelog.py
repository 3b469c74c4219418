from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from talkbot_tui.core.changelog import SPLICES_MAX, ChangeLog, patched
from talkbot_tui.core.changes import (
    LinkChanged,
    Noticed,
    RoomsChanged,
    TimelineChanged,
    TimelineReset,
)
from talkbot_tui.core.model import Row, Splice
from tests.core.people import message


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3), st.integers(0, 3))))
def test_merged_splices_do_what_the_single_ones_did(steps: list[tuple[int, int, int]]) -> None:
    rows: list[Row] = [message(seq) for seq in range(1, 8)]
    before = list(rows)
    log = ChangeLog()
    number = 100
    for start, removed, added in steps:
        start = min(start, len(rows))
        removed = min(removed, len(rows) - start)
        new = tuple(message(number + extra) for extra in range(added))
        number += added
        splice = Splice(start, removed, new)
        rows = patched(rows, [splice])
        log.splices("c1", [splice])
    for change in log.take():
        assert isinstance(change, TimelineChanged)
        before = patched(before, change.splices)
    assert before == rows


def test_a_burst_is_one_splice() -> None:
    log = ChangeLog()
    for seq in range(1000):
        log.splices("c1", [Splice(seq, 0, (message(seq + 1),))])
    (change,) = log.take()
    assert isinstance(change, TimelineChanged)
    assert len(change.splices) == 1
    assert len(change.splices[0].rows) == 1000


def test_what_came_and_went_in_one_turn_is_no_change() -> None:
    log = ChangeLog()
    log.splices("c1", [Splice(3, 0, (message(1),)), Splice(3, 1, ())])
    assert log.take() == ()


def test_a_reset_swallows_splices_until_it_is_taken() -> None:
    log = ChangeLog()
    log.splices("c1", [Splice(0, 0, (message(1),))])
    log.reset("c1")
    log.splices("c1", [Splice(0, 1, ())])
    assert log.take() == (TimelineReset("c1"),)
    log.splices("c1", [Splice(0, 1, ())])
    assert log.take() == (TimelineChanged("c1", (Splice(0, 1, ()),)),)


def test_splices_all_over_the_place_become_a_reset() -> None:
    log = ChangeLog()
    for number in range(SPLICES_MAX + 1):
        log.splices("c1", [Splice(1000 - 2 * number, 1, ())])
    assert log.take() == (TimelineReset("c1"),)


def test_each_kind_is_told_once_and_conversations_in_order() -> None:
    log = ChangeLog()
    for room in ("c2", "c1", "c2"):
        log.room(room)
        log.link()
    log.add(Noticed("a", ""))
    log.add(Noticed("b", ""))
    assert log.take() == (
        LinkChanged(),
        RoomsChanged(("c2", "c1")),
        Noticed("a", ""),
        Noticed("b", ""),
    )
    assert log.take() == ()
