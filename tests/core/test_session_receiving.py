from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.changes import Noticed, TimelineChanged, TypingChanged
from talkbot_tui.core.model import (
    Conversation,
    ConversationChanged,
    Gap,
    Kind,
    Member,
    MemberChanged,
    Message,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Outcome,
    Presence,
    PresenceInfo,
    SendState,
    User,
)
from talkbot_tui.core.outbox import BACKOFF_FIRST_MS
from tests.core.desk import Desk, at_work, only, snap, snapshot
from tests.core.people import ANA, BRUNO, CARLA, channel, message, posted


def mention(seq: int) -> MessagePosted:
    return replace(posted(seq), message=replace(message(seq), mentions=(ANA.user_id,)))


def unread(desk: Desk, room: str = "c1") -> tuple[int, int]:
    summary = desk.session.room(room)
    assert summary is not None
    return summary.unread, summary.mentions


# --- the seq rule ----------------------------------------------------------------------


def test_the_next_event_is_a_row_and_is_saved_with_the_cursor() -> None:
    desk = at_work()
    effects = desk.do(a.LogArrived((posted(4),)))
    assert f.SaveEvents("c1", (posted(4),), 4, ((1, 4),)) in effects
    assert desk.seqs() == [1, 2, 3, 4]


def test_an_old_event_changes_nothing() -> None:
    desk = at_work()
    assert desk.do(a.LogArrived((posted(2),))) == []
    assert desk.changes == []


def test_an_early_event_is_held_and_shown_when_what_is_before_it_comes() -> None:
    desk = at_work()
    effects = desk.do(a.LogArrived((posted(5),)))
    assert desk.seqs() == [1, 2, 3]
    assert only(effects, f.WakeAt) == [f.WakeAt(desk.now + 500)]
    assert not only(effects, f.SaveEvents)
    effects = desk.do(a.LogArrived((posted(4),)))
    assert [event.seq for event in only(effects, f.SaveEvents)[0].events] == [4, 5]
    assert desk.seqs() == [1, 2, 3, 4, 5]
    assert not only(desk.tick(500), f.FetchHistory)


def test_what_does_not_come_in_half_a_second_is_fetched() -> None:
    desk = at_work()
    desk.do(a.LogArrived((posted(5),)))
    assert not only(desk.tick(499), f.FetchHistory)
    assert only(desk.tick(1), f.FetchHistory) == [f.FetchHistory("c1", ("after", 3), 200)]
    desk.do(a.HistoryArrived("c1", (posted(4),), 5, True, ("after", 3)))
    assert desk.seqs() == [1, 2, 3, 4, 5]


def test_a_hole_of_more_than_a_page_is_left_to_sync() -> None:
    desk = at_work()
    desk.do(a.LogArrived((posted(500),)))
    effects = desk.tick(500)
    assert only(effects, f.SendSync) == [f.SendSync((("c1", 3),), "e1")]
    desk.do(snapshot(snap(posted(499), posted(500), more=True)))
    assert desk.session.timeline("c1").gaps == (Gap(4, 498, fetching=True),)


def test_an_event_that_nobody_can_read_is_stepped_over() -> None:
    desk = at_work()
    desk.do(a.LogArrived((posted(6),)))
    desk.tick(500)
    desk.do(a.HistoryArrived("c1", (posted(5), posted(6)), 6, False, ("after", 3)))
    assert desk.seqs() == [1, 2, 3, 5, 6]
    assert desk.session.timeline("c1").ranges == ((1, 6),)


def test_an_event_the_server_does_not_have_is_waited_for_no_longer() -> None:
    desk = at_work()
    desk.do(a.HeadsArrived((("c1", 9),)))
    desk.tick(500)
    desk.do(a.HistoryArrived("c1", (), 3, False, ("after", 3)))
    assert not only(desk.tick(60_000), f.FetchHistory)


def test_a_burst_is_one_change() -> None:
    desk = at_work()
    desk.do(a.LogArrived(tuple(posted(seq) for seq in range(4, 504))))
    (change,) = [c for c in desk.changes if isinstance(c, TimelineChanged)]
    assert len(change.splices) == 1


def test_a_closed_room_keeps_counts_and_the_last_message_but_no_rows() -> None:
    desk = at_work(snap(conversation=channel("c2", "other")))
    effects = desk.do(a.LogArrived((posted(1, room="c2", text="psst"),)))
    assert only(effects, f.SaveEvents)[0].conversation_id == "c2"
    assert desk.seqs("c2") == []
    room = desk.session.room("c2")
    assert room is not None
    assert (room.unread, room.last_text, room.last_ts) == (1, "psst", 1000)
    assert only(effects, f.SaveRoom)[0].summary == room


