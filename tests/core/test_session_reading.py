from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.changes import RoomsChanged
from talkbot_tui.core.model import MessagePosted
from tests.core.desk import Desk, at_work, only, snap, snapshot
from tests.core.people import ANA, channel, message, posted


def mention(seq: int, room: str = "c1") -> MessagePosted:
    named = replace(message(seq, room=room), mentions=(ANA.user_id,))
    return replace(posted(seq, room=room), message=named)


def unread(desk: Desk, room: str = "c1") -> tuple[int, int]:
    summary = desk.session.room(room)
    assert summary is not None
    return summary.unread, summary.mentions


# --- counts -------------------------------------------------------------------------------


def test_the_servers_numbers_are_taken_at_sync_and_live_messages_add_to_them() -> None:
    desk = Desk()
    desk.online(snap(posted(8), posted(9), read=2, unread=5, mentions=1))
    assert unread(desk) == (5, 1)
    desk.do(a.LogArrived((posted(10),)))
    desk.do(a.LogArrived((mention(11),)))
    desk.do(a.LogArrived((posted(12, ANA),)))
    assert unread(desk) == (7, 2)


def test_what_comes_twice_counts_once() -> None:
    desk = at_work()
    for _ in range(2):
        desk.do(a.LogArrived((mention(4),)))
    assert unread(desk) == (1, 1)


def test_reading_counts_at_once_and_is_told() -> None:
    desk = at_work()
    desk.do(a.LogArrived((mention(4), posted(5), posted(6))))
    effects = desk.do(e.ReadUpTo("c1", 5))
    assert only(effects, f.SendRead) == [f.SendRead("c1", 5)]
    assert unread(desk) == (1, 0)
    assert only(effects, f.SaveRoom)[0].summary.read_seq == 5


def test_the_mark_only_grows_and_never_past_what_exists() -> None:
    desk = at_work()
    assert desk.do(e.ReadUpTo("c1", 2)) == []
    desk.do(a.LogArrived((posted(4),)))
    assert only(desk.do(e.ReadUpTo("c1", 99)), f.SendRead) == [f.SendRead("c1", 4)]


def test_marks_are_told_once_a_second_the_last_one_wins() -> None:
    desk = at_work()
    desk.do(a.LogArrived(tuple(posted(seq) for seq in range(4, 10))))
    assert only(desk.do(e.ReadUpTo("c1", 4)), f.SendRead)
    for seq in (5, 6, 7):
        assert not only(desk.do(e.ReadUpTo("c1", seq)), f.SendRead)
    assert only(desk.tick(1000), f.SendRead) == [f.SendRead("c1", 7)]
    assert not only(desk.tick(1000), f.SendRead)


def test_a_mark_made_offline_is_told_when_the_server_is_behind() -> None:
    desk = at_work()
    desk.do(a.LogArrived((posted(4), posted(5))))
    desk.do(a.LinkDown("lost", 0))
    assert not only(desk.do(e.ReadUpTo("c1", 5)), f.SendRead)
    effects = desk.online(snap(head=5, read=3, unread=2))
    assert only(effects, f.SendRead) == [f.SendRead("c1", 5)]
    assert unread(desk) == (0, 0)


def test_a_mark_from_another_device_and_its_numbers_win() -> None:
    desk = at_work()
    desk.do(a.LogArrived((posted(4), posted(5), mention(6))))
    desk.do(a.ReadHint("c1", ANA.user_id, 5, unread=1, mentions=1))
    assert unread(desk) == (1, 1)
    desk.do(a.ReadHint("c1", ANA.user_id, 6, unread=0, mentions=0))
    assert unread(desk) == (0, 0)
    assert only(desk.do(e.ReadUpTo("c1", 6)), f.SendRead) == []


def test_an_old_answer_does_not_bring_back_what_was_read_since() -> None:
    desk = at_work()
    desk.do(a.LogArrived((posted(4), posted(5))))
    desk.do(e.ReadUpTo("c1", 4))
    desk.do(e.ReadUpTo("c1", 5))
    desk.do(a.ReadHint("c1", ANA.user_id, 4, unread=1, mentions=0))
    assert unread(desk) == (0, 0)


