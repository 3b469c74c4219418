"""Collects what a front end must redraw, and merges what belongs together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from talkbot_tui.core.changes import (
    Change,
    LinkChanged,
    RoomsChanged,
    RosterChanged,
    TimelineChanged,
    TimelineReset,
    TypingChanged,
)
from talkbot_tui.core.model import Row, Splice

SPLICES_MAX = 400
"""Above so many separate splices in one turn, reading the rows anew is cheaper."""


class _Draft:
    """A splice that may still grow."""

    __slots__ = ("removed", "rows", "start")

    def __init__(self, splice: Splice) -> None:
        self.start = splice.start
        self.removed = splice.removed
        self.rows: list[Row] = list(splice.rows)

    def absorb(self, splice: Splice) -> bool:
        """Take in the splice that follows, if it touches this one's rows."""
        offset = splice.start - self.start
        if not 0 <= offset <= len(self.rows):
            return False
        inside = min(splice.removed, len(self.rows) - offset)
        self.rows[offset : offset + inside] = splice.rows
        self.removed += splice.removed - inside
        return True


class ChangeLog:
    """The changes since the last `take`."""

    def __init__(self) -> None:
        # Dicts instead of sets, so that the order is that of the changes.
        self._timelines: dict[str, list[_Draft] | None] = {}
        self._rooms: dict[str, None] = {}
        self._typing: dict[str, None] = {}
        self._roster: dict[str, None] = {}
        self._link = False
        self._others: list[Change] = []

    def splices(self, conversation_id: str, splices: Iterable[Splice]) -> None:
        """Rows of this conversation changed like this, in this order."""
        for splice in splices:
            drafts = self._timelines.setdefault(conversation_id, [])
            if drafts is None:
                return
            if not (drafts and drafts[-1].absorb(splice)):
                drafts.append(_Draft(splice))
            if len(drafts) > SPLICES_MAX:
                self.reset(conversation_id)

    def reset(self, conversation_id: str) -> None:
        """Rows of this conversation must be read anew; splices until `take` are contained."""
        self._timelines[conversation_id] = None

    def room(self, conversation_id: str) -> None:
        """The room list's line of this conversation changed."""
        self._rooms[conversation_id] = None

    def typing(self, conversation_id: str) -> None:
        """Other people are writing."""
        self._typing[conversation_id] = None

    def roster(self, conversation_id: str) -> None:
        """Members changed, or with "" somebody's presence."""
        self._roster[conversation_id] = None

    def link(self) -> None:
        """The link's state, countdown or latency band changed."""
        self._link = True

    def add(self, change: Change) -> None:
        """Something that is told once and merged with nothing."""
        self._others.append(change)

    def take(self) -> tuple[Change, ...]:
        """Everything since the last call, merged; the log is empty afterwards."""
        found: list[Change] = []
        if self._link:
            found.append(LinkChanged())
        for conversation_id, drafts in self._timelines.items():
            if drafts is None:
                found.append(TimelineReset(conversation_id))
                continue
            done = tuple(Splice(d.start, d.removed, tuple(d.rows)) for d in drafts)
            done = tuple(splice for splice in done if splice.removed or splice.rows)
            if done:
                found.append(TimelineChanged(conversation_id, done))
        if self._rooms:
            found.append(RoomsChanged(tuple(self._rooms)))
        found.extend(TypingChanged(conversation_id) for conversation_id in self._typing)
        found.extend(RosterChanged(conversation_id) for conversation_id in self._roster)
        found.extend(self._others)
        for collected in (self._timelines, self._rooms, self._typing, self._roster, self._others):
            collected.clear()
        self._link = False
        return tuple(found)


def patched(rows: Sequence[Row], splices: Iterable[Splice]) -> list[Row]:
    """A copy of `rows` with `splices` applied in order: what every front end does."""
    copy = list(rows)
    for splice in splices:
        copy[splice.start : splice.start + splice.removed] = splice.rows
    return copy
