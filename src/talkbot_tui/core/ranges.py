"""Which seqs are held: sorted spans without overlap, as dense numbering makes them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

Span = tuple[int, int]
"""First and last seq of a contiguous run, both inclusive."""


class Ranges:
    """A set of seqs, kept as few spans."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._spans: list[Span] = []
        for first, last in spans:
            self.add(first, last)

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans, ascending; neighbours never touch."""
        return tuple(self._spans)

    @property
    def first(self) -> int:
        """The lowest seq held, 0 when none is."""
        return self._spans[0][0] if self._spans else 0

    @property
    def last(self) -> int:
        """The highest seq held, 0 when none is."""
        return self._spans[-1][1] if self._spans else 0

    def add(self, first: int, last: int) -> None:
        """Hold `first` … `last`; an empty range changes nothing."""
        if last < first:
            return
        spans = self._spans
        low = bisect_left(spans, first - 1, key=lambda span: span[1])
        high = bisect_right(spans, last + 1, key=lambda span: span[0])
        if low < high:
            first = min(first, spans[low][0])
            last = max(last, spans[high - 1][1])
        spans[low:high] = [(first, last)]

    def holds(self, seq: int) -> bool:
        """Whether `seq` is held."""
        at = bisect_left(self._spans, seq, key=lambda span: span[1])
        return at < len(self._spans) and self._spans[at][0] <= seq

    def end_from(self, seq: int) -> int:
        """The highest seq that is reached from `seq` over held seqs alone; `seq` itself if none."""
        at = bisect_left(self._spans, seq + 1, key=lambda span: span[1])
        if at < len(self._spans) and self._spans[at][0] <= seq + 1:
            return self._spans[at][1]
        return seq

    def holes(self, up_to: int) -> list[Span]:
        """What is missing above the lowest held seq, up to `up_to`; nothing when none is held."""
        if not self._spans:
            return []
        found = [(a[1] + 1, b[0] - 1) for a, b in zip(self._spans, self._spans[1:], strict=False)]
        found.append((self.last + 1, up_to))
        return [(first, min(last, up_to)) for first, last in found if first <= min(last, up_to)]
