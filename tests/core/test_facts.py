"""What became of a message, and what held it back."""

from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import events as e
from talkbot_tui.core.facts import FACTS_MAX, Delay, FactBook, Facts
from talkbot_tui.core.model import MessagePosted
from tests.core.desk import Desk, at_work, snap
from tests.core.people import posted


def delays(desk: Desk, name: str) -> list[tuple[str, int]]:
    return [(delay.why, delay.times) for delay in desk.session.facts(name).delays]


def test_a_message_without_trouble_has_four_times_and_no_delay() -> None:
    desk = at_work()
    began = desk.now
    desk.compose("a")
    desk.do(a.MessageAcked("a", "m4", 4, 99), after=30)
    facts = desk.session.facts("a")
    assert facts == Facts(began + 1, began + 2, began + 2, began + 32, 1)


def test_the_second_of_two_waited_for_its_turn() -> None:
    desk = at_work()
    desk.compose("a")
    desk.compose("b")
    assert delays(desk, "b") == [("turn", 1)]


def test_every_obstacle_is_counted_in_the_order_of_its_first_time() -> None:
    desk = at_work()
    desk.do(a.LinkDown("lost", 0))
    desk.compose("a")
    desk.online(snap(head=3, read=3))
    for _ in range(2):
        desk.do(a.MessageRefused("a", "busy", "Later.", True, desk.now + 1000))
        desk.tick(70_000)
    desk.do(a.LinkDown("lost", 0))
    desk.online(snap(head=3, read=3))
    desk.do(a.MessageUnanswered("a"))
    assert desk.session.facts("a").delays == (
        Delay("offline"),
        Delay("refused", 2, "busy"),
        Delay("lost"),
        Delay("unanswered"),
    )
    assert desk.session.facts("a").sends == 4


def test_the_broadcast_counts_as_the_answer() -> None:
    desk = at_work()
    desk.compose("a")
    ours = posted(4, desk.session.me)
    told = a.LogArrived((_named(ours, "a"),))
    desk.do(told)
    assert desk.session.facts("a").acked_at == desk.now


def test_a_failed_message_that_is_sent_again_says_so() -> None:
    desk = at_work()
    desk.compose("a")
    desk.do(a.MessageRefused("a", "forbidden", "No.", False))
    desk.do(e.Retry("a"))
    assert delays(desk, "a") == [("retried", 1)]


def test_of_a_message_of_another_device_nothing_is_known() -> None:
    assert at_work().session.facts("elsewhere") == Facts()


def test_the_book_keeps_the_latest_only() -> None:
    book = FactBook()
    for number in range(FACTS_MAX + 1):
        book.note(f"m{number}", composed_at=number + 1)
    assert book.of("m0") == Facts()
    assert book.of(f"m{FACTS_MAX}").composed_at == FACTS_MAX + 1


def _named(event: MessagePosted, client_msg_id: str) -> MessagePosted:
    mine = replace(event.message, key=client_msg_id, client_msg_id=client_msg_id)
    return replace(event, message=mine)
