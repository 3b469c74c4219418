from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from talkbot_tui.core.lean import LINK_BANDS, Extra, Lean
from talkbot_tui.core.link import BANDS, Link


def test_comfort_is_shed_in_order_as_the_link_gets_slower() -> None:
    lean = Lean()
    shed = []
    for band in range(len(BANDS) + 1):
        lean.link(band)
        shed.append([extra for extra in Extra if lean.sheds(extra)])
    typing, presence, decoration = Extra
    assert shed == [[], [], [typing], [typing, presence], [typing, presence, decoration]]
    assert lean.link(0)
    assert lean.level == 0
    assert not lean.link(1)


def test_one_frame_that_waits_is_no_slow_terminal_but_several_are() -> None:
    lean = Lean()
    assert not lean.terminal(150)
    assert [lean.terminal(150) for _ in range(4)] == [True, False, False, False]
    assert lean.level == 1
    # It does not flicker around the bound.
    assert not any(lean.terminal(48) for _ in range(50))
    assert [lean.terminal(0) for _ in range(9)].count(True) == 1
    assert lean.level == 0


def test_the_worse_of_link_and_terminal_decides() -> None:
    lean = Lean()
    lean.link(2)
    for _ in range(20):
        lean.terminal(5_000)
    assert lean.level == 3
    for _ in range(40):
        lean.terminal(0)
    assert lean.level == 1


@given(
    st.lists(
        st.one_of(
            st.integers(0, len(LINK_BANDS) - 1).map(lambda band: ("link", band)),
            st.floats(0, 1e6).map(lambda ms: ("terminal", ms)),
        )
    )
)
def test_who_wants_it_lean_gets_it_lean_whatever_is_measured(
    measured: list[tuple[str, float]],
) -> None:
    lean = Lean(forced=True)
    assert not any(getattr(lean, name)(value) for name, value in measured)
    assert all(lean.sheds(extra) for extra in Extra)


def test_a_latency_near_a_bound_does_not_flicker() -> None:
    link = Link()
    assert link.measure(390)
    changes = [link.measure(ms) for ms in (410, 390, 415, 385) * 20]
    assert changes.count(True) <= 1


def test_one_slow_answer_is_not_a_slow_link() -> None:
    link = Link()
    link.measure(40)
    link.measure(300)
    assert link.band == 1
    for _ in range(12):
        link.measure(300)
    assert link.band == 2
    assert abs(link.shown_ms - 300) <= 75
