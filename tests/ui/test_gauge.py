"""What the gauge makes of the pictures that it sees."""

from __future__ import annotations

import pytest

from talkbot_tui.cli.debug import facts, report
from talkbot_tui.ui.terminal.gauge import Gauge, Picture, percentile


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_picture_inside_another_is_a_part_of_it() -> None:
    clock = Clock()
    gauge = Gauge(clock)
    with gauge.picture("whole", lambda: (3, 70)):
        clock.now += 0.002
        gauge.wrote(10)
        with gauge.picture("echo", lambda: (0, 0)):
            clock.now += 0.001
            gauge.wrote(5)
    (seen,) = gauge.pictures
    assert seen.ms == pytest.approx(3.0)
    assert seen == Picture("whole", seen.ms, 15, 3, 70)


def test_what_writes_nothing_is_no_picture() -> None:
    gauge = Gauge(Clock())
    with gauge.picture("direct", lambda: (0, 0)):
        pass
    gauge.wrote(5)
    assert gauge.pictures == []
    assert gauge.counts.total() == 0


@pytest.mark.parametrize(
    ("values", "part", "wanted"),
    [([], 0.5, 0.0), ([4.0], 0.99, 4.0), ([3.0, 1.0, 2.0], 0.5, 2.0), ([3.0, 1.0], 1.0, 3.0)],
)
def test_percentiles_are_values_that_were_seen(
    values: list[float], part: float, wanted: float
) -> None:
    assert percentile(values, part) == wanted


def test_the_report_fits_a_small_screen() -> None:
    gauge = Gauge(Clock())
    for kind in ("echo", "direct", "whole"):
        with gauge.picture(kind, lambda: (12345, 1_000_000)):
            gauge.wrote(99_999)
    lines = report(gauge, 300, 100)
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 79
    assert facts(gauge, 300, 100)["pictures"]["direct"]["bytes"] == [99_999] * 3
