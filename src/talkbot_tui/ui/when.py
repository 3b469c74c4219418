"""Times as people write them: a day, an hour, both; in both languages whichever is shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from talkbot_tui.ui.clockwork import LAST_MS, local

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})\Z")
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})\Z")
_HOUR = re.compile(r"(\d{1,2})[:h](\d{2})\Z")
_DAYS_AGO = {"today": 0, "hoje": 0, "yesterday": 1, "ontem": 1, "anteontem": 2}


def parse(text: str, now: int, zone: tzinfo | None) -> int | None:
    """The beginning of what `text` names, in ms; None for what is no time.

    `2026-11-03`, `3/11/2026`, `yesterday`, `14:30` (the last time it was that late), or a
    day and an hour. `now` in ms.
    """
    words = text.lower().replace("t", " ", 1).split() if _is_stamp(text) else text.lower().split()
    if not 1 <= len(words) <= 2:
        return None
    here = local(now, zone)
    hour = _hour(words[-1])
    day = _day(words[0], here)
    try:
        if len(words) == 2 or hour is None:
            if day is None or (len(words) == 2 and hour is None):
                return None
            moment = datetime.combine(day.date(), hour or time(), here.tzinfo)
        else:
            moment = datetime.combine(here.date(), hour, here.tzinfo)
            if moment > here:
                moment -= timedelta(days=1)
        return max(0, min(int(moment.astimezone(UTC).timestamp() * 1000), LAST_MS))
    except (ValueError, OverflowError):
        return None


def _is_stamp(text: str) -> bool:
    return bool(re.match(r"\d{4}-\d{1,2}-\d{1,2}[tT]\d", text))


def _hour(word: str) -> time | None:
    found = _HOUR.match(word)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    return time(int(found[1]), int(found[2]))


def _day(word: str, here: datetime) -> datetime | None:
    if word in _DAYS_AGO:
        return here - timedelta(days=_DAYS_AGO[word])
    iso, slashed = _ISO.match(word), _SLASHED.match(word)
    try:
        if iso:
            return datetime(int(iso[1]), int(iso[2]), int(iso[3]), tzinfo=UTC)
        if slashed:
            return datetime(int(slashed[3]), int(slashed[2]), int(slashed[1]), tzinfo=UTC)
    except ValueError:
        return None
    return None
