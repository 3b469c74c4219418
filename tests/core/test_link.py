from __future__ import annotations

import itertools

import pytest

from talkbot_tui.core.link import TRANSITIONS, Link, LinkError, LinkState, Signal, band


def at(state: LinkState) -> Link:
    link = Link()
    link.state = state
    return link


@pytest.mark.parametrize(("state", "signal"), itertools.product(LinkState, Signal))
def test_every_signal_in_every_state_moves_by_the_table_or_raises(
    state: LinkState, signal: Signal
) -> None:
    link = at(state)
    if signal in TRANSITIONS[state]:
        assert link.signal(signal) is TRANSITIONS[state][signal]
    else:
        with pytest.raises(LinkError, match=f"{signal.value} .* {state.value}"):
            link.signal(signal)
        assert link.state is state


def test_every_state_can_be_left_and_reached() -> None:
    assert set(TRANSITIONS) == set(LinkState)
    reached = {LinkState.OFFLINE}
    for _ in LinkState:
        reached |= {to for state in reached for to in TRANSITIONS[state].values()}
    assert reached == set(LinkState)
    assert all(set(moves.values()) - {state} for state, moves in TRANSITIONS.items())


def test_nothing_is_sent_before_the_server_said_where_we_are() -> None:
    link = Link()
    link.signal(Signal.CONNECTING)
    link.signal(Signal.UP)
    assert not link.online
    link.signal(Signal.SYNCED)
    assert link.online


def test_a_good_link_forgets_why_it_waited() -> None:
    link = at(LinkState.ONLINE)
    link.signal(Signal.DOWN)
    link.reason, link.retry_at, link.attempt = "lost", 5000, 3
    link.signal(Signal.CONNECTING)
    assert (link.reason, link.retry_at) == ("", 0)
    link.signal(Signal.UP)
    assert link.attempt == 3
    link.signal(Signal.SYNCED)
    assert link.attempt == 0


def test_a_refused_link_stays_refused_until_the_user_acts() -> None:
    link = at(LinkState.REFUSED)
    link.reason, link.code = "no", "session_revoked"
    link.signal(Signal.DOWN)
    assert (link.state, link.reason, link.code) == (LinkState.REFUSED, "no", "session_revoked")
    assert link.signal(Signal.CONNECTING) is LinkState.CONNECTING


@pytest.mark.parametrize(
    ("ms", "expected"),
    [
        (0, 0),
        (49, 0),
        (50, 1),
        (149, 1),
        (150, 2),
        (399, 2),
        (400, 3),
        (999, 3),
        (1000, 4),
        (9000, 4),
    ],
)
def test_latency_bands(ms: int, expected: int) -> None:
    assert band(ms) == expected


def test_only_the_first_round_trip_and_another_band_are_news() -> None:
    link = at(LinkState.ONLINE)
    assert [link.measure(ms) for ms in (12, 30, 49, 60, 149, 149)] == [
        True,
        False,
        False,
        False,
        True,
        False,
    ]
    assert link.latency_ms == 84
    assert [link.measure(20) for _ in range(8)].count(True) == 1
    assert link.band == 0
