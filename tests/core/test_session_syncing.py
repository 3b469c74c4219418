from __future__ import annotations

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.changes import LinkChanged, TimelineReset
from talkbot_tui.core.link import LinkState
from talkbot_tui.core.model import (
    Gap,
    Message,
    MessageEdited,
    RoomSummary,
    SendState,
)
from talkbot_tui.core.session import HANDLERS
from tests.core.desk import Desk, at_work, only, snap, snapshot
from tests.core.people import ANA, BRUNO, channel, posted


def cached(cursor: int = 3, *spans: tuple[int, int], read: int = 3) -> a.Loaded:
    summary = RoomSummary(channel(), head_seq=cursor, read_seq=read, last_text="hi", last_ts=9)
    return a.Loaded("e1", ANA, (a.StoredRoom(summary, cursor, spans or ((1, cursor),)),), ())


# --- the link -------------------------------------------------------------------------


def test_every_event_has_a_handler() -> None:
    assert set(HANDLERS) | {e.Tick} == set(e.Event.__args__)


def test_connected_we_ask_first_where_we_are() -> None:
    desk = Desk(cached())
    states = [desk.session.link.state]
    effects = desk.connect()
    assert effects == [f.SendSync((("c1", 3),), "e1")]
    states.append(desk.session.link.state)
    desk.do(snapshot(snap(head=3, read=3)))
    states.append(desk.session.link.state)
    assert states == [LinkState.OFFLINE, LinkState.SYNCING, LinkState.ONLINE]
    assert LinkChanged() in desk.changes
    assert desk.session.synced_once


def test_a_lost_link_says_why_and_when() -> None:
    desk = at_work()
    desk.do(a.LinkDown("cable", 77))
    link = desk.session.link
    assert (link.state, link.reason, link.retry_at) == (LinkState.WAITING, "cable", 77)
    assert desk.do(e.ReconnectNow()) == [f.Reconnect("user")]


def test_a_refused_link_keeps_what_waits() -> None:
    desk = at_work()
    desk.compose("a")
    desk.do(a.LinkRefused("session_revoked", "Signed out elsewhere."))
    assert desk.session.link.state is LinkState.REFUSED
    assert desk.session.link.code == "session_revoked"
    assert desk.states()["a"] is SendState.QUEUED
    desk.compose("b")
    assert desk.states()["b"] is SendState.QUEUED


def test_only_another_latency_band_is_news() -> None:
    desk = at_work()
    desk.do(a.Latency(10))
    assert desk.changes == [LinkChanged()]
    desk.do(a.Latency(40))
    assert desk.changes == []
    desk.do(a.Latency(160))
    assert desk.changes == [LinkChanged()]
    assert desk.session.link.band == 1


def test_a_failed_sync_is_asked_again_when_it_may_be() -> None:
    desk = Desk(cached())
    desk.connect()
    at = desk.now + 3000
    assert f.WakeAt(at) in desk.do(a.SyncFailed("busy", at))
    assert desk.session.link.state is LinkState.SYNCING
    assert only(desk.tick(3000), f.SendSync)


def test_only_missing_answers_to_sync_cast_doubt_on_the_link() -> None:
    desk = Desk(cached())
    desk.connect()

    def fails(*, answered: bool) -> bool:
        effects = desk.do(a.SyncFailed("no", 0, answered))
        desk.tick(100_000)
        return bool(only(effects, f.Reconnect))

    assert not fails(answered=True)
    assert not fails(answered=False)
    assert not fails(answered=True)
    assert not fails(answered=False)
    assert fails(answered=False)


def test_an_answer_of_a_link_that_is_gone_is_ignored() -> None:
    desk = Desk(cached())
    desk.connect()
    desk.do(a.LinkDown("lost", 0))
    assert desk.do(snapshot(snap(posted(4)))) == []
    assert desk.session.link.state is LinkState.WAITING


# --- merging ----------------------------------------------------------------------------


