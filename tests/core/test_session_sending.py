from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.changes import DraftReturned, Noticed, TimelineChanged
from talkbot_tui.core.model import Message, RoomSummary, SendState, Splice, User
from tests.core.desk import Desk, at_work, only, snap, snapshot
from tests.core.people import ANA, BRUNO, channel, message, posted


def mine(name: str, seq: int) -> Message:
    return replace(message(seq, ANA, text=f"text {name}"), client_msg_id=name, key="any")


def own_broadcast(name: str, seq: int) -> a.LogArrived:
    return a.LogArrived((replace(posted(seq, ANA), message=mine(name, seq)),))


def ack(name: str, seq: int) -> a.MessageAcked:
    return a.MessageAcked(name, f"m-c1-{seq}", seq, seq * 1000)


def sent(effects: list[f.Effect]) -> list[str]:
    return [effect.message.client_msg_id for effect in only(effects, f.SendMessage)]


def test_a_message_is_shown_saved_and_only_then_sent() -> None:
    desk = at_work()
    effects = desk.compose("a", saved=False)
    assert [type(effect) for effect in effects[:1]] == [f.SaveLocal]
    assert not sent(effects)
    assert desk.states()["a"] is SendState.SAVING
    assert sent(desk.do(a.Saved("a"))) == ["a"]
    assert desk.states()["a"] is SendState.SENDING


def test_offline_it_is_queued_and_sent_when_the_server_has_answered_sync() -> None:
    desk = at_work()
    desk.do(a.LinkDown("lost", 0))
    assert not sent(desk.compose("a"))
    assert desk.states()["a"] is SendState.QUEUED
    assert not sent(desk.connect())
    assert sent(desk.do(snapshot(snap(posted(3), read=3)))) == ["a"]


def test_a_save_that_fails_takes_the_row_away_and_gives_the_text_back() -> None:
    desk = at_work()
    desk.compose("a", saved=False)
    effects = desk.do(a.SaveFailed("a", "disk full"))
    assert DraftReturned("c1", "text a", "disk full") in desk.changes
    assert "a" not in desk.states()
    assert not sent(effects)
    assert sent(desk.compose("b")) == ["b"]


def test_the_ack_confirms_in_place_and_the_broadcast_changes_nothing() -> None:
    desk = at_work()
    desk.compose("a")
    effects = desk.do(ack("a", 4))
    saved, dropped = only(effects, f.SaveEvents), only(effects, f.DropLocal)
    assert [event.seq for event in saved[0].events] == [4]
    assert (saved[0].cursor, saved[0].ranges) == (4, ((1, 4),))
    assert effects.index(saved[0]) < effects.index(dropped[0])
    (change,) = [c for c in desk.changes if isinstance(c, TimelineChanged)]
    assert [(s.start, s.removed, len(s.rows)) for s in change.splices] == [(3, 1, 1)]
    assert desk.states()["a"] is SendState.SENT
    assert desk.do(own_broadcast("a", 4)) == []
    assert desk.changes == []


def test_the_broadcast_confirms_in_place_and_the_ack_changes_nothing() -> None:
    desk = at_work()
    desk.compose("a")
    effects = desk.do(own_broadcast("a", 4))
    assert only(effects, f.DropLocal) == [f.DropLocal("a")]
    (change,) = [c for c in desk.changes if isinstance(c, TimelineChanged)]
    assert isinstance(change.splices[0], Splice)
    assert [(s.start, s.removed, len(s.rows)) for s in change.splices] == [(3, 1, 1)]
    assert desk.do(ack("a", 4)) == []
    assert desk.changes == []


def test_somebody_elses_message_with_our_id_confirms_nothing() -> None:
    desk = at_work()
    desk.compose("a")
    stolen = replace(mine("a", 4), sender=BRUNO)
    desk.do(a.LogArrived((replace(posted(4, BRUNO), message=stolen),)))
    assert desk.states()["a"] is SendState.SENDING
    assert desk.states()["m-c1-4"] is SendState.SENT


