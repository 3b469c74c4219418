"""What the screen costs: how long each picture took, its bytes, and what waited meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.screen import Screen

KINDS = ("echo", "direct", "whole")
"""A typed character alone; widgets that paint themselves; Textual's layout and compositor."""

SAMPLES_MAX = 100_000
"""Pictures that are remembered one by one; of later ones only the number is kept."""


class Picture(NamedTuple):
    """One picture that was written.

    Attributes:
        kind: one of `KINDS`.
        ms: from the beginning of its making to its last byte handed on.
        written: bytes.
        queued: messages of the app that waited for their turn then.
        waiting: bytes that the terminal had not taken yet.
    """

    kind: str
    ms: float
    written: int
    queued: int
    waiting: int


class Gauge:
    """Collects `Picture`s while the app runs."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        """`clock` in seconds; the time of the run begins now."""
        self._clock = clock
        self._begun = clock()
        self._written: int | None = None
        self.pictures: list[Picture] = []
        self.counts: Counter[str] = Counter()

    @property
    def seconds(self) -> float:
        """How long it has been looking."""
        return self._clock() - self._begun

    @contextmanager
    def picture(self, kind: str, depths: Callable[[], tuple[int, int]]) -> Iterator[None]:
        """A picture is being made; one inside another is a part of it.

        depths: messages and bytes that wait, as in `Picture`.
        """
        if self._written is not None:
            yield
            return
        self._written = 0
        since = self._clock()
        try:
            yield
        finally:
            written, self._written = self._written, None
            if written:
                self.counts[kind] += 1
                if len(self.pictures) < SAMPLES_MAX:
                    ms = (self._clock() - since) * 1000
                    self.pictures.append(Picture(kind, ms, written, *depths()))

    def wrote(self, count: int) -> None:
        """So many bytes of the picture were handed on."""
        if self._written is not None:
            self._written += count


def percentile(values: Sequence[float], part: float) -> float:
    """The value that `part` (0 to 1) of them do not exceed (nearest rank); 0.0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


if TYPE_CHECKING:
    _Base = Screen[Any]
else:
    # As in `direct`: Textual follows the first base that is a widget.
    _Base = object


class Gauged(_Base):
    """Mixin, before a screen's class: its pictures are measured while the app has a gauge."""

    def _refresh_layout(self, *args: Any, **named: Any) -> None:
        with measured(self.app, "whole"):
            super()._refresh_layout(*args, **named)

    def _compositor_refresh(self) -> None:
        with measured(self.app, "whole"):
            super()._compositor_refresh()


@contextmanager
def measured(app: Any, kind: str) -> Iterator[None]:
    """A picture of `app`, which may have a gauge."""
    gauge: Gauge | None = getattr(app, "gauge", None)
    if gauge is None:
        yield
        return
    with gauge.picture(kind, app.depths):
        yield