def test_a_room_opened_before_the_first_sync_shows_its_page_and_asks_for_more() -> None:
    desk = Desk()
    desk.do(e.OpenConversation("c1"))
    effects = desk.online(snap(posted(8), posted(9), read=8, unread=1, more=True))
    assert desk.seqs() == [8, 9]
    assert desk.session.unread_from("c1") == 8
    assert only(effects, f.FetchHistory) == [f.FetchHistory("c1", ("before", 8), 200)]
    page = tuple(posted(seq) for seq in range(1, 8))
    desk.do(a.HistoryArrived("c1", page, 9, False, ("before", 8)))
    assert desk.seqs() == list(range(1, 10))


def test_the_newest_page_is_appended_and_what_is_missing_is_a_gap_that_fills() -> None:
    desk = at_work()
    desk.do(a.LinkDown("lost", 0))
    effects = desk.online(snap(posted(9), posted(10), more=True))
    assert desk.session.timeline("c1").gaps == (Gap(4, 8, fetching=True),)
    assert only(effects, f.FetchHistory) == [f.FetchHistory("c1", ("before", 9), 200)]
    assert only(effects, f.SaveEvents)[0].ranges == ((1, 3), (9, 10))
    page = tuple(posted(seq) for seq in range(6, 9))
    effects = desk.do(a.HistoryArrived("c1", page, 10, True, ("before", 9)))
    assert only(effects, f.FetchHistory) == [f.FetchHistory("c1", ("before", 6), 200)]
    page = tuple(posted(seq) for seq in range(2, 6))
    desk.do(a.HistoryArrived("c1", page, 10, True, ("before", 6)))
    assert desk.seqs() == list(range(1, 11))
    assert desk.session.timeline("c1").ranges == ((1, 10),)


def test_live_events_wait_for_the_answer_and_follow_by_their_seq() -> None:
    desk = at_work()
    desk.do(a.LinkDown("lost", 0))
    desk.connect()
    assert desk.do(a.LogArrived((posted(5), posted(6)))) == []
    assert desk.seqs() == [1, 2, 3]
    desk.do(snapshot(snap(posted(4), posted(5), read=3)))
    assert desk.seqs() == [1, 2, 3, 4, 5, 6]


def test_another_epoch_forgets_everything_but_what_was_not_sent() -> None:
    desk = at_work()
    desk.do(a.LinkDown("lost", 0))
    desk.compose("a")
    desk.connect()
    effects = desk.do(snapshot(snap(posted(1, text="other world")), epoch="e2"))
    assert f.ForgetAll("e2", ANA) in effects
    assert f.SaveIdentity("e2", ANA) in effects
    assert TimelineReset("c1") in desk.changes
    rows = desk.session.timeline("c1").rows
    assert [row.text for row in rows if isinstance(row, Message)] == ["other world", "text a"]
    assert [m.message.client_msg_id for m in only(effects, f.SendMessage)] == ["a"]


def test_a_server_that_lost_its_end_is_believed_at_a_new_link() -> None:
    desk = at_work()
    desk.do(a.LinkDown("lost", 0))
    effects = desk.online(snap(posted(1), posted(2, text="another two")))
    assert f.ForgetRoom("c1") in effects
    rows = desk.session.timeline("c1").rows
    assert [row.text for row in rows if isinstance(row, Message)] == ["text 1", "another two"]
    assert effects.index(f.ForgetRoom("c1")) < effects.index(only(effects, f.SaveEvents)[0])


def test_a_room_that_the_snapshot_lacks_is_forgotten() -> None:
    desk = at_work(snap(posted(1, room="c2"), conversation=channel("c2", "other")))
    desk.do(a.LinkDown("lost", 0))
    effects = desk.online(snap(head=3, read=3))
    assert only(effects, f.ForgetRoom) == [f.ForgetRoom("c2")]
    assert [room.conversation.conversation_id for room in desk.session.rooms()] == ["c1"]


def test_a_full_answer_leaves_a_gap_at_the_end_that_fills() -> None:
    desk = at_work()
    desk.do(a.LinkDown("lost", 0))
    effects = desk.online(snap(head=8, more=True))
    assert desk.session.timeline("c1").gaps == (Gap(4, 8, fetching=True),)
    assert only(effects, f.FetchHistory) == [f.FetchHistory("c1", ("before", 9), 200)]
    desk.do(a.LogArrived((posted(9),)))
    assert desk.session.timeline("c1").cursor == 9