def test_an_ack_ahead_of_what_is_known_is_held_and_the_hole_is_fetched() -> None:
    desk = at_work()
    desk.compose("a")
    effects = desk.do(ack("a", 6))
    assert only(effects, f.SaveEvents)[0].ranges == ((1, 3), (6, 6))
    assert only(effects, f.WakeAt) == [f.WakeAt(desk.now + 500)]
    assert desk.seqs() == [1, 2, 3, 6]
    assert only(desk.tick(500), f.FetchHistory) == [f.FetchHistory("c1", ("after", 3), 200)]
    desk.do(a.HistoryArrived("c1", (posted(4), posted(5), posted(6, ANA)), 6, False, ("after", 3)))
    assert desk.seqs() == [1, 2, 3, 4, 5, 6]
    assert desk.session.timeline("c1").cursor == 6


def test_one_in_flight_per_conversation_in_order_and_conversations_do_not_wait() -> None:
    desk = at_work(snap(conversation=channel("c2", "other")))
    assert sent(desk.compose("a")) == ["a"]
    assert sent(desk.compose("b")) == []
    assert sent(desk.compose("x", "c2")) == ["x"]
    assert sent(desk.do(ack("a", 4))) == ["b"]


def test_without_an_answer_it_is_queued_and_sent_again_under_the_same_id() -> None:
    desk = at_work()
    desk.compose("a")
    effects = desk.do(a.MessageUnanswered("a"))
    assert desk.states()["a"] is SendState.QUEUED
    assert only(effects, f.WakeAt) == [f.WakeAt(desk.now + 1000)]
    assert sent(desk.tick(1000)) == ["a"]
    assert only(desk.do(a.MessageUnanswered("a")), f.Reconnect)


def test_a_lost_link_queues_what_was_in_flight_and_a_late_failure_changes_nothing() -> None:
    desk = at_work()
    desk.compose("a")
    desk.do(a.LinkDown("lost", 0))
    assert desk.states()["a"] is SendState.QUEUED
    assert desk.do(a.MessageUnanswered("a")) == []
    assert sent(desk.online(snap(posted(3), read=3))) == ["a"]


def test_what_the_snapshot_has_is_confirmed_and_not_sent_again() -> None:
    desk = at_work()
    desk.compose("a")
    desk.compose("b")
    desk.do(a.LinkDown("lost", 0))
    copy = replace(posted(4, ANA), message=mine("a", 4))
    effects = desk.online(snap(copy, read=3))
    assert sent(effects) == ["b"]
    assert only(effects, f.DropLocal) == [f.DropLocal("a")]
    assert desk.states()["a"] is SendState.SENT


def test_a_refusal_for_good_fails_with_its_words_and_the_lane_goes_on() -> None:
    desk = at_work()
    desk.compose("a")
    desk.compose("b")
    effects = desk.do(a.MessageRefused("a", "archived", "It is archived.", False))
    (update,) = only(effects, f.UpdateLocal)
    assert update.message.state is SendState.FAILED
    assert update.message.error == "archived: It is archived."
    assert sent(effects) == ["b"]
    room = desk.session.room("c1")
    assert room is not None
    assert (room.failed, room.queued) == (1, 1)


def test_a_refusal_that_may_pass_waits_until_the_server_said() -> None:
    desk = at_work()
    desk.compose("a")
    desk.compose("b")
    at = desk.now + 7000
    effects = desk.do(a.MessageRefused("a", "rate_limited", "Slowly.", True, at))
    assert only(effects, f.WakeAt) == [f.WakeAt(at)]
    assert desk.states()["a"] is SendState.QUEUED
    assert not sent(desk.do(a.Latency(5)))
    assert sent(desk.tick(7000)) == ["a"]


def test_the_same_internal_error_again_and_again_is_left_to_the_user() -> None:
    desk = at_work()
    desk.compose("a")
    for _ in range(20):
        desk.do(a.MessageRefused("a", "internal", "Oops.", True))
        if desk.states()["a"] is SendState.FAILED:
            break
        desk.tick(100_000)
    assert desk.states()["a"] is SendState.FAILED


