"""Attempts that failed: what is counted in a row, and what a refusal says of earlier ones."""

from __future__ import annotations

import pytest

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.changes import Noticed
from talkbot_tui.core.model import MemberChanged, SendState
from talkbot_tui.core.outbox import TRIES_MAX
from tests.core.desk import Desk, at_work, only, snap
from tests.core.people import ANA, BRUNO


def sent(effects: list[f.Effect]) -> list[str]:
    return [effect.message.client_msg_id for effect in only(effects, f.SendMessage)]


# --- what is counted in a row -----------------------------------------------------------


def refuse(desk: Desk, code: str, times: int = 1) -> None:
    for _ in range(times):
        assert desk.states()["a"] is SendState.SENDING
        desk.do(a.MessageRefused("a", code, "No.", True))
        desk.tick(100_000)


def test_lost_links_do_not_make_the_first_internal_error_the_last() -> None:
    desk = at_work()
    desk.compose("a")
    for _ in range(TRIES_MAX + 2):
        desk.do(a.MessageUnanswered("a"))
        desk.do(a.LinkDown("lost", 0))
        desk.online(snap(head=3, read=3))
    refuse(desk, "internal")
    assert desk.states()["a"] is SendState.SENDING


def test_something_else_in_between_ends_the_row_of_internal_errors() -> None:
    desk = at_work()
    desk.compose("a")
    refuse(desk, "internal", TRIES_MAX)
    refuse(desk, "busy")
    refuse(desk, "internal", TRIES_MAX)
    desk.do(a.MessageUnanswered("a"))
    desk.tick(100_000)
    refuse(desk, "internal", TRIES_MAX)
    assert desk.states()["a"] is SendState.SENDING
    desk.do(a.MessageRefused("a", "internal", "Oops.", True))
    assert desk.states()["a"] is SendState.FAILED


def test_refusals_cast_no_doubt_on_the_link() -> None:
    desk = at_work()
    desk.compose("a")
    refuse(desk, "rate_limited", 2)
    assert not only(desk.do(a.MessageUnanswered("a")), f.Reconnect)
    desk.tick(100_000)
    assert only(desk.do(a.MessageUnanswered("a")), f.Reconnect)


def test_a_missing_answer_on_the_last_link_casts_no_doubt_on_this_one() -> None:
    desk = at_work()
    desk.compose("a")
    desk.do(a.MessageUnanswered("a"))
    desk.do(a.LinkDown("lost", 0))
    desk.online(snap(head=3, read=3))
    assert not only(desk.do(a.MessageUnanswered("a")), f.Reconnect)


# --- what a refusal says of earlier attempts -----------------------------------------------


def refused_in_doubt(code: str, reply_to: str = "") -> Desk:
    """A message that once went unanswered is refused for good."""
    desk = at_work()
    desk.do(e.Compose("c1", "text", "a", desk.now, reply_to=reply_to))
    desk.do(a.Saved("a"))
    desk.do(a.MessageUnanswered("a"))
    assert sent(desk.tick(2_000)) == ["a"]
    (update,) = only(desk.do(a.MessageRefused("a", code, "No.", False)), f.UpdateLocal)
    assert update.message.attempted != (f.DropLocal("a") in desk.do(e.Discard("a")))
    return desk


@pytest.mark.parametrize(
    ("code", "reply_to"),
    [
        ("bad_request", ""),
        ("too_large", ""),
        ("empty", ""),
        ("id_conflict", ""),
        ("not_found", "m-c1-1"),
    ],
)
def test_what_no_server_takes_may_be_given_up_even_if_it_went_unanswered(
    code: str, reply_to: str
) -> None:
    assert "a" not in refused_in_doubt(code, reply_to).states()


@pytest.mark.parametrize(
    ("code", "reply_to"),
    [("forbidden", "m-c1-1"), ("not_found", ""), ("archived", ""), ("limit", ""), ("odd", "")],
)
def test_what_is_not_ours_to_do_now_may_have_been_then(code: str, reply_to: str) -> None:
    desk = refused_in_doubt(code, reply_to)
    assert desk.states()["a"] is SendState.FAILED
    assert desk.changes == [Noticed("may_be_sent", "", "c1")]


def test_not_found_says_nothing_of_the_reply_once_we_are_no_member() -> None:
    desk = at_work()
    desk.do(e.Compose("c1", "text", "a", desk.now, reply_to="m-c1-1"))
    desk.do(a.Saved("a"))
    desk.do(a.MessageUnanswered("a"))
    assert sent(desk.tick(2_000)) == ["a"]
    desk.do(a.LogArrived((MemberChanged("c1", 4, 4, BRUNO, ANA, "removed"),)))
    desk.do(a.MessageRefused("a", "not_found", "No.", False))
    assert desk.do(e.Discard("a")) == []
    assert desk.states()["a"] is SendState.FAILED
