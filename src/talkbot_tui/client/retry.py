"""When to try again: pure functions of what happened."""

from __future__ import annotations

BASE_S = 0.5
REFUSED_CAP_S = 30.0
"""The longest wait after a server has answered that it cannot take us now."""
PATH_CAP_S = 4.6
"""The longest wait after nobody has answered: a path that heals is found within 5 seconds."""
PATH_FLOOR = 0.8
"""The part of `PATH_CAP_S` that is always waited once the waits have grown to it: it keeps
the attempts at no more than 17 a minute; the rest of it spreads them."""
NAMED_CAP_S = 300.0
"""The longest wait that a server may ask for; a slip of its clock must not shut us out."""
HEALTHY_S = 30.0
"""A link that lived so long ends the series of failures."""

FINAL = frozenset(
    {
        "auth_required",
        "token_invalid",
        "session_revoked",
        "protocol_unsupported",
        "insecure_url",
        "odd_url",
        "secret_unreadable",
        "bad_url",
    }
)
"""Refusals that another attempt would meet again."""


def backoff(failures: int, draw: float, *, answered: bool = False) -> float:
    """Seconds to wait after `failures` in a row (at least one).

    `draw` in [0, 1) spreads the waits over the whole interval (full jitter): after a
    server's restart its clients come back one by one. `answered`: it was the server that
    would not have us, not the path; then the waits grow longer.
    """
    ceiling: float = BASE_S * 2 ** min(failures - 1, 16)
    if answered:
        return min(REFUSED_CAP_S, ceiling) * draw
    if ceiling < PATH_CAP_S:
        return ceiling * draw
    return PATH_CAP_S * (PATH_FLOOR + (1 - PATH_FLOOR) * draw)


def named_wait(retry_after_ms: int) -> float:
    """Seconds to wait when the server asks for `retry_after_ms`, however many those are."""
    return max(0, min(retry_after_ms, int(NAMED_CAP_S * 1000))) / 1000


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