def test_news_of_an_unknown_conversation_waits_for_a_sync() -> None:
    desk = at_work()
    effects = desk.do(a.LogArrived((posted(7, room="c9"),)))
    assert only(effects, f.SendSync)
    nine = snap(posted(6, room="c9"), conversation=channel("c9", "new"), unread=1)
    desk.do(snapshot(snap(head=3, read=3), nine))
    room = desk.session.room("c9")
    assert room is not None
    assert (room.head_seq, room.unread) == (7, 2)


# --- changes --------------------------------------------------------------------------


def test_an_edit_changes_the_row_and_the_room_list() -> None:
    desk = at_work()
    desk.do(a.LogArrived((posted(4),)))
    desk.do(a.LogArrived((MessageEdited("c1", 5, 5, BRUNO, "m-c1-4", "better", 1),)))
    row = desk.session.timeline("c1").rows[3]
    assert isinstance(row, Message)
    assert (row.text, row.revision) == ("better", 1)
    room = desk.session.room("c1")
    assert room is not None
    assert room.last_text == "better"


def test_a_deleted_unread_message_counts_no_more() -> None:
    desk = at_work()
    desk.do(a.LogArrived((mention(4),)))
    assert unread(desk) == (1, 1)
    desk.do(a.LogArrived((MessageDeleted("c1", 5, 5, BRUNO, "m-c1-4"),)))
    assert unread(desk) == (0, 0)
    row = desk.session.timeline("c1").rows[3]
    assert isinstance(row, Message)
    assert row.deleted


def test_a_renamed_room_keeps_our_role() -> None:
    desk = at_work()
    after = Conversation("c1", Kind.CHANNEL, "new-name", role="owner", member_count=3)
    desk.do(a.LogArrived((ConversationChanged("c1", 4, 4, BRUNO, after, "renamed"),)))
    room = desk.session.room("c1")
    assert room is not None
    assert (room.conversation.name, room.conversation.role) == ("new-name", "member")
    assert len(desk.session.timeline("c1").rows) == 4


def test_being_removed_forgets_the_room() -> None:
    desk = at_work()
    effects = desk.do(a.LogArrived((MemberChanged("c1", 4, 4, BRUNO, ANA, "removed"),)))
    assert only(effects, f.ForgetRoom) == [f.ForgetRoom("c1")]
    assert Noticed("not_member", "geral", "c1") in desk.changes
    assert desk.session.room("c1") is None
    assert desk.session.rooms() == ()
    assert desk.session.open_id == ""


def test_what_was_not_sent_to_a_room_that_is_gone_stays_visible_as_failed() -> None:
    desk = at_work()
    desk.compose("a")
    desk.compose("b")
    desk.do(a.LogArrived((MemberChanged("c1", 4, 4, BRUNO, ANA, "removed"),)))
    assert desk.states() == {"a": SendState.SENDING, "b": SendState.FAILED}
    desk.do(a.MessageRefused("a", "not_found", "There is no such conversation.", False))
    room = desk.session.room("c1")
    assert room is not None
    assert (room.failed, room.conversation.role) == (2, "")
    assert [row.key for row in desk.session.timeline("c1").rows if isinstance(row, Message)] == [
        "a",
        "b",
    ]
    desk.do(e.Discard("a"))
    desk.do(e.Discard("b"))
    assert desk.session.room("c1") is None


def test_what_may_have_arrived_before_we_were_removed_is_asked_again() -> None:
    desk = at_work()
    desk.compose("a")
    desk.compose("b")
    desk.do(a.MessageUnanswered("a"))
    desk.do(a.LogArrived((MemberChanged("c1", 5, 5, BRUNO, ANA, "removed"),)))
    assert desk.states() == {"a": SendState.QUEUED, "b": SendState.FAILED}
    (again,) = only(desk.tick(BACKOFF_FIRST_MS), f.SendMessage)
    assert again.message.client_msg_id == "a"
    assert f.DropLocal("a") in desk.do(a.MessageAcked("a", "s4", 4, 4))
    assert desk.states() == {"b": SendState.FAILED}


# --- streams --------------------------------------------------------------------------


def streaming(seq: int, text: str) -> MessagePosted:
    return replace(posted(seq), message=replace(message(seq, text=text), streaming=True))


def test_a_stream_grows_in_place_and_an_edit_ends_it() -> None:
    desk = at_work()
    desk.do(a.LogArrived((streaming(4, "on"),)))
    assert desk.do(a.StreamDelta("c1", "m-c1-4", 2, "e two")) == []
    row = desk.session.timeline("c1").rows[3]
    assert isinstance(row, Message)
    assert row.text == "one two"
    end = MessageEdited("c1", 5, 5, BRUNO, "m-c1-4", "one two.", 1, outcome=Outcome.COMPLETE)
    desk.do(a.LogArrived((end,)))
    row = desk.session.timeline("c1").rows[3]
    assert isinstance(row, Message)
    assert (row.text, row.streaming, row.outcome) == ("one two.", False, Outcome.COMPLETE)
    assert desk.do(a.StreamDelta("c1", "m-c1-4", 8, " late")) == []
    assert desk.changes == []


