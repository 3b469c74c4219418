from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from talkbot_tui.core.model import Message, Row, User
from talkbot_tui.ui.widgets.viewport import Viewport

ANA = User("a", "ana")


class View:
    """Rows with heights, named by number."""

    detached = False

    def __init__(self, heights: dict[str, int]) -> None:
        self.heights = heights

    @property
    def rows(self) -> list[Row]:
        return [Message(key, "c", ANA, "", 0) for key in self.heights]

    def find(self, key: str) -> int | None:
        keys = list(self.heights)
        return keys.index(key) if key in keys else None

    def port(self) -> Viewport:
        return Viewport(lambda index: list(self.heights.values())[index])

    def all(self) -> list[tuple[str, int]]:
        return [(key, line) for key, height in self.heights.items() for line in range(height)]


class ManyRows(Sequence[Row]):
    """Rows that exist only when asked for."""

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: Any) -> Any:
        return Message(f"r{index}", "c", ANA, "", 0)


class Many:
    """A view of them."""

    rows = ManyRows()
    detached = False

    def find(self, key: str) -> int | None:
        return int(key[1:])


HEIGHTS = st.lists(st.integers(1, 5), min_size=1, max_size=20).map(
    lambda heights: {f"r{number}": height for number, height in enumerate(heights)}
)


@given(HEIGHTS, st.integers(1, 12), st.lists(st.integers(-15, 15), max_size=8))
def test_it_moves_like_a_window_over_all_lines(
    heights: dict[str, int], height: int, moves: list[int]
) -> None:
    view = View(heights)
    port = view.port()
    everything = [("", 0)] * max(0, height - len(view.all())) + view.all()
    end = len(everything) - height
    top = end
    assert port.layout(view, height) == everything[top:]
    for move in moves:
        port.scroll(view, height, move)
        top = max(0, min(end, top + move))
        assert port.layout(view, height) == everything[top : top + height]
        assert (port.bottom is None) == (top == end)


@given(HEIGHTS, st.integers(1, 12), st.integers(1, 20), st.integers(1, 5), st.integers(1, 5))
def test_rows_before_and_after_move_nothing_that_is_read(
    heights: dict[str, int], height: int, up: int, before: int, after: int
) -> None:
    view = View(heights)
    port = view.port()
    port.layout(view, height)
    port.scroll(view, height, -up)
    seen = port.layout(view, height)
    reading = port.bottom is not None
    view.heights = {"older": before, **view.heights, "newer": after}
    if reading:
        assert port.layout(view, height) == seen
    else:
        assert port.layout(view, height)[-1] == ("newer", after - 1)


def test_when_the_lowest_row_goes_what_stood_above_it_stays() -> None:
    view = View({f"r{number}": 2 for number in range(20)})
    port = view.port()
    port.layout(view, 6)
    port.scroll(view, 6, -20)
    seen = port.layout(view, 6)
    del view.heights[seen[-1][0]]
    assert port.layout(view, 6)[-1] == seen[-3]


def test_the_top_and_back() -> None:
    view = View({f"r{number}": 3 for number in range(9)})
    port = view.port()
    port.layout(view, 7)
    port.top(view, 7)
    assert port.layout(view, 7)[0] == ("r0", 0)
    port.end()
    assert port.layout(view, 7)[-1] == ("r8", 2)


def test_a_million_rows_are_not_measured() -> None:
    measured: list[int] = []

    def measure(index: int) -> int:
        measured.append(index)
        return 2

    port = Viewport(measure)
    picture = port.layout(Many(), 40)
    assert picture[-1] == ("r999999", 1)
    port.scroll(Many(), 40, -40)
    port.layout(Many(), 40)
    assert len(measured) < 200
