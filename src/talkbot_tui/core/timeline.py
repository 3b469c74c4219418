"""The ordered rows of one conversation, and which seqs of it are held.

Two regions: numbered rows (messages, notes, gaps) by seq, then local echoes in
the order in which they will be sent. Rows are held in memory from `floor` to
`ceiling` and only while somebody looks at the conversation; `ranges` and `cursor`
are held always. Every method that changes rows returns the splices that do the
same to a copy.

Usually there is no ceiling: what is new is shown. Who looks far back has a window
of rows that ends before the newest; local echoes are not shown below it.

`cursor` is the last seq up to which nothing is missing but the gaps that the
user can see; what is held above it came early (an ack of our own, mostly).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace

from talkbot_tui.core.model import (
    ConversationChanged,
    Gap,
    LogEvent,
    MemberChanged,
    Message,
    MessagePosted,
    Note,
    Row,
    Splice,
    row_key,
)
from talkbot_tui.core.mutations import Mutation, apply, merge
from talkbot_tui.core.ranges import Ranges, Span
from talkbot_tui.core.rows import Rows

PENDING_MAX = 256
"""Messages that are not held and whose changes are kept; a page served later has them anyway."""


class Timeline:
    """Rows of one conversation; `floor` is None while no numbered rows are held.

    Attributes:
        conversation_id: whose rows these are.
        cursor: last seq up to which nothing is missing but visible gaps.
        floor: rows with this seq and above are in memory; None for none.
        ceiling: rows above this seq are not in memory; None for no such bound.
        overdue: what is missing above the cursor is shown as a gap too.
    """

    def __init__(self, conversation_id: str, spans: Iterable[Span] = (), cursor: int = 0) -> None:
        self.conversation_id = conversation_id
        self.cursor = cursor
        self.floor: int | None = None
        self.ceiling: int | None = None
        self.overdue = False
        self._ranges = Ranges(spans)
        self._rows: list[Row] = []
        self._seqs: list[int] = []
        self._keys: dict[str, int] = {}
        self._ids: dict[str, int] = {}
        self._locals: list[Message] = []
        self._gaps: list[Gap] = []
        self._pending: dict[str, list[Mutation]] = {}
        self._loose: set[int] = set()
        self._view = Rows(self._rows, self._locals)

    # --- what is there ---------------------------------------------------------

    @property
    def rows(self) -> Rows:
        """All rows; a live view, so copy what must not change under you."""
        return self._view

    @property
    def ranges(self) -> tuple[Span, ...]:
        """The held spans of seqs, in memory or in the cache."""
        return self._ranges.spans

    @property
    def head(self) -> int:
        """The highest seq that is held."""
        return max(self.cursor, self._ranges.last)

    @property
    def numbered(self) -> int:
        """How many rows stand before the local echoes."""
        return len(self._rows)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The gap rows, ascending."""
        return tuple(self._gaps)

    @property
    def detached(self) -> bool:
        """Whether the rows end before the newest."""
        return self.ceiling is not None

    def holds(self, seq: int) -> bool:
        """Whether the event `seq` is held, in memory or in the cache."""
        return self._ranges.holds(seq)

    def shows(self, seq: int) -> bool:
        """Whether a row with this seq would be in memory."""
        above = self.ceiling is not None and seq > self.ceiling
        return self.floor is not None and seq >= self.floor and not above

    def find(self, key: str) -> int | None:
        """The index of the row with this key."""
        seq = self._keys.get(key)
        if seq is not None:
            return bisect_left(self._seqs, seq)
        for index, message in enumerate(self._locals if not self.detached else ()):
            if message.key == key:
                return len(self._rows) + index
        return None

    def message(self, server_msg_id: str) -> Message | None:
        """A numbered message that is in memory."""
        seq = self._ids.get(server_msg_id)
        row = self._rows[self._at(seq)] if seq is not None else None
        return row if isinstance(row, Message) else None

    # --- the log ---------------------------------------------------------------

    def put(self, event: LogEvent) -> list[Splice]:
        """Show `event`: a new row, a changed one, or nothing new. `hold` tells that it is held."""
        match event:
            case MessagePosted(message=message):
                return self._put_message(self._caught_up(message))
            case MemberChanged() | ConversationChanged():
                return self._insert(event.seq, note_of(event))
            case _:
                return self._mutate(event)

    def hold(self, first: int, last: int) -> None:
        """Seqs `first` … `last` are held now; the cursor follows over what is contiguous."""
        self._ranges.add(first, last)
        self.cursor = self._ranges.end_from(self.cursor)
        self._loose = {seq for seq in self._loose if not self._ranges.holds(seq)}

    def show_loosely(self, seq: int) -> None:
        """The row with this seq is shown, but what changed it since lies in a gap.

        It counts as missing until a page brings it as it is now.
        """
        self._loose.add(seq)

    def skip_to(self, seq: int) -> None:
        """Move the cursor up to `seq`; what is missing below becomes a visible gap."""
        self.cursor = self._ranges.end_from(max(self.cursor, seq))

    def current(self, event: LogEvent) -> LogEvent:
        """`event` as it is after the mutations that came before it did."""
        if not isinstance(event, MessagePosted) or not self._pending:
            return event
        message = self._caught_up(event.message)
        return event if message is event.message else replace(event, message=message)

    def regap(self, fetching: int = 0) -> list[Splice]:
        """Make the gap rows fit the ranges; `fetching` is the last seq of the one being loaded."""
        wanted: list[Gap] = []
        if self.floor is not None:
            top = self.head if self.overdue else self.cursor
            shown = self._ranges
            if self._loose:
                shown = Ranges((*shown.spans, *((seq, seq) for seq in self._loose)))
            wanted = [
                Gap(first, last, fetching=last == fetching)
                for first, last in shown.holes(top)
                if last + 1 >= self.floor and (self.ceiling is None or first <= self.ceiling + 1)
            ]
        if wanted == self._gaps:
            return []
        splices: list[Splice] = []
        for gap in [gap for gap in self._gaps if gap not in wanted]:
            splices.append(self._remove(gap.first, gap))
        for gap in [gap for gap in wanted if gap not in self._gaps]:
            splices += self._insert(gap.first, gap)
        self._gaps = wanted
        return splices

    def replace_message(self, message: Message) -> list[Splice]:
        """The numbered message with this `server_msg_id` has this value now."""
        index = self._at(self._ids[message.server_msg_id])
        if self._rows[index] == message:
            return []
        self._rows[index] = message
        return [Splice(index, 1, (message,))]

    # --- local echoes ------------------------------------------------------------

    def put_local(self, message: Message) -> list[Splice]:
        """Show a local echo as it is now; a new one goes last."""
        base = len(self._rows)
        for index, held in enumerate(self._locals):
            if held.key == message.key:
                self._locals[index] = message
                same = held == message or self.detached
                return [] if same else [Splice(base + index, 1, (message,))]
        self._locals.append(message)
        return [] if self.detached else [Splice(len(self.rows) - 1, 0, (message,))]

    def drop_local(self, key: str) -> list[Splice]:
        """Take a local echo away."""
        for index, held in enumerate(self._locals):
            if held.key == key:
                del self._locals[index]
                return [] if self.detached else [Splice(len(self._rows) + index, 1, ())]
        return []

    def confirm(self, message: Message) -> list[Splice]:
        """The local echo with this key is this numbered message; same place, one splice."""
        away = self.drop_local(message.key)
        shown = self._put_message(self._caught_up(message))
        match away, shown:
            case [Splice(start=old)], [Splice(start=new, removed=0, rows=rows)] if old == new:
                return [Splice(new, 1, rows)]
        return away + shown

    # --- memory --------------------------------------------------------------------

    def open(self, first: int = 0, last: int = 0) -> None:
        """Hold rows from now on: first what comes, then the pages that `lower` lets in.

        With `first` and `last` rows of these seqs instead, whose pages are put next: the view
        starts over, and ends there unless `last` is the newest that is held.
        """
        if first:
            self.unload()
            self.floor = first
            self.lift(last)
        elif self.floor is None:
            self.floor = self.cursor + 1

    def lower(self, seq: int) -> None:
        """Rows from `seq` upwards are held from now on."""
        if self.floor is not None and 0 < seq < self.floor:
            self.floor = seq

    def lift(self, last: int) -> list[Splice]:
        """Rows up to `last` are held from now on; with the newest the echoes are shown again."""
        was = self.detached
        self.ceiling = last if last < self.head else None
        self._view.apart = self.detached
        if was and not self.detached and self._locals:
            return [Splice(len(self._rows), 0, self._view.locals)]
        return []

    def trim(self, most: int, *, newest: bool) -> list[Splice]:
        """Let go of the newest numbered rows, or of the oldest, above so `most`."""
        away = len(self._rows) - most
        kept = self._rows[most - 1] if newest and away > 0 else None
        if away <= 0 or isinstance(kept, Gap):
            return []
        splices: list[Splice] = []
        if newest:
            if not self.detached and self._locals:
                splices.append(Splice(len(self._rows), len(self._locals), ()))
            self.ceiling = self._seqs[most - 1]
            self._view.apart = True
            cut = slice(most, len(self._rows))
        else:
            self.floor = self._seqs[away]
            cut = slice(0, away)
        for row in self._rows[cut]:
            del self._keys[row_key(row)]
            if isinstance(row, Message):
                del self._ids[row.server_msg_id]
        gone = {row_key(row) for row in self._rows[cut] if isinstance(row, Gap)}
        self._gaps = [gap for gap in self._gaps if row_key(gap) not in gone]
        del self._rows[cut]
        del self._seqs[cut]
        return [*splices, Splice(cut.start, away, ())]

    def unload(self) -> None:
        """Hold no numbered rows; ranges, cursor and local echoes stay. The view starts over."""
        self.floor = self.ceiling = None
        self._view.apart = False
        self._rows.clear()
        self._seqs.clear()
        self._ids.clear()
        self._keys.clear()
        self._gaps = []
        self._pending.clear()
        self._loose.clear()

    def forget(self) -> None:
        """The numbers mean nothing any more: hold nothing but local echoes."""
        was_open = self.floor is not None
        self.unload()
        self._ranges = Ranges()
        self.cursor = 0
        self.overdue = False
        if was_open:
            self.open()

    # --- inside ----------------------------------------------------------------------

    def _at(self, seq: int) -> int:
        """Where the row with this seq is, or would be; a gap may have the same number."""
        index = bisect_left(self._seqs, seq)
        while index < len(self._rows) and self._seqs[index] == seq:
            if not isinstance(self._rows[index], Gap):
                break
            index += 1
        return index

    def _put_message(self, message: Message) -> list[Splice]:
        seq = self._ids.get(message.server_msg_id)
        if seq is None:
            return self._insert(message.seq, message)
        held = self._rows[self._at(seq)]
        assert isinstance(held, Message)
        return self.replace_message(merge(held, message))

    def _insert(self, seq: int, row: Row) -> list[Splice]:
        if self.floor is None or not (isinstance(row, Gap) or self.shows(seq)):
            return []
        key = row_key(row)
        if key in self._keys:
            return []
        index = bisect_left(self._seqs, seq)
        self._rows.insert(index, row)
        self._seqs.insert(index, seq)
        self._keys[key] = seq
        if isinstance(row, Message):
            self._ids[row.server_msg_id] = seq
        return [Splice(index, 0, (row,))]

    def _remove(self, seq: int, row: Row) -> Splice:
        index = bisect_left(self._seqs, seq)
        while self._rows[index] != row:
            index += 1
        del self._rows[index]
        del self._seqs[index]
        del self._keys[row_key(row)]
        return Splice(index, 1, ())

    def _mutate(self, event: Mutation) -> list[Splice]:
        message = self.message(event.server_msg_id)
        if message is not None:
            return self.replace_message(apply(message, event))
        self._pending.setdefault(event.server_msg_id, []).append(event)
        while len(self._pending) > PENDING_MAX:
            del self._pending[next(iter(self._pending))]
        return []

    def _caught_up(self, message: Message) -> Message:
        for event in self._pending.get(message.server_msg_id, ()):
            message = apply(message, event)
        return message


def note_of(event: MemberChanged | ConversationChanged) -> Note:
    """The quiet line that tells of `event`."""
    if isinstance(event, MemberChanged):
        detail = event.role if event.change == "role" else ""
        return Note(event.seq, event.ts, event.sender, event.change, event.user, detail)
    after = event.conversation
    detail = after.topic if event.change == "topic" else after.name
    return Note(event.seq, event.ts, event.sender, event.change, None, detail)