def test_others_marks_are_kept_and_only_grow() -> None:
    desk = at_work()
    desk.do(a.ReadHint("c1", "u-bruno", 3))
    assert desk.changes == [RoomsChanged(("c1",))]
    desk.do(a.ReadHint("c1", "u-bruno", 2))
    assert desk.session.reads("c1") == {"u-bruno": 3}
    assert desk.session.reads("c9") == {}


def test_the_unread_marker_stays_where_it_was_when_the_room_was_opened() -> None:
    desk = Desk()
    desk.online(snap(posted(1), posted(2), posted(3), read=1, unread=2))
    desk.do(e.OpenConversation("c1"))
    desk.do(e.ReadUpTo("c1", 3))
    assert desk.session.unread_from("c1") == 1
    desk.do(e.OpenConversation(""))
    desk.do(e.OpenConversation("c1"))
    assert desk.session.unread_from("c1") == 0


def test_rooms_stand_by_mentions_then_unread_then_activity() -> None:
    desk = Desk()
    names = {n: channel(f"c{n}", f"room{n}") for n in range(1, 5)}
    desk.online(*(snap(posted(n, room=f"c{n}"), conversation=names[n], read=n) for n in names))

    def order() -> list[str]:
        return [room.conversation.conversation_id for room in desk.session.rooms()]

    desk.do(a.LogArrived((posted(2, ANA, room="c1"),)))
    desk.do(a.LogArrived((posted(3, room="c2"),)))
    desk.do(a.LogArrived((mention(4, room="c3"),)))
    assert order() == ["c3", "c2", "c4", "c1"]
    desk.do(e.ReadUpTo("c3", 4))
    assert order() == ["c2", "c3", "c4", "c1"]


# --- typing and drafts ------------------------------------------------------------------------


def test_we_tell_that_we_write_at_most_once_in_three_seconds() -> None:
    desk = at_work()
    assert desk.do(e.Typed("c1", True)) == [f.SendTyping("c1", True)]
    assert desk.do(e.Typed("c1", True), after=2999) == []
    assert desk.do(e.Typed("c1", True)) == [f.SendTyping("c1", True)]
    assert desk.do(e.Typed("c1", False)) == [f.SendTyping("c1", False)]
    assert desk.do(e.Typed("c1", False)) == []


def test_emptying_or_sending_tells_that_we_stopped() -> None:
    desk = at_work()
    desk.do(e.SetDraft("c1", "hel"))
    desk.do(e.Typed("c1", True))
    assert desk.do(e.SetDraft("c1", "")) == [f.SaveDraft("c1", ""), f.SendTyping("c1", False)]
    desk.do(e.Typed("c1", True), after=5000)
    assert f.SendTyping("c1", False) in desk.compose("a")


def test_nobody_is_told_offline() -> None:
    desk = at_work()
    desk.do(a.LinkDown("lost", 0))
    assert desk.do(e.Typed("c1", True)) == []


def test_a_draft_is_kept_and_the_list_changes_only_with_its_being_there() -> None:
    desk = at_work()
    assert desk.do(e.SetDraft("c1", "h")) == [f.SaveDraft("c1", "h")]
    assert desk.changes == [RoomsChanged(("c1",))]
    assert desk.do(e.SetDraft("c1", "he")) == [f.SaveDraft("c1", "he")]
    assert desk.changes == []
    assert desk.session.draft("c1") == "he"
    room = desk.session.room("c1")
    assert room is not None
    assert room.draft == "he"
    desk.compose("a")
    assert desk.session.draft("c1") == ""


def test_a_draft_survives_a_new_epoch_and_a_sync() -> None:
    desk = at_work()
    desk.do(e.SetDraft("c1", "wip"))
    desk.do(a.LinkDown("lost", 0))
    desk.connect()
    desk.do(snapshot(snap(posted(1)), epoch="e2"))
    assert desk.session.draft("c1") == "wip"