def test_a_lost_piece_asks_for_the_message_once() -> None:
    desk = at_work()
    desk.do(a.LogArrived((streaming(4, "on"),)))
    assert desk.do(a.StreamDelta("c1", "m-c1-4", 9, "x")) == [
        f.FetchHistory("c1", ("around", 4), 200)
    ]
    assert desk.do(a.StreamDelta("c1", "m-c1-4", 10, "y")) == []
    desk.do(a.HistoryArrived("c1", (streaming(4, "on and on,"),), 4, False, ("around", 4)))
    assert desk.do(a.StreamDelta("c1", "m-c1-4", 10, " on")) == []
    row = desk.session.timeline("c1").rows[3]
    assert isinstance(row, Message)
    assert row.text == "on and on, on"


# --- people ---------------------------------------------------------------------------


def test_typing_dies_after_six_seconds() -> None:
    desk = at_work()
    assert f.WakeAt(desk.now + 6001) in desk.do(a.TypingHint("c1", "u-bruno", True))
    assert desk.session.typing("c1") == (BRUNO,)
    assert desk.changes == [TypingChanged("c1")]
    desk.do(a.TypingHint("c1", "u-bruno", True), after=3000)
    assert desk.changes == []
    desk.tick(3001)
    assert desk.session.typing("c1") == (BRUNO,)
    desk.tick(3000)
    assert desk.session.typing("c1") == ()
    assert desk.changes == [TypingChanged("c1")]


def test_typing_ends_with_the_message_and_with_the_link() -> None:
    desk = at_work()
    desk.do(a.TypingHint("c1", "u-bruno", True))
    desk.do(a.LogArrived((posted(4),)))
    assert desk.session.typing("c1") == ()
    desk.do(a.TypingHint("c1", "u-nobody", True))
    assert desk.session.typing("c1") == (User("u-nobody", "u-nobody"),)
    desk.do(a.LinkDown("lost", 0))
    assert desk.session.typing("c1") == ()


def test_we_are_not_told_that_we_write() -> None:
    desk = at_work()
    desk.do(a.TypingHint("c1", ANA.user_id, True))
    assert desk.session.typing("c1") == ()
    assert desk.changes == []


def test_presence_is_what_the_watched_say_until_the_link_is_lost() -> None:
    desk = at_work()
    assert desk.do(e.WatchUsers(("u-bruno",))) == [f.WatchPresence(("u-bruno",))]
    info = PresenceInfo(Presence.AWAY, "lunch")
    desk.do(a.PresenceHint((("u-bruno", info),)))
    assert desk.session.presence("u-bruno") == info
    desk.do(a.LinkDown("lost", 0))
    assert desk.session.presence("u-bruno").status is Presence.OFFLINE
    assert f.WatchPresence(("u-bruno",)) in desk.online(snap(head=3, read=3))


def test_members_come_by_pages_and_follow_what_happens() -> None:
    desk = at_work()
    desk.do(a.MembersArrived("c1", (Member(CARLA),)))
    desk.do(a.MembersArrived("c1", (Member(ANA, "owner"),), first=False))
    assert desk.session.roster("c1") == (Member(ANA, "owner"), Member(CARLA))
    desk.do(a.LogArrived((MemberChanged("c1", 4, 4, CARLA, CARLA, "left"),)))
    assert desk.session.roster("c1") == (Member(ANA, "owner"),)
    desk.do(a.LogArrived((MemberChanged("c1", 5, 5, BRUNO, BRUNO, "joined"),)))
    assert desk.session.roster("c1") == (Member(ANA, "owner"), Member(BRUNO))
    assert desk.session.user("u-carla") == CARLA


def test_the_number_of_members_follows_what_happens() -> None:
    desk = at_work()
    base = replace(channel("c1"), member_count=2, role="owner")
    desk.do(a.LogArrived((ConversationChanged("c1", 4, 4, ANA, base, "topic"),)))
    desk.do(a.LogArrived((MemberChanged("c1", 5, 5, ANA, BRUNO, "invited"),)))
    desk.do(a.LogArrived((MemberChanged("c1", 6, 6, CARLA, CARLA, "joined"),)))
    assert members(desk) == 4
    desk.do(a.LogArrived((MemberChanged("c1", 7, 7, ANA, BRUNO, "role", "moderator"),)))
    assert members(desk) == 4
    desk.do(a.LogArrived((MemberChanged("c1", 8, 8, ANA, BRUNO, "removed"),)))
    desk.do(a.LogArrived((MemberChanged("c1", 8, 8, ANA, BRUNO, "removed"),)))
    assert members(desk) == 3


def members(desk: Desk) -> int:
    summary = desk.session.room("c1")
    assert summary is not None
    return summary.conversation.member_count
