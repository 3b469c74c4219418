"""How long is waited before the next attempt."""

from __future__ import annotations

import pytest

from talkbot_tui.client.retry import backoff, is_transient

ALMOST_ONE = 1 - 2**-53


@pytest.mark.parametrize("failures", [*range(1, 40), 10_000])
def test_a_path_that_heals_is_found_within_five_seconds(failures: int) -> None:
    assert 0 <= backoff(failures, 0.0) <= backoff(failures, ALMOST_ONE) < 5


def test_nobody_knocks_more_than_seventeen_times_in_a_minute() -> None:
    for draw in (0.0, 0.5, ALMOST_ONE):
        waits = [backoff(failures, draw) for failures in range(5, 22)]
        assert sum(waits) > 60


def test_the_first_waits_are_spread_from_nothing_on() -> None:
    assert [backoff(failures, 0.0) for failures in range(1, 5)] == [0.0] * 4
    assert [backoff(failures, 1.0) for failures in range(1, 5)] == [0.5, 1.0, 2.0, 4.0]


def test_a_server_that_refuses_is_left_alone_for_longer() -> None:
    assert backoff(20, ALMOST_ONE, answered=True) == pytest.approx(30)
    assert backoff(20, 0.0, answered=True) == 0


@pytest.mark.parametrize(
    ("code", "said", "passes"),
    [
        ("busy", None, True),
        ("token_expired", False, True),
        ("session_revoked", None, False),
        ("session_revoked", True, True),
        ("anything", False, False),
    ],
)
def test_what_may_pass_is_tried_again(code: str, said: bool | None, passes: bool) -> None:
    assert is_transient(code, said) is passes
