"""What waited too long: rooms that are held, messages that expire."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.model import (
    MemberChanged,
    Message,
    RoomSnapshot,
    RoomSummary,
    SendState,
)
from talkbot_tui.core.patience import ASK_AFTER_MS, EXPIRE_AFTER_MS, EXPIRED
from talkbot_tui.core.session import Session
from tests.core.desk import Desk, only, snap
from tests.core.people import ANA, BRUNO, channel, message, posted


def asking(start: a.Loaded | None = None) -> Desk:
    """A desk with somebody at it who can be asked."""
    desk = Desk()
    desk.session = Session(asks=True)
    if start is not None:
        desk.do(start)
    return desk


def sent(effects: list[f.Effect]) -> list[str]:
    return [effect.message.client_msg_id for effect in only(effects, f.SendMessage)]


def held(desk: Desk) -> bool:
    room = desk.session.room("c1")
    assert room is not None
    return room.held


def cut_off(desk: Desk, wait: int) -> None:
    """Online with one message read; then offline, with two composed, for `wait` ms."""
    desk.online(snap(posted(1), read=1))
    desk.do(a.LinkDown("lost", 0))
    desk.compose("a")
    desk.compose("b")
    desk.tick(wait)


def test_a_room_that_moved_on_meanwhile_asks_before_sending() -> None:
    desk = asking()
    cut_off(desk, ASK_AFTER_MS)
    assert sent(desk.online(snap(posted(2), read=1))) == []
    assert held(desk)
    assert desk.states() == {"a": SendState.QUEUED, "b": SendState.QUEUED}
    assert sent(desk.do(e.SendHeld("c1"))) == ["a"]
    assert not held(desk)


def test_what_the_answer_had_no_room_for_counts_as_moved_on() -> None:
    desk = asking()
    cut_off(desk, ASK_AFTER_MS)
    assert sent(desk.online(snap(head=400, read=1, more=True))) == []
    assert held(desk)


def test_what_is_written_meanwhile_waits_behind_it() -> None:
    desk = asking()
    cut_off(desk, ASK_AFTER_MS)
    desk.online(snap(posted(2), read=1))
    assert sent(desk.compose("c")) == []
    assert sent(desk.do(e.SendHeld("c1"))) == ["a"]


def test_it_stays_held_over_another_outage() -> None:
    desk = asking()
    cut_off(desk, ASK_AFTER_MS)
    desk.online(snap(posted(2), read=1))
    desk.do(a.LinkDown("lost", 0))
    assert sent(desk.online(snap(read=1, head=2))) == []
    assert held(desk)


@pytest.mark.parametrize(
    ("wait", "news"),
    [
        (ASK_AFTER_MS - 10, snap(posted(2), read=1)),
        (ASK_AFTER_MS, snap(head=1, read=1)),
        (ASK_AFTER_MS, snap(posted(2, ANA), read=1)),
    ],
    ids=["a short outage", "nobody wrote", "only we wrote, elsewhere"],
)
def test_otherwise_it_is_sent_at_once(wait: int, news: RoomSnapshot) -> None:
    desk = asking()
    cut_off(desk, wait)
    assert sent(desk.online(news)) == ["a"]
    assert not held(desk)


def test_where_nobody_can_be_asked_it_is_sent_at_once() -> None:
    desk = Desk()
    cut_off(desk, ASK_AFTER_MS)
    assert sent(desk.online(snap(posted(2), read=1))) == ["a"]


def test_discarding_all_that_waits_ends_the_question() -> None:
    desk = asking()
    cut_off(desk, ASK_AFTER_MS)
    desk.online(snap(posted(2), read=1))
    desk.do(e.Discard("a"))
    assert held(desk)
    desk.do(e.Discard("b"))
    assert not held(desk)
    assert sent(desk.compose("c")) == ["c"]


def test_after_a_restart_it_is_asked_too() -> None:
    waiting = replace(message(0, ANA), key="a", client_msg_id="a", seq=0, state=SendState.QUEUED)
    stored = a.StoredRoom(RoomSummary(channel(), head_seq=1, read_seq=1), 1, ((1, 1),))
    desk = asking(a.Loaded("e1", ANA, (stored,), (waiting,)))
    assert sent(desk.online(snap(posted(2), read=1))) == []
    assert held(desk)


def restarted(summary: RoomSummary, *messages: Message, asks: bool = True) -> Desk:
    """The program ended while it asked, and begins again with what is on disk."""
    stored = a.StoredRoom(summary, summary.head_seq, ((1, summary.head_seq),))
    start = a.Loaded("e1", ANA, (stored,), messages)
    if asks:
        return asking(start)
    return Desk(start)


def asked_for() -> RoomSummary:
    """What is on disk of a room whose author has been asked and has not answered."""
    desk = asking()
    cut_off(desk, ASK_AFTER_MS)
    effects = desk.online(snap(posted(2), read=1))
    assert held(desk)
    return only(effects, f.SaveRoom)[-1].summary


def test_a_question_without_an_answer_is_asked_again_after_a_restart() -> None:
    desk = restarted(asked_for(), old())
    assert held(desk)
    assert sent(desk.online(snap(head=2, read=1))) == []
    assert sent(desk.do(e.SendHeld("c1"))) == ["a"]


def test_the_question_is_written_down_even_if_nothing_else_is_new() -> None:
    desk = asking()
    cut_off(desk, ASK_AFTER_MS)
    desk.online(snap(posted(2), read=1))
    (answered,) = only(desk.do(e.SendHeld("c1")), f.SaveRoom)
    assert not answered.summary.held
    assert not held(restarted(answered.summary, old()))


def test_a_question_about_nothing_or_to_nobody_is_not_asked_after_a_restart() -> None:
    summary = asked_for()
    assert not held(restarted(summary))
    left = replace(summary, conversation=replace(channel(), role=""))
    assert not held(restarted(left, old()))
    desk = restarted(summary, old(), asks=False)
    assert not held(desk)
    assert sent(desk.online(snap(head=2, read=1))) == ["a"]


def removed(seq: int) -> a.LogArrived:
    return a.LogArrived((MemberChanged("c1", seq, seq, BRUNO, ANA, "removed"),))


def in_doubt() -> Desk:
    """Held: one message that may have arrived, and one that was never sent."""
    desk = asking()
    desk.online(snap(posted(1), read=1))
    desk.compose("a")
    desk.do(a.LinkDown("lost", 0))
    desk.compose("b")
    desk.tick(ASK_AFTER_MS)
    assert sent(desk.online(snap(posted(2), read=1))) == []
    assert held(desk)
    return desk


def test_removed_while_it_asks_what_may_have_arrived_is_sent_to_know() -> None:
    desk = in_doubt()
    assert sent(desk.do(removed(3))) == ["a"]
    assert not held(desk)
    assert desk.states() == {"a": SendState.SENDING, "b": SendState.FAILED}


def test_removed_while_it_asks_and_offline_it_is_sent_with_the_next_link() -> None:
    desk = in_doubt()
    desk.do(a.LinkDown("lost", 0))
    assert sent(desk.online()) == ["a"]
    assert not held(desk)


def old(state: SendState = SendState.QUEUED) -> Message:
    return replace(message(0, ANA), key="a", client_msg_id="a", seq=0, state=state)


def test_after_two_days_a_message_is_shown_as_expired_and_not_sent() -> None:
    desk = Desk()
    cut_off(desk, EXPIRE_AFTER_MS)
    effects = desk.online(snap(posted(2), read=1))
    assert sent(effects) == []
    assert desk.states()["a"] is SendState.FAILED
    assert [m.error for m in desk.session.timeline("c1").rows if isinstance(m, Message)][-1] == (
        EXPIRED
    )


def test_it_is_shown_before_there_is_a_link_and_written_down() -> None:
    desk = Desk()
    cut_off(desk, EXPIRE_AFTER_MS)
    effects = desk.do(a.LinkConnecting(9))
    failed = [u.message for u in only(effects, f.UpdateLocal)]
    assert [(m.client_msg_id, m.state) for m in failed] == [
        ("a", SendState.FAILED),
        ("b", SendState.FAILED),
    ]


def test_at_the_start_what_is_too_old_is_expired_at_once() -> None:
    desk = Desk()
    desk.now = EXPIRE_AFTER_MS + 10
    desk.do(a.Loaded("e1", ANA, (), (old(),)))
    assert desk.states() == {"a": SendState.FAILED}


def test_an_expired_message_sent_again_has_all_its_time_again() -> None:
    desk = Desk()
    cut_off(desk, EXPIRE_AFTER_MS)
    desk.do(a.LinkConnecting(9))
    desk.do(e.Retry("a"))
    assert sent(desk.online(snap(posted(2), read=1))) == ["a"]


def test_an_expired_message_that_the_server_has_after_all_is_sent() -> None:
    desk = Desk()
    cut_off(desk, EXPIRE_AFTER_MS)
    desk.do(a.LinkConnecting(9))
    ours = replace(posted(2, ANA), message=replace(message(2, ANA), key="a", client_msg_id="a"))
    effects = desk.online(snap(ours, read=1))
    assert "a" not in {m.message.client_msg_id for m in only(effects, f.SendMessage)}
    assert f.DropLocal("a") in effects


def test_a_clock_that_was_set_back_makes_nothing_old() -> None:
    desk = Desk()
    desk.online(snap(posted(1), read=1))
    desk.now += 2 * EXPIRE_AFTER_MS
    desk.do(a.LinkDown("lost", 0))
    desk.now -= 2 * EXPIRE_AFTER_MS
    desk.compose("a")
    desk.do(a.LinkConnecting(1))
    assert desk.states() == {"a": SendState.QUEUED}


def test_a_message_that_is_sent_again_is_stamped_by_the_clock_on_the_wall() -> None:
    desk = Desk()
    cut_off(desk, EXPIRE_AFTER_MS)
    desk.do(a.LinkConnecting(9))
    desk.now -= EXPIRE_AFTER_MS
    (update,) = only(desk.do(e.Retry("a")), f.UpdateLocal)
    assert update.message.ts == desk.now
