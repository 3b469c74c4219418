from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.model import (
    Conversation,
    Gap,
    Kind,
    MessageEdited,
    MessagePosted,
    Presence,
    RoomSummary,
)
from tests.core.desk import Desk, at_work, only, snap, snapshot
from tests.core.people import ANA, BRUNO, channel, message, posted


def cached(cursor: int = 3) -> a.Loaded:
    summary = RoomSummary(channel(), head_seq=cursor, read_seq=cursor)
    return a.Loaded("e1", ANA, (a.StoredRoom(summary, cursor, ((1, cursor),)),), ())


def gapped() -> Desk:
    desk = at_work()
    desk.do(a.LinkDown("lost", 0))
    desk.online(snap(posted(9), posted(10), more=True))
    return desk


def test_a_page_that_fails_is_asked_again_after_a_growing_pause() -> None:
    desk = gapped()
    desk.do(a.HistoryFailed("c1", "busy", True, ("before", 9)))
    assert desk.session.timeline("c1").gaps == (Gap(4, 8),)
    assert not only(desk.tick(999), f.FetchHistory)
    assert only(desk.tick(1), f.FetchHistory) == [f.FetchHistory("c1", ("before", 9), 200)]
    desk.do(a.HistoryFailed("c1", "busy", True, ("before", 9)))
    assert not only(desk.tick(1999), f.FetchHistory)
    assert only(desk.tick(1), f.FetchHistory)


def test_a_gap_that_the_server_will_not_give_waits_for_the_user() -> None:
    desk = gapped()
    desk.do(a.HistoryFailed("c1", "forbidden", False, ("before", 9)))
    assert not only(desk.tick(60_000), f.FetchHistory)
    assert only(desk.do(e.FillGap("c1", 8)), f.FetchHistory)


def test_a_page_that_is_not_found_means_that_we_are_no_member() -> None:
    desk = gapped()
    effects = desk.do(a.HistoryFailed("c1", "not_found", False, ("before", 9)))
    assert f.ForgetRoom("c1") in effects


def test_a_page_nobody_waits_for_is_ignored() -> None:
    desk = gapped()
    assert desk.do(a.HistoryArrived("c1", (posted(4),), 10, True, ("before", 5))) == []


def test_a_closed_rooms_gap_waits_until_it_is_opened() -> None:
    desk = Desk(cached())
    effects = desk.online(snap(posted(9), posted(10), more=True))
    assert not only(effects, f.FetchHistory)
    desk.do(e.OpenConversation("c1"))
    effects = desk.do(a.PageLoaded("c1", (posted(1), posted(9), posted(10)), 0))
    assert only(effects, f.FetchHistory) == [f.FetchHistory("c1", ("before", 9), 200)]


def test_a_long_gap_stops_filling_by_itself_until_it_is_asked_for() -> None:
    desk = at_work()
    desk.do(a.LinkDown("lost", 0))
    effects = desk.online(snap(posted(9000), more=True))
    pages = 0
    while requests := only(effects, f.FetchHistory):
        pages += 1
        before = requests[0].request[1]
        page = (posted(before - 1),)
        effects = desk.do(a.HistoryArrived("c1", page, 9000, True, ("before", before)))
    assert pages == 10
    (gap,) = desk.session.timeline("c1").gaps
    assert gap == Gap(4, 8989)
    assert only(desk.do(e.FillGap("c1", gap.last)), f.FetchHistory)


def test_own_presence_is_told_again_on_a_new_link() -> None:
    desk = at_work()
    told = f.SendPresence(Presence.AWAY, "lunch")
    assert desk.do(e.SetPresence(Presence.AWAY, "lunch")) == [told]
    desk.do(a.LinkDown("lost", 0))
    assert told in desk.online(snap(head=3, read=3))


def test_a_direct_conversations_peer_is_somebody_we_know() -> None:
    desk = Desk()
    direct = Conversation("d1", Kind.DIRECT, peer=BRUNO)
    desk.online(snap(posted(1, room="d1"), conversation=direct))
    assert desk.session.user("u-bruno") == BRUNO
    last = replace(message(1, room="d1"), text="one\ntwo")
    desk.do(a.LogArrived((replace(posted(2, room="d1"), seq=2, message=replace(last, seq=2)),)))
    (room,) = desk.session.rooms()
    assert room.last_text == "one two"


def test_a_page_that_was_asked_on_a_lost_link_is_asked_again() -> None:
    desk = gapped()
    desk.do(a.LinkDown("lost", 0))
    assert desk.session.timeline("c1").gaps == (Gap(4, 8),)
    effects = desk.online(snap(head=10, read=3))
    assert only(effects, f.FetchHistory) == [f.FetchHistory("c1", ("before", 9), 200)]


def test_a_page_older_than_an_edit_is_saved_with_the_edit_in_it() -> None:
    desk = gapped()
    desk.do(a.LogArrived((MessageEdited("c1", 11, 11, BRUNO, "m-c1-8", "better", 1),)))
    page = tuple(posted(seq) for seq in range(4, 9))
    effects = desk.do(a.HistoryArrived("c1", page, 10, True, ("before", 9)))
    saved = [m for m in only(effects, f.SaveEvents)[0].events if m.seq == 8]
    assert isinstance(saved[0], MessagePosted)
    assert saved[0].message.text == "better"


def test_what_lies_above_the_cursor_and_is_refused_for_good_becomes_a_visible_gap() -> None:
    desk = at_work()
    desk.do(a.LogArrived((posted(6),)))
    (request,) = [asked.request for asked in only(desk.tick(500), f.FetchHistory)]
    effects = desk.do(a.HistoryFailed("c1", "forbidden", False, request))
    assert only(effects, f.SendSync)
    desk.do(snapshot(snap(posted(6), more=True)))
    assert desk.session.timeline("c1").gaps == (Gap(4, 5),)
    desk.do(a.LogArrived((posted(7),)))
    assert desk.seqs() == [1, 2, 3, -1, 6, 7]


def test_events_that_cannot_be_read_leave_no_hole() -> None:
    desk = at_work()
    desk.do(a.LogArrived((posted(6),)))
    (request,) = [asked.request for asked in only(desk.tick(500), f.FetchHistory)]
    page = a.HistoryArrived("c1", (posted(4),), 6, True, request, span=(4, 5))
    assert not only(desk.do(page), f.FetchHistory)
    assert desk.session.timeline("c1").cursor == 6
    assert desk.seqs() == [1, 2, 3, 4, 6]


def test_a_page_of_a_gap_that_cannot_be_read_closes_that_part_of_it() -> None:
    desk = gapped()
    effects = desk.do(a.HistoryArrived("c1", (), 10, True, ("before", 9), span=(6, 8)))
    assert only(effects, f.FetchHistory) == [f.FetchHistory("c1", ("before", 6), 200)]
    assert desk.session.timeline("c1").gaps == (Gap(4, 5, fetching=True),)


def test_what_is_held_above_the_cursor_is_loaded_down_to_it() -> None:
    held = [posted(seq, ANA) for seq in (1, 2, 5, 6, 7)]
    stored = a.StoredRoom(RoomSummary(channel(), head_seq=7), 2, ((1, 2), (5, 7)))
    desk = Desk(a.Loaded("e1", ANA, (stored,), ()))
    (first,) = only(desk.do(e.OpenConversation("c1")), f.LoadPage)
    (more,) = only(desk.do(a.PageLoaded("c1", tuple(held[3:]), first.before)), f.LoadPage)
    assert more.before == 6
    desk.do(a.PageLoaded("c1", tuple(held[:3]), more.before))
    assert desk.seqs() == [1, 2, 5, 6, 7]
