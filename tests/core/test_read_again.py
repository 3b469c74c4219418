"""Read marks that were refused or went unanswered are told again, at a measured pace."""

from __future__ import annotations

import pytest

from talkbot_tui.client.dialects import Failure
from talkbot_tui.client.dialects.talkbot import TalkbotDialect
from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.outbox import BACKOFF_MAX_MS
from talkbot_tui.core.reading import READ_AGAIN_MS
from tests.core.desk import Desk, at_work, only, snap, snapshot
from tests.core.people import ANA, posted


def told(effects: list[f.Effect]) -> list[int]:
    return [effect.seq for effect in only(effects, f.SendRead)]


def reader(*, at: int = 5) -> Desk:
    """Six messages, of which those up to `at` are read; the server has been told."""
    desk = at_work()
    desk.do(a.LogArrived((posted(4), posted(5), posted(6))))
    assert told(desk.do(e.ReadUpTo("c1", at))) == [at]
    return desk


def test_a_refused_mark_is_told_again_when_the_server_said() -> None:
    desk = reader()
    at = desk.now + 3 * READ_AGAIN_MS
    assert only(desk.do(a.ReadFailed("c1", 5, retry_at=at)), f.WakeAt) == [f.WakeAt(at)]
    assert told(desk.tick(at - desk.now - 1)) == []
    assert told(desk.tick(1)) == [5]


def test_an_unanswered_mark_is_told_again_and_ever_more_rarely() -> None:
    desk = reader()
    pauses = []
    for _ in range(12):
        begun = desk.now
        desk.do(a.ReadFailed("c1", 5), after=0)
        while not told(desk.tick(500)):
            pass
        pauses.append(desk.now - begun)
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (READ_AGAIN_MS, BACKOFF_MAX_MS)


def test_once_it_was_taken_nothing_more_is_told_and_the_pauses_begin_anew() -> None:
    desk = reader()
    for _ in range(4):
        desk.do(a.ReadFailed("c1", 5))
        desk.tick(BACKOFF_MAX_MS)
    desk.do(a.ReadHint("c1", ANA.user_id, 5, unread=1, mentions=0))
    assert told(desk.tick(2 * BACKOFF_MAX_MS)) == []
    assert told(desk.do(e.ReadUpTo("c1", 6))) == [6]
    desk.do(a.ReadFailed("c1", 6))
    assert told(desk.tick(READ_AGAIN_MS)) == [6]


def test_who_reads_on_meanwhile_waits_too_and_the_last_mark_wins() -> None:
    desk = reader(at=4)
    desk.do(a.ReadFailed("c1", 4))
    for seq in (5, 6):
        assert told(desk.do(e.ReadUpTo("c1", seq), after=1_500)) == []
    assert told(desk.tick(READ_AGAIN_MS)) == [6]


def test_a_failure_is_no_news_once_a_later_mark_is_told() -> None:
    desk = reader(at=4)
    assert told(desk.do(e.ReadUpTo("c1", 6), after=1_500)) == [6]
    assert desk.do(a.ReadFailed("c1", 4)) == []
    assert told(desk.tick(BACKOFF_MAX_MS)) == []


@pytest.mark.parametrize("seq", [5, 6])
def test_a_failure_is_no_news_once_another_device_has_read_as_far(seq: int) -> None:
    desk = reader()
    desk.do(a.ReadHint("c1", ANA.user_id, seq, unread=6 - seq, mentions=0))
    assert desk.do(a.ReadFailed("c1", 5)) == []
    assert told(desk.do(e.ReadUpTo("c1", 6), after=1_500)) == list(range(seq + 1, 7))


def test_a_failure_is_no_news_once_a_sync_shows_that_it_was_taken() -> None:
    desk = reader()
    desk.do(a.Resync())
    desk.do(snapshot(snap(head=6, read=5, unread=1)))
    assert desk.do(a.ReadFailed("c1", 5)) == []
    assert told(desk.tick(BACKOFF_MAX_MS)) == []


def test_what_is_refused_for_good_is_not_told_again() -> None:
    desk = reader()
    assert desk.do(a.ReadFailed("c1", 5, retryable=False)) == []
    assert told(desk.tick(BACKOFF_MAX_MS)) == []
    assert told(desk.do(e.ReadUpTo("c1", 6))) == [6]


@pytest.mark.parametrize("late", [False, True])
def test_a_new_link_waits_for_no_pause_of_the_last_one(late: bool) -> None:
    desk = reader()
    steps: list[e.Event] = [a.ReadFailed("c1", 5), a.LinkDown("lost", 0)]
    for step in reversed(steps) if late else steps:
        assert told(desk.do(step)) == []
    assert told(desk.online(snap(head=6, read=3, unread=3))) == [5]


def test_without_a_link_nothing_is_told() -> None:
    desk = reader()
    desk.do(a.ReadFailed("c1", 5))
    desk.do(a.LinkDown("lost", 0))
    assert desk.do(a.ReadFailed("c1", 5)) == []
    assert told(desk.tick(READ_AGAIN_MS)) == []


def test_the_time_to_wait_is_by_the_shells_clock() -> None:
    desk = reader()
    desk.now -= 1_000_000
    at = desk.now + 2 * READ_AGAIN_MS
    assert only(desk.do(a.ReadFailed("c1", 5, retry_at=at)), f.WakeAt) == [f.WakeAt(at)]


def test_a_room_that_we_left_is_told_nothing() -> None:
    desk = reader()
    assert desk.do(a.ReadFailed("c9", 5)) == []


@pytest.mark.parametrize(
    ("failure", "news"),
    [
        (Failure("rate_limited", "Slowly.", True, 77), a.ReadFailed("c1", 5, True, 77)),
        (Failure("unanswered"), a.ReadFailed("c1", 5)),
        (Failure("not_found", "No such room.", False), a.ReadFailed("c1", 5, False)),
    ],
)
def test_our_contract_tells_the_core_what_became_of_a_mark(
    failure: Failure, news: a.ReadFailed
) -> None:
    request = TalkbotDialect().request(f.SendRead("c1", 5))
    assert request is not None
    assert request.failed(failure) == news
