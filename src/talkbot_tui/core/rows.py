"""The rows of a timeline as the outside sees them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import overload

from talkbot_tui.core.model import Gap, Message, Row


class Rows(Sequence[Row]):
    """A read-only view: numbered rows, then local echoes.

    Attributes:
        apart: the numbered rows end before the newest: echoes do not follow on them.
    """

    __slots__ = ("_local", "_numbered", "apart")

    def __init__(self, numbered: list[Row], local: list[Message]) -> None:
        self._numbered = numbered
        self._local = local
        self.apart = False

    @property
    def locals(self) -> tuple[Message, ...]:
        """The local echoes, whether they are shown or not."""
        return tuple(self._local)

    def nearest(self, seq: int) -> Row | None:
        """The numbered row at this seq or the next above it, else the last below; no gap."""
        held = self._numbered
        at = bisect_left(held, seq, key=_seq)
        places = (*range(at, len(held)), *range(at - 1, -1, -1))
        return next((held[index] for index in places if not isinstance(held[index], Gap)), None)

    def messages_above(self, seq: int) -> Iterable[Message]:
        """The numbered messages with a higher seq, ascending."""
        start = bisect_left(self._numbered, seq + 1, key=_seq)
        return (row for row in self._numbered[start:] if isinstance(row, Message))

    def __len__(self) -> int:
        return len(self._numbered) + (0 if self.apart else len(self._local))

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        held = len(self._numbered)
        if 0 <= index < held:
            return self._numbered[index]
        if index < 0 or self.apart:
            raise IndexError(index)
        return self._local[index - held]


def _seq(row: Row) -> int:
    return row.first if isinstance(row, Gap) else row.seq
