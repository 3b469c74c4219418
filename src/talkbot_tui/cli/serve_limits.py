"""`serve --limit NAME=N`: the limits that a team behind one address, or a busy one, may need wider.

Each name is a field of `ServerConfig`, written with hyphens.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from talkbot_tui import i18n
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.problems import Problem

_ = i18n.Domain("cli")

VARIABLE = "TALKBOT_LIMITS"
OPTION = "--limit"
COUNTS = (
    "handshakes_per_address",
    "connections_per_user",
    "failures_max",
    "address_failures_max",
    "address_connections_burst",
    "address_events_burst",
    "address_requests_burst",
    "registrations_burst",
    "events_burst",
    "pace_burst",
)
RATES = (
    "address_connections_per_second",
    "address_events_per_second",
    "address_requests_per_second",
    "registrations_per_second",
    "events_per_second",
    "pace_per_second",
)
COUNT_MOST = 10_000_000
RATE_LEAST, RATE_MOST = 0.001, 1_000_000.0


def read(given: Iterable[str]) -> dict[str, float]:
    """Fields of `ServerConfig` and their values: the environment's, then the options'.

    given: `NAME=N` each; raises `Problem` for one that cannot be meant.
    """
    named = [(VARIABLE, part) for part in os.environ.get(VARIABLE, "").split(",") if part.strip()]
    named += [(OPTION, text) for text in given]
    return dict(_limit(where, text) for where, text in named)


def _limit(where: str, text: str) -> tuple[str, float]:
    name, _is, number = (part.strip() for part in text.partition("="))
    field = name.replace("-", "_")
    value: float | None
    if field in COUNTS:
        value = _count(number)
        wanted = _("a whole number from 1 to {most}").format(most=COUNT_MOST)
    elif field in RATES:
        value = _rate(number)
        wanted = _("a number from {least} to {most}").format(
            least=f"{RATE_LEAST:g}", most=f"{RATE_MOST:.0f}"
        )
    else:
        names = ", ".join(known.replace("_", "-") for known in (*COUNTS, *RATES))
        raise Problem(
            _("{where}: {name!r} is no limit; there are {names}").format(
                where=where, name=name[:40], names=names
            ),
            exit_codes.USAGE,
        )
    if value is None:
        raise Problem(
            _("{where}: {name} takes {wanted}, as {name}=50, not {number!r}").format(
                where=where, name=field.replace("_", "-"), wanted=wanted, number=number[:40]
            ),
            exit_codes.USAGE,
        )
    return field, value


def _count(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return int(text) if 1 <= int(text) <= COUNT_MOST else None


def _rate(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if RATE_LEAST <= value <= RATE_MOST else None