def test_a_snapshot_page_has_newer_copies_of_what_is_held() -> None:
    desk = at_work()
    desk.do(a.LinkDown("lost", 0))
    edit = MessageEdited("c1", 4, 4, BRUNO, "m-c1-2", "better", 1)
    desk.online(snap(edit, read=3))
    row = desk.session.timeline("c1").rows[1]
    assert isinstance(row, Message)
    assert row.text == "better"


# --- staying in step ----------------------------------------------------------------------


def test_heads_are_asked_every_twenty_seconds_give_or_take() -> None:
    desk = Desk(cached())
    wakes = only(desk.online(snap(head=3, read=3)), f.WakeAt)
    pauses = []
    for _ in range(30):
        pauses.append(wakes[-1].at - desk.now)
        effects = desk.tick(pauses[-1])
        assert only(effects, f.AskHeads) == [f.AskHeads((("c1", 3),))]
        wakes = only(effects, f.WakeAt)
    assert all(14_000 <= pause <= 26_000 for pause in pauses)
    assert len(set(pauses)) > 20


def test_a_clock_set_back_stops_no_timer() -> None:
    desk = at_work()
    desk.now -= 3_600_000
    effects = desk.do(a.LogArrived((posted(5),)))
    assert only(effects, f.WakeAt) == [f.WakeAt(desk.now + 500)]
    assert only(desk.tick(500), f.FetchHistory)


def test_a_wake_up_that_comes_a_little_early_is_asked_for_again() -> None:
    desk = at_work()
    desk.do(a.LogArrived((posted(5),)))
    at = desk.now + 500
    effects = desk.tick(498)
    assert not only(effects, f.FetchHistory)
    assert only(effects, f.WakeAt) == [f.WakeAt(at)]
    assert only(desk.tick(2), f.FetchHistory)


def test_a_head_that_moved_unnoticed_is_fetched() -> None:
    desk = at_work()
    desk.do(a.HeadsArrived((("c1", 4),)))
    assert only(desk.tick(500), f.FetchHistory) == [f.FetchHistory("c1", ("after", 3), 200)]


def test_resync_asks_once_and_once_more_if_asked_meanwhile() -> None:
    desk = at_work()
    assert only(desk.do(a.Resync()), f.SendSync)
    assert desk.do(a.Resync()) == []
    assert desk.do(a.Resync()) == []
    effects = desk.do(snapshot(snap(head=3, read=3)))
    assert len(only(effects, f.SendSync)) == 1
    assert desk.session.link.state is LinkState.ONLINE


def test_an_answer_older_than_what_came_live_takes_nothing_back() -> None:
    desk = at_work()
    desk.do(a.Resync())
    desk.do(a.LogArrived((posted(4),)))
    desk.do(snapshot(snap(head=3, read=3)))
    room = desk.session.room("c1")
    assert room is not None
    assert desk.seqs() == [1, 2, 3, 4]
    assert (room.unread, room.head_seq) == (1, 4)


# --- the cached start ----------------------------------------------------------------------


def test_without_a_network_the_cache_is_shown() -> None:
    desk = Desk(cached())
    (room,) = desk.session.rooms()
    assert (room.conversation.name, room.last_text) == ("geral", "hi")
    assert desk.session.me == ANA
    assert desk.do(e.OpenConversation("c1")) == [f.LoadPage("c1", 0, 200)]
    desk.do(a.PageLoaded("c1", (posted(1), posted(2), posted(3)), 0))
    assert desk.seqs() == [1, 2, 3]


def test_a_restart_saves_nothing_that_is_saved() -> None:
    assert only(Desk().do(cached()), f.SaveRoom) == []


