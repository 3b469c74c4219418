"""Says of a history which promises were broken; an empty list is the only good answer.

One function a promise, so that each can be seen to fail alone. The list is Jepsen's for
logs (lost write, duplicate, divergent offset, read inversion, aborted read) with what a
chat adds: lost pending, stale member, unanswered, stuck.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.histories.record import Entry, History, What

ENDS = (What.ACKED, What.FAILED, What.CANCELLED)
NUMBERED = (What.ACKED, What.SEEN, What.TRUTH, What.HELD)


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise: its name as in docs/guarantees.md, and what shows it."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


Check = Callable[["Facts"], Iterator[Violation]]


class Facts:
    """A history, sorted once for all checks."""

    def __init__(self, history: History, permanent: frozenset[str]) -> None:
        self.history = history
        self.permanent = permanent
        self.truth: dict[str, list[Entry]] = defaultdict(list)
        self.by_client_id: dict[str, list[Entry]] = defaultdict(list)
        self.composed: dict[str, Entry] = {}
        self.last_end: dict[str, Entry] = {}
        self.once_failed: set[str] = set()
        self.pending: set[str] = set()
        self.epochs = {row.epoch for row in history.of(What.TRUTH)}
        for entry in history:
            self._sort(entry)
        for rows in self.truth.values():
            rows.sort(key=lambda row: row.seq)

    def rows_of(self, client_id: str) -> list[Entry]:
        """The places of the log that a message has; one, unless something is broken."""
        return self.by_client_id.get(client_id, [])

    def _sort(self, entry: Entry) -> None:
        if entry.what is What.TRUTH:
            self.truth[entry.room].append(entry)
            if entry.client_id:
                self.by_client_id[entry.client_id].append(entry)
        elif entry.what is What.COMPOSED:
            self.composed.setdefault(entry.client_id, entry)
        elif entry.what is What.PENDING:
            self.pending.add(entry.client_id)
        elif entry.what in ENDS:
            self.last_end[entry.client_id] = entry
            if entry.what is What.FAILED:
                self.once_failed.add(entry.client_id)


def lost_writes(facts: Facts) -> Iterator[Violation]:
    """G1: what was acknowledged is in the log, at its place, with its text."""
    for ack in facts.history.of(What.ACKED):
        if ack.epoch not in facts.epochs:
            # The server was set back to a backup: its clients are told so by another epoch.
            continue
        rows = [row for row in facts.rows_of(ack.client_id) if row.epoch == ack.epoch]
        written = facts.composed.get(ack.client_id)
        if not rows:
            yield Violation("lost write", f"{ack.line()} is not in the log")
        elif ack.seq not in {row.seq for row in rows}:
            yield Violation("lost write", f"{ack.line()} but the log has {rows[0].line()}")
        elif written and all(_differ(written.digest, row.digest) for row in rows):
            yield Violation("lost write", f"{ack.line()} but the log has another text")


def lost_pending(facts: Facts) -> Iterator[Violation]:
    """G2: what was shown as pending is sent, still pending, or told to be neither."""
    for client_id, entry in facts.composed.items():
        if facts.rows_of(client_id) or client_id in facts.pending:
            continue
        if client_id not in facts.last_end:
            yield Violation("lost pending", f"{entry.line()} is nowhere")


def duplicates(facts: Facts) -> Iterator[Violation]:
    """G3, G9: one message for a clientMsgId, in the log and on each screen."""
    for client_id, rows in facts.by_client_id.items():
        for epoch, count in _counts(row.epoch for row in rows).items():
            if count > 1:
                yield Violation("duplicate", f"{client_id} is {count} times in the log {epoch}")
    held: dict[tuple[str, str], int] = defaultdict(int)
    for entry in facts.history.of(What.HELD, What.PENDING):
        if entry.client_id:
            held[entry.device, entry.client_id] += 1
    for (device, client_id), count in held.items():
        if count > 1:
            yield Violation("duplicate", f"{device} shows {client_id} {count} times")


def divergent(facts: Facts) -> Iterator[Violation]:
    """G5: a place in a room has one message, whoever tells of it."""
    places: dict[tuple[str, str, int], Entry] = {}
    seqs: dict[tuple[str, str, str], Entry] = {}
    for entry in facts.history.of(*NUMBERED):
        if not entry.message_id or not entry.seq:
            continue
        first = places.setdefault((entry.epoch, entry.room, entry.seq), entry)
        if first.message_id != entry.message_id:
            yield Violation("divergent seq", f"{first.line()} but {entry.line()}")
        first = seqs.setdefault((entry.epoch, entry.room, entry.message_id), entry)
        if first.seq != entry.seq:
            yield Violation("divergent seq", f"{first.line()} but {entry.line()}")


def holes(facts: Facts) -> Iterator[Violation]:
    """G5, G7: the log is dense; a device has all from its first on, or shows a gap."""
    for room, rows in facts.truth.items():
        seqs = [row.seq for row in rows]
        if seqs != list(range(1, len(seqs) + 1)):
            missing = sorted(set(range(1, max(seqs) + 1)) - set(seqs))
            yield Violation("hole", f"the log of {room} lacks {missing[:10]}, {len(seqs)} places")
    held: dict[tuple[str, str], set[int]] = defaultdict(set)
    for entry in facts.history.of(What.HELD):
        held[entry.device, entry.room].add(entry.seq)
    for gap in facts.history.of(What.GAP):
        if (gap.device, gap.room) in held:
            held[gap.device, gap.room].update(range(gap.seq, gap.until + 1))
    for (device, room), seqs_held in held.items():
        first = min(seqs_held)
        expected = {
            row.seq for row in facts.truth.get(room, []) if row.message_id and row.seq >= first
        }
        if missing := sorted(expected - seqs_held):
            yield Violation("hole", f"{device} lacks {missing[:10]} of {room}, unseen")


def inversions(facts: Facts) -> Iterator[Violation]:
    """G6: what one device composed in one room is numbered in that order."""
    latest: dict[tuple[str, str, str], Entry] = {}
    for client_id, entry in facts.composed.items():
        rows = facts.rows_of(client_id)
        if not rows or client_id in facts.once_failed:
            continue
        row = rows[0]
        before = latest.get((entry.device, entry.room, row.epoch))
        if before is not None and before.seq > row.seq:
            yield Violation("order inversion", f"{row.line()} was composed after {before.line()}")
        latest[entry.device, entry.room, row.epoch] = row


def unsteady_views(facts: Facts) -> Iterator[Violation]:
    """What a device has shown stays shown, at its place; read marks only grow."""
    seen: dict[tuple[str, str], dict[int, Entry]] = defaultdict(dict)
    marks: dict[tuple[str, str], int] = {}
    held: set[tuple[str, str, int]] = set()
    for entry in facts.history:
        place = (entry.device, entry.room)
        if entry.what is What.SEEN:
            seen[place].setdefault(entry.seq, entry)
        elif entry.what is What.FORGOT:
            seen.pop(place, None)
            marks.pop(place, None)
        elif entry.what is What.HELD:
            held.add((*place, entry.seq))
        elif entry.what is What.MARK:
            if entry.seq < marks.get(place, 0):
                yield Violation("non-monotonic view", f"{entry.line()} after {marks[place]}")
            marks[place] = entry.seq
    ended = {device for device, *_ in held}
    for place, entries in seen.items():
        for seq, entry in entries.items():
            if place[0] in ended and (*place, seq) not in held:
                yield Violation("non-monotonic view", f"{entry.line()} is not there at the end")


def ghosts(facts: Facts) -> Iterator[Violation]:
    """Nothing is shown that nobody wrote, that the log lacks, or that was told to have failed."""
    writers = {entry.user for entry in facts.composed.values()}
    texts = {(row.epoch, row.message_id) for rows in facts.truth.values() for row in rows}
    for client_id, rows in facts.by_client_id.items():
        if rows[0].user in writers and client_id not in facts.composed:
            yield Violation("ghost", f"nobody composed {rows[0].line()}")
        last = facts.last_end.get(client_id)
        if last is not None and last.what is What.FAILED:
            yield Violation("ghost", f"{last.line()} but the log has {rows[0].line()}")
    for entry in facts.history.of(What.HELD):
        if entry.message_id and (entry.epoch, entry.message_id) not in texts:
            yield Violation("ghost", f"the log lacks {entry.line()}")


def aborted_reads(facts: Facts) -> Iterator[Violation]:
    """G11: what was cancelled is received by nobody."""
    for client_id, end in facts.last_end.items():
        if end.what is What.CANCELLED and facts.rows_of(client_id):
            yield Violation("aborted read", f"{end.line()} was stored")


def stale_members(facts: Facts) -> Iterator[Violation]:
    """G35: after one's removal nothing of the room arrives, whatever was on its way."""
    spans: dict[tuple[str, str, str], list[tuple[int, bool]]] = defaultdict(list)
    owners: dict[str, str] = {}
    for entry in facts.history.of(What.JOINED, What.REMOVED, What.STARTED):
        if entry.what is What.STARTED:
            owners[entry.device] = entry.user
        else:
            joined = entry.what is What.JOINED
            spans[entry.user, entry.room, entry.epoch].append((entry.seq, joined))
    for changes in spans.values():
        changes.sort()
    # A member reads what came before the joining, too; one without never reads what came after.
    for entry in facts.history.of(What.SEEN):
        owner = owners.get(entry.device, "")
        changes = spans.get((owner, entry.room, entry.epoch), [])
        if changes and not changes[-1][1] and entry.seq > changes[-1][0]:
            yield Violation("stale-member read", f"{entry.line()} after place {changes[-1][0]}")