def test_retry_sends_again_under_the_same_id_after_those_that_wait() -> None:
    desk = at_work()
    desk.compose("a")
    desk.do(a.MessageRefused("a", "forbidden", "No.", False))
    desk.compose("b")
    desk.compose("c")
    effects = desk.do(e.Retry("a"))
    assert only(effects, f.UpdateLocal)[0].message.state is SendState.QUEUED
    assert [key for key in desk.states() if key in "abc"] == ["b", "c", "a"]
    assert sent(desk.do(ack("b", 4))) == ["c"]
    assert sent(desk.do(ack("c", 5))) == ["a"]


def test_discard_drops_what_waits_but_not_what_is_on_its_way() -> None:
    desk = at_work()
    desk.compose("a")
    desk.compose("b")
    assert only(desk.do(e.Discard("b")), f.DropLocal) == [f.DropLocal("b")]
    assert desk.do(e.Discard("a")) == []
    assert desk.changes == [Noticed("already_sent", "", "c1")]
    assert desk.states()["a"] is SendState.SENDING
    assert "b" not in desk.states()


def test_what_may_have_arrived_cannot_be_given_up_before_it_is_known() -> None:
    desk = at_work()
    desk.compose("a")
    desk.do(a.LinkDown("lost", 0))
    assert desk.do(e.Discard("a")) == []
    assert desk.changes == [Noticed("may_be_sent", "", "c1")]
    desk.online(snap(head=3, read=3))
    desk.do(a.MessageRefused("a", "forbidden", "No.", False))
    assert desk.do(e.Discard("a")) == []
    assert desk.states()["a"] is SendState.FAILED


def test_what_was_refused_can_be_given_up() -> None:
    desk = at_work()
    desk.compose("a")
    desk.do(a.MessageRefused("a", "busy", "Later.", True, desk.now + 60_000))
    assert desk.do(e.Discard("a"))[0] == f.DropLocal("a")


def test_that_it_may_have_arrived_is_known_after_a_restart() -> None:
    desk = Desk()
    desk.online(snap(posted(1), read=1))
    desk.do(a.LinkDown("lost", 0))
    desk.compose("a")
    effects = desk.online(snap(head=1, read=1))
    kinds = [type(effect) for effect in effects]
    assert kinds.index(f.UpdateLocal) < kinds.index(f.SendMessage), "written down before it goes"
    (written,) = only(effects, f.UpdateLocal)
    again = Desk(a.Loaded("e1", ANA, (), (written.message,)))
    assert again.do(e.Discard("a")) == []
    assert again.changes == [Noticed("may_be_sent", "", "c1")]


def test_what_was_never_sent_can_be_given_up_after_a_restart() -> None:
    desk = Desk()
    effects = desk.compose("a")
    (kept,) = only(effects, f.SaveLocal)
    again = Desk(a.Loaded("e1", ANA, (), (kept.message,)))
    assert again.do(e.Discard("a"))[0] == f.DropLocal("a")


def test_a_message_too_long_goes_back_and_an_empty_one_is_said() -> None:
    desk = at_work()
    text = "x" * (desk.session.text_max + 1)
    assert desk.do(e.Compose("c1", text, "a", 1)) == [f.DropLocal("a")]
    assert desk.changes == [DraftReturned("c1", text, "too_large")]
    assert desk.do(e.Compose("c1", "", "b", 1)) == [f.DropLocal("b")]
    assert desk.changes == [Noticed("empty", "", "c1")]


def test_the_same_id_twice_is_one_message() -> None:
    desk = at_work()
    desk.compose("a")
    assert desk.do(e.Compose("c1", "text a", "a", 1)) == []


def test_a_start_shows_what_waits_and_sends_it_in_order_once_online() -> None:
    waiting = [
        replace(message(0, ANA), key=n, client_msg_id=n, server_msg_id="", seq=0, state=state)
        for n, state in (
            ("a", SendState.SENDING),
            ("b", SendState.FAILED),
            ("c", SendState.SAVING),
        )
    ]
    stored = a.StoredRoom(RoomSummary(channel(), head_seq=3, read_seq=3), 3, ((1, 3),))
    desk = Desk(a.Loaded("e1", ANA, (stored,), tuple(waiting)))
    assert desk.states() == {
        "a": SendState.QUEUED,
        "b": SendState.FAILED,
        "c": SendState.QUEUED,
    }
    assert sent(desk.online(snap(head=3, read=3))) == ["a"]
    assert sent(desk.do(ack("a", 4))) == ["c"]


