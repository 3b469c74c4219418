"""When to try again: pure functions of what happened."""

from __future__ import annotations

BASE_S = 0.5
CAP_S = 30.0
HEALTHY_S = 30.0
"""A link that lived so long ends the series of failures."""

FINAL = frozenset(
    {
        "auth_required",
        "token_invalid",
        "session_revoked",
        "protocol_unsupported",
        "insecure_url",
        "bad_url",
    }
)
"""Refusals that another attempt would meet again."""


def backoff(failures: int, draw: float, base: float = BASE_S, cap: float = CAP_S) -> float:
    """Seconds to wait after `failures` in a row (at least one).

    `draw` in [0, 1) spreads the waits over the whole interval (full jitter):
    after a server's restart its clients come back one by one.
    """
    ceiling: float = min(cap, base * 2 ** min(failures - 1, 16))
    return ceiling * draw


def is_transient(code: str, retryable: bool | None = None) -> bool:
    """Whether another attempt may succeed after a refusal with `code`.

    `retryable` is what the server said; None when it said nothing. An expired
    token is renewed before the next attempt, so it counts as passing.
    """
    if code == "token_expired":
        return True
    if retryable is not None:
        return retryable
    return code not in FINAL
