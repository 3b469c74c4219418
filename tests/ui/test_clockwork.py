"""Times from anywhere are shown, however strange."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest

from talkbot_tui.ui import clockwork

FAR_EAST, FAR_WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))


@pytest.mark.parametrize(
    "ts", [-(2**62), -1, 0, 2**31 * 1000, 253_402_300_799_999, 2**53 - 1, 2**62]
)
def test_no_number_is_too_large_to_be_shown(ts: int) -> None:
    for zone in (UTC, FAR_EAST, FAR_WEST, None):
        assert clockwork.stamp(ts, zone)
        assert clockwork.day(ts, zone)
        assert clockwork.hour(ts, zone)


def test_2038_is_a_day_like_any_other() -> None:
    assert clockwork.stamp(2**31 * 1000, UTC) == "2038-01-19 03:14"