def test_written_before_we_knew_our_name_it_gets_the_name_at_sync() -> None:
    desk = Desk()
    desk.compose("a")
    effects = desk.online(snap(posted(1)))
    assert [m.message.sender for m in only(effects, f.SendMessage)] == [ANA]


def test_what_somebody_else_wrote_here_is_not_sent_in_our_name() -> None:
    waiting = replace(message(0, BRUNO), key="a", client_msg_id="a", seq=0, state=SendState.QUEUED)
    desk = Desk(a.Loaded("e1", BRUNO, (), (waiting,)))
    effects = desk.online(snap(posted(1)))
    assert not sent(effects)
    assert only(effects, f.UpdateLocal)[0].message.state is SendState.FAILED
    assert only(effects, f.ForgetAll) == [f.ForgetAll("e1", ANA)]


# --- what is done to messages that the server has --------------------------------------


def test_an_edit_carries_the_revision_it_is_based_on() -> None:
    desk = at_work()
    edited = replace(message(3), revision=4, changed_seq=3)
    desk.do(a.LogArrived((replace(posted(3), message=edited),)))
    effects = desk.do(e.EditMessage("c1", "m-c1-3", "new", "op"))
    assert effects == [f.SendEdit("c1", "m-c1-3", "new", "op", 4)]


def test_our_own_message_can_be_edited_while_no_rows_are_held() -> None:
    desk = Desk()
    desk.online(snap(posted(1)))
    desk.compose("a")
    desk.do(ack("a", 2))
    held = desk.session.message("c1", "m-c1-2")
    assert held is not None
    assert held.text == "text a"
    assert only(desk.do(e.EditMessage("c1", "m-c1-2", "new", "op")), f.SendEdit)


def test_deletion_reaction_and_stop_are_asked_for() -> None:
    desk = at_work()
    assert desk.do(e.DeleteMessage("c1", "m-c1-1", "op")) == [f.SendDelete("c1", "m-c1-1", "op")]
    assert desk.do(e.React("c1", "m-c1-1", "👍", True, "op")) == [
        f.SendReaction("c1", "m-c1-1", "👍", True, "op")
    ]
    assert desk.do(e.StopStream("c1", "m-c1-1")) == [f.SendStop("c1", "m-c1-1")]


def test_what_cannot_be_asked_is_said() -> None:
    desk = at_work()
    assert desk.do(e.EditMessage("c1", "", "new", "op")) == []
    assert desk.changes == [Noticed("not_sent", "", "c1")]
    desk.do(a.LinkDown("lost", 0))
    assert desk.do(e.DeleteMessage("c1", "m-c1-1", "op")) == []
    assert desk.changes == [Noticed("offline", "", "c1")]


def test_a_refused_operation_is_told_in_the_servers_words() -> None:
    desk = at_work()
    desk.do(a.OperationRefused("c1", "op", "edit_conflict", "It was changed meanwhile."))
    assert desk.changes == [Noticed("edit_conflict", "It was changed meanwhile.", "c1")]


def test_an_ack_from_a_conversation_that_is_news_asks_for_a_sync() -> None:
    desk = at_work()
    desk.compose("a", "c9")
    effects = desk.do(a.MessageAcked("a", "m-c9-1", 1, 1000))
    assert only(effects, f.DropLocal) == [f.DropLocal("a")]
    assert only(effects, f.SendSync)
    assert desk.session.me == User("u-ana", "ana")


def test_a_message_whose_id_belongs_to_another_may_be_discarded() -> None:
    desk = at_work()
    desk.compose("twice")
    desk.do(a.MessageUnanswered("twice"))
    assert only(desk.tick(2_000), f.SendMessage)
    desk.do(a.MessageRefused("twice", "id_conflict", "Another text.", False))
    assert only(desk.do(e.Discard("twice")), f.DropLocal) == [f.DropLocal("twice")]
