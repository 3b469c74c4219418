"""Understanding `remind me in 10m …`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from talkbot_tui.bots.speech import plain

_UNITS = {
    1: ("s", "sec", "secs", "second", "seconds", "seg", "segundo", "segundos"),
    60: ("m", "min", "mins", "minute", "minutes", "minuto", "minutos"),
    3_600: ("h", "hr", "hrs", "hour", "hours", "hora", "horas"),
    86_400: ("d", "day", "days", "dia", "dias"),
}
_SECONDS = {word: seconds for seconds, words in _UNITS.items() for word in words}
_ASKED = re.compile(
    r"^(?:me\s+(?!\s))?(?:in|em|daqui\s+a)?\s*(\d{1,6})\s*([a-zA-Z]+)\b[\s,:]*"
    r"(?:(?:to|that|de|que|para)\s+)?(.+)$",
    re.DOTALL | re.IGNORECASE,
)
LONGEST_S = 366 * 86_400
EACH_MAX = 100
"""So many reminders of one person may wait."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Say `text` after `seconds`."""

    seconds: int
    text: str


def parse(rest: str) -> Asked | None:
    """What is to be said and when; None when that cannot be made out."""
    found = _ASKED.match(rest.strip())
    if not found:
        return None
    unit = _SECONDS.get(plain(found[2]))
    seconds = int(found[1]) * unit if unit else 0
    text = found[3].strip()
    if not 1 <= seconds <= LONGEST_S or not text:
        return None
    return Asked(seconds, text)


def span(seconds: int) -> str:
    """A length of time in its largest whole unit: 90 min, 2 h, 45 s."""
    for size, sign in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {sign}"
    return f"{seconds} s"