def unanswered(facts: Facts) -> Iterator[Violation]:
    """G26: every request is answered once, or its connection ends."""
    open_requests: dict[tuple[str, str], Entry] = {}
    answered: set[tuple[str, str]] = set()
    for entry in facts.history:
        key = (entry.device, entry.request)
        if entry.what is What.ASKED:
            open_requests[key] = entry
        elif entry.what is What.ANSWERED:
            if key in answered:
                yield Violation("unanswered event", f"{entry.line()} is a second answer")
            answered.add(key)
            open_requests.pop(key, None)
        elif entry.what in (What.OFFLINE, What.CRASHED):
            for other in [other for other in open_requests if other[0] == entry.device]:
                del open_requests[other]
    for entry in open_requests.values():
        yield Violation("unanswered event", entry.line())


def stuck(facts: Facts) -> Iterator[Violation]:
    """G10: on a healthy path all is sent, cancelled, or failed for a reason that stays."""
    if not any(facts.history.of(What.HEALED)):
        return
    for entry in facts.history.of(What.PENDING):
        yield Violation("stuck", entry.line())
    for end in facts.last_end.values():
        if end.what is What.FAILED and end.note not in facts.permanent:
            yield Violation("stuck", f"{end.line()}: not a reason to give up")


CHECKS: tuple[Check, ...] = (
    lost_writes,
    lost_pending,
    duplicates,
    divergent,
    holes,
    inversions,
    unsteady_views,
    ghosts,
    aborted_reads,
    stale_members,
    unanswered,
    stuck,
)


def check(history: History, permanent: Iterable[str] = ()) -> list[Violation]:
    """Every broken promise of a run.

    permanent: the reasons (`Entry.note` of FAILED) for which giving up is right.
    """
    facts = Facts(history, frozenset(permanent))
    return [violation for look in CHECKS for violation in look(facts)]


def _counts(items: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for item in items:
        counts[item] += 1
    return counts


def _differ(one: str, other: str) -> bool:
    return bool(one) and bool(other) and one != other
