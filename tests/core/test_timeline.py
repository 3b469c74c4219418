from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from talkbot_tui.core.changelog import patched
from talkbot_tui.core.model import (
    Gap,
    MemberChanged,
    Message,
    MessageEdited,
    Note,
    SendState,
    Splice,
    row_key,
)
from talkbot_tui.core.timeline import Timeline
from tests.core.people import ANA, BRUNO, CARLA, message, posted


def opened(*seqs: int) -> Timeline:
    timeline = Timeline("c1")
    timeline.open()
    for seq in seqs:
        timeline.put(posted(seq))
        timeline.hold(seq, seq)
    timeline.regap()
    return timeline


def echo(name: str) -> Message:
    return Message(
        key=name,
        conversation_id="c1",
        sender=ANA,
        text=name,
        ts=1,
        client_msg_id=name,
        state=SendState.QUEUED,
    )


def home(name: str, seq: int) -> Message:
    return replace(
        echo(name), server_msg_id=f"s-{seq}", seq=seq, changed_seq=seq, state=SendState.SENT
    )


def test_messages_stand_by_seq_and_echoes_last() -> None:
    timeline = opened(1)
    timeline.put_local(echo("mine"))
    timeline.put(posted(2))
    assert [row_key(row) for row in timeline.rows] == ["m-c1-1", "m-c1-2", "mine"]


def test_the_common_ack_is_one_splice_at_the_same_place() -> None:
    timeline = opened(1)
    timeline.put_local(echo("mine"))
    assert timeline.confirm(home("mine", 2)) == [Splice(1, 1, (home("mine", 2),))]


def test_an_echo_whose_message_comes_later_in_the_log_moves() -> None:
    timeline = opened(1)
    timeline.put_local(echo("first"))
    timeline.put_local(echo("second"))
    before = list(timeline.rows)
    splices = timeline.confirm(home("second", 2))
    assert patched(before, splices) == list(timeline.rows)
    assert [row_key(row) for row in timeline.rows] == ["m-c1-1", "second", "first"]


def test_a_known_message_changes_nothing() -> None:
    timeline = opened(1, 2)
    assert timeline.put(posted(2)) == []
    assert timeline.confirm(message(2)) == []


def test_what_happened_in_the_room_is_a_note() -> None:
    timeline = opened(1)
    timeline.put(MemberChanged("c1", 2, 5, BRUNO, CARLA, "invited"))
    assert timeline.rows[1] == Note(2, 5, BRUNO, "invited", CARLA)
    assert timeline.find("note:2") == 1


def test_missing_seqs_are_a_row_between_what_is_held() -> None:
    timeline = opened(1, 2)
    timeline.put(posted(7))
    timeline.hold(7, 7)
    timeline.skip_to(7)
    assert timeline.regap() == [Splice(2, 0, (Gap(3, 6),))]
    assert timeline.rows[2] == Gap(3, 6)
    assert timeline.find("gap:6") == 2
    assert timeline.regap(fetching=6) == [Splice(2, 1, ()), Splice(2, 0, (Gap(3, 6, True),))]


def test_a_gap_shrinks_and_closes() -> None:
    timeline = opened(1)
    timeline.put(posted(5))
    timeline.hold(5, 5)
    timeline.skip_to(5)
    timeline.regap()
    for seq in (4, 3, 2):
        timeline.put(posted(seq))
        timeline.hold(seq, seq)
        timeline.regap()
    assert [getattr(row, "seq", None) for row in timeline.rows] == [1, 2, 3, 4, 5]
    assert timeline.gaps == ()


def test_an_early_message_shows_no_gap_until_it_is_overdue() -> None:
    timeline = opened(1)
    timeline.put(posted(3))
    timeline.hold(3, 3)
    assert timeline.cursor == 1
    assert timeline.regap() == []
    timeline.overdue = True
    timeline.regap()
    assert timeline.gaps == (Gap(2, 2),)
    timeline.hold(2, 2)
    assert timeline.cursor == 3


def test_a_change_for_a_message_that_is_not_held_waits_for_it() -> None:
    timeline = opened(5)
    edit = MessageEdited("c1", 6, 6, BRUNO, "m-c1-2", "new words", 1)
    assert timeline.put(edit) == []
    timeline.lower(1)
    timeline.put(posted(2))
    row = timeline.rows[0]
    assert isinstance(row, Message)
    assert row.text == "new words"


def test_a_waiting_change_that_the_page_contains_is_old() -> None:
    timeline = opened(5)
    timeline.put(MessageEdited("c1", 6, 6, BRUNO, "m-c1-2", "older", 1))
    timeline.lower(1)
    served = replace(
        posted(2), message=replace(message(2), text="newest", revision=2, changed_seq=9)
    )
    timeline.put(served)
    row = timeline.rows[0]
    assert isinstance(row, Message)
    assert row.text == "newest"


def test_a_closed_timeline_holds_numbers_and_echoes_but_no_rows() -> None:
    timeline = Timeline("c1")
    timeline.put_local(echo("mine"))
    assert timeline.put(posted(1)) == []
    timeline.hold(1, 1)
    assert [row_key(row) for row in timeline.rows] == ["mine"]
    assert (timeline.cursor, timeline.ranges) == (1, ((1, 1),))


def test_unloading_and_forgetting_keep_the_echoes() -> None:
    timeline = opened(1, 2)
    timeline.put_local(echo("mine"))
    timeline.unload()
    assert [row_key(row) for row in timeline.rows] == ["mine"]
    assert timeline.cursor == 2
    timeline.forget()
    assert [row_key(row) for row in timeline.rows] == ["mine"]
    assert (timeline.cursor, timeline.ranges) == (0, ())


def test_rows_read_like_a_list() -> None:
    timeline = opened(1, 2)
    timeline.put_local(echo("mine"))
    rows = timeline.rows
    assert len(rows) == 3
    assert rows[-1] == rows[2] == echo("mine")
    assert rows[0:2] == [message(1), message(2)]
    assert next(reversed(rows)) == echo("mine")
    for outside in (3, -4):
        try:
            rows[outside]
        except IndexError:
            continue
        raise AssertionError(outside)


@given(st.permutations(list(range(1, 12))), st.data())
def test_any_order_gives_the_same_rows_by_splices(order: list[int], data: st.DataObject) -> None:
    timeline = Timeline("c1")
    timeline.open()
    copy = list(timeline.rows)
    for name in ("a", "b"):
        copy = patched(copy, timeline.put_local(echo(name)))
    mine = {4: "a", 9: "b"}
    for seq in order:
        if seq in mine:
            splices = timeline.confirm(home(mine[seq], seq))
        else:
            splices = timeline.put(posted(seq))
        timeline.hold(seq, seq)
        if data.draw(st.booleans()):
            timeline.skip_to(seq)
        copy = patched(copy, [*splices, *timeline.regap()])
        assert copy == list(timeline.rows)
        for index, row in enumerate(timeline.rows):
            assert timeline.find(row_key(row)) == index
    assert [getattr(row, "seq", 0) for row in timeline.rows] == list(range(1, 12))