def test_older_rows_come_from_the_cache_then_from_the_server() -> None:
    desk = Desk(cached(300, (150, 300)))
    desk.do(e.OpenConversation("c1"))
    desk.do(a.PageLoaded("c1", tuple(posted(seq) for seq in range(201, 301)), 0))
    assert desk.do(e.ReachedTop("c1")) == [f.LoadPage("c1", 201, 200)]
    assert desk.do(e.ReachedTop("c1")) == []
    desk.do(a.PageLoaded("c1", tuple(posted(seq) for seq in range(150, 201)), 201))
    desk.online(snap(head=300, read=3))
    assert desk.do(e.ReachedTop("c1")) == [f.FetchHistory("c1", ("before", 150), 200)]
    effects = desk.do(
        a.HistoryArrived(
            "c1", tuple(posted(seq) for seq in range(1, 150)), 300, False, ("before", 150)
        )
    )
    assert only(effects, f.SaveEvents)[0].ranges == ((1, 300),)
    assert desk.seqs() == list(range(1, 301))
    assert desk.session.timeline("c1").floor == 1
    assert desk.do(e.ReachedTop("c1")) == []


def test_what_the_cache_cannot_show_comes_from_the_server() -> None:
    desk = Desk(cached())
    desk.online(snap(head=3, read=3))
    desk.do(e.OpenConversation("c1"))
    effects = desk.do(a.PageLoaded("c1", (), 0))
    assert only(effects, f.FetchHistory) == [f.FetchHistory("c1", ("before", 4), 200)]
    page = (posted(1), posted(2), posted(3))
    desk.do(a.HistoryArrived("c1", page, 3, False, ("before", 4)))
    assert desk.seqs() == [1, 2, 3]


def test_live_messages_that_come_while_the_page_loads_stay_below_it() -> None:
    desk = Desk(cached())
    desk.online(snap(head=3, read=3))
    desk.do(e.OpenConversation("c1"))
    desk.do(a.LogArrived((posted(4), MessageEdited("c1", 5, 5, BRUNO, "m-c1-2", "better", 1))))
    desk.do(a.PageLoaded("c1", (posted(1), posted(2), posted(3)), 0))
    rows = desk.session.timeline("c1").rows
    texts = [row.text for row in rows if isinstance(row, Message)]
    assert texts == ["text 1", "better", "text 3", "text 4"]


def test_only_the_rooms_looked_at_last_keep_their_rows() -> None:
    rooms = [
        snap(posted(1, room=f"c{n}"), conversation=channel(f"c{n}", f"room {n}"))
        for n in range(1, 9)
    ]
    desk = Desk()
    desk.online(*rooms)
    for n in range(1, 9):
        desk.do(e.OpenConversation(f"c{n}"))
        desk.do(a.PageLoaded(f"c{n}", (posted(1, room=f"c{n}"),), 0))
    held = [n for n in range(1, 9) if desk.seqs(f"c{n}")]
    assert held == [3, 4, 5, 6, 7, 8]


def test_before_we_know_who_we_are_live_events_are_left_to_another_sync() -> None:
    desk = Desk()
    desk.connect()
    assert desk.do(a.LogArrived((posted(2, ANA),))) == []
    effects = desk.do(snapshot(snap(posted(1), read=1)))
    assert [dict(sync.cursors) for sync in only(effects, f.SendSync)] == [{"c1": 1}]
    room = desk.session.room("c1")
    assert room is not None
    assert room.head_seq == 1


def test_a_server_that_lost_even_our_acknowledged_message_is_believed() -> None:
    desk = at_work()
    desk.compose("lost")
    desk.do(a.MessageAcked("lost", "s-lost", 6, 6_000))
    desk.do(a.LinkDown("lost", 0))
    effects = desk.online(snap(head=5, read=3))
    assert f.ForgetRoom("c1") in effects
    assert not desk.session.timeline("c1").holds(6)


def test_a_room_that_was_opened_before_it_is_known_asks_for_its_members() -> None:
    # `/msg ana hi` writes into the new room and opens it before a sync tells of it.
    desk = at_work()
    desk.compose("a", "c2")
    assert only(desk.do(e.OpenConversation("c2")), f.FetchMembers) == []
    desk.do(a.Resync(()))
    new = snap(posted(1), conversation=channel("c2", "nova"))
    effects = desk.do(snapshot(snap(head=3, read=3), new))
    assert only(effects, f.FetchMembers) == [f.FetchMembers("c2")]
