from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core.model import Message, SendState
from talkbot_tui.core.outbox import BACKOFF_MAX_MS, Outbox, backoff
from tests.core.people import ANA


def echo(name: str, room: str = "c1", state: SendState = SendState.QUEUED) -> Message:
    return Message(name, room, ANA, name, 1, client_msg_id=name, state=state)


def filled(*messages: Message) -> Outbox:
    outbox = Outbox()
    for message in messages:
        outbox.add(message)
    return outbox


def started(outbox: Outbox, room: str = "c1", now: int = 0) -> str:
    message = outbox.start(room, now)
    return message.client_msg_id if message else ""


def test_one_message_in_flight_per_conversation_in_order() -> None:
    outbox = filled(echo("a"), echo("b"), echo("x", "c2"))
    assert started(outbox) == "a"
    assert started(outbox) == ""
    assert started(outbox, "c2") == "x"
    outbox.remove("a")
    assert started(outbox) == "b"


def test_nothing_is_sent_before_it_is_saved_nor_past_what_is_not() -> None:
    outbox = filled(echo("a", state=SendState.SAVING), echo("b"))
    assert started(outbox) == ""
    assert outbox.saved("a") is not None
    assert outbox.saved("a") is None
    assert started(outbox) == "a"


def test_a_refusal_for_good_leaves_the_lane_and_blocks_nothing() -> None:
    outbox = filled(echo("a"), echo("b"))
    started(outbox)
    failed = outbox.fail("a", "forbidden: no")
    assert failed == replace(echo("a"), state=SendState.FAILED, error="forbidden: no")
    assert started(outbox) == "b"
    assert outbox.counts("c1") == (1, 1)


def test_a_refusal_that_may_pass_holds_its_lane_back_and_no_other() -> None:
    outbox = filled(echo("a"), echo("b"), echo("x", "c2"))
    started(outbox)
    outbox.postpone("a", now=0, ready_at=5000, code="busy")
    assert started(outbox, now=4999) == ""
    assert outbox.ready_at("c1") == 5000
    assert started(outbox, "c2") == "x"
    assert started(outbox, now=5000) == "a"


def test_pauses_grow_to_a_bound() -> None:
    assert [backoff(tries) for tries in (1, 2, 3)] == [1000, 2000, 4000]
    assert backoff(10) == backoff(500) == BACKOFF_MAX_MS


def test_a_lost_link_queues_again_under_the_same_id_without_a_pause() -> None:
    outbox = filled(echo("a"), echo("b"))
    started(outbox)
    assert outbox.link_lost() == [replace(echo("a"), attempted=True)]
    assert started(outbox) == "a"
    outbox.postpone("a", now=0, code=None)
    outbox.link_lost()
    assert started(outbox, now=0) == "a"


def test_a_retried_message_goes_to_the_end_of_its_lane() -> None:
    outbox = filled(echo("a", state=SendState.FAILED), echo("b"))
    assert outbox.retry("a", now=77) == replace(echo("a"), ts=77)
    assert outbox.retry("a", now=78) is None
    assert [m.client_msg_id for m in outbox.messages("c1")] == ["b", "a"]
    assert started(outbox) == "b"


def test_what_is_not_there_is_no_news() -> None:
    outbox = Outbox()
    assert outbox.get("a") is None
    assert outbox.remove("a") is None
    assert outbox.fail("a", "") is None
    assert outbox.postpone("a", 0, code="busy") is None
    assert outbox.conversations() == ()


def tried(outbox: Outbox, *codes: str | None) -> None:
    """One attempt to send "a" for each of these outcomes."""
    for code in codes:
        assert started(outbox, now=10**9) == "a"
        outbox.postpone("a", now=0, code=code)


def test_refusals_in_a_row_are_counted_by_code() -> None:
    outbox = filled(echo("a"))
    tried(outbox, "internal", "internal")
    assert (outbox.refusals("a", "internal"), outbox.refusals("a", "busy")) == (2, 0)
    tried(outbox, "busy")
    assert (outbox.refusals("a", "internal"), outbox.refusals("a", "busy")) == (0, 1)
    tried(outbox, "internal", None)
    assert outbox.refusals("a", "internal") == 0
    tried(outbox, "internal")
    started(outbox, now=10**9)
    outbox.link_lost()
    assert outbox.refusals("a", "internal") == 0
    assert outbox.refusals("b", "internal") == 0


def test_missing_answers_in_a_row_are_counted_by_link() -> None:
    outbox = filled(echo("a"))
    tried(outbox, "internal", None, None)
    assert outbox.silences("a") == 2
    tried(outbox, "rate_limited")
    assert outbox.silences("a") == 0
    tried(outbox, None)
    outbox.link_lost()
    assert outbox.silences("a") == 0
    assert outbox.silences("b") == 0


def test_pauses_grow_whatever_the_attempts_met() -> None:
    outbox = filled(echo("a"))
    tried(outbox, "busy", None, "internal")
    assert outbox.ready_at("c1") == backoff(3)
