"""Times and days in words, in the interface's language; the time zone is given, never looked up."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from talkbot_tui import i18n

_ = i18n.Domain("app")

FIRST_MS, LAST_MS = 0, 253_402_128_000_000
"""1970, and the end of 9999 with room for any zone."""


def N_(text: str) -> str:
    """Marks a text that is translated where it is shown."""
    return text


_WEEKDAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
_MONTHS = (
    N_("January"),
    N_("February"),
    N_("March"),
    N_("April"),
    N_("May"),
    N_("June"),
    N_("July"),
    N_("August"),
    N_("September"),
    N_("October"),
    N_("November"),
    N_("December"),
)


def local(ts: int, zone: tzinfo | None) -> datetime:
    """`ts` (ms) in `zone`, or in the system's zone for None; at most the end of the year 9999.

    A server may send any number, and the calendar has an end.
    """
    moment = datetime.fromtimestamp(max(FIRST_MS, min(ts, LAST_MS)) / 1000, UTC)
    return moment.astimezone(zone)


def hour(ts: int, zone: tzinfo | None) -> str:
    """Hours and minutes."""
    return local(ts, zone).strftime("%H:%M")


def day(ts: int, zone: tzinfo | None) -> str:
    """A day in words, for the dividers."""
    moment = local(ts, zone)
    return _("{weekday}, {month} {day}, {year}").format(
        weekday=_(_WEEKDAYS[moment.weekday()]),
        month=_(_MONTHS[moment.month - 1]),
        day=moment.day,
        year=moment.year,
    )


def to_the_second(ts: int, zone: tzinfo | None) -> str:
    """Day and time with seconds."""
    return local(ts, zone).strftime("%Y-%m-%d %H:%M:%S")


def stamp(ts: int, zone: tzinfo | None) -> str:
    """Day and time, short, for details and search results."""
    return local(ts, zone).strftime("%Y-%m-%d %H:%M")
