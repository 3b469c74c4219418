"""At rest everybody agrees: rows, caches, read marks and counts with the server's truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from talkbot_tui.core.model import (
    ConversationChanged,
    Gap,
    LogEvent,
    MemberChanged,
    Message,
    MessagePosted,
    Note,
    Row,
)
from talkbot_tui.core.timeline import note_of
from tests.histories.checker import Violation
from tests.sim.device import Device
from tests.sim.room import ServerRoom
from tests.sim.server import ModelServer
from tests.sim.words import words


def truth_of(room: ServerRoom, user_id: str) -> list[Row]:
    """The rows that the log amounts to."""
    rows: list[Row] = []
    for place in room.log:
        event = place.to(user_id)
        if isinstance(event, MessagePosted):
            rows.append(event.message)
        elif isinstance(event, (MemberChanged, ConversationChanged)):
            rows.append(note_of(event))
    return rows


def log_agrees(device: Device, server: ModelServer) -> Iterator[Violation]:
    """What a member sees of a room is its log: places, ids, texts, reactions; no gap is left."""
    for shown in device.session.rooms():
        name = shown.conversation.conversation_id
        room = server.rooms.get(name)
        if room is None or not shown.conversation.role or device.user not in room.members:
            continue
        rows = [row for row in device.session.timeline(name).rows if _numbered(row)]
        yield from _compare(f"{device.name} {name}", rows, truth_of(room, device.user))


def rooms_agree(device: Device, server: ModelServer) -> Iterator[Violation]:
    """Rooms, read marks and counts are the server's."""
    mine = {room.id: room for room in server.of_user(device.user)}
    shown = {
        room.conversation.conversation_id: room
        for room in device.session.rooms()
        if room.conversation.role
    }
    if set(mine) != set(shown):
        yield Violation("other rooms", f"{device.name} shows {list(shown)}, not {list(mine)}")
    for name in sorted(set(mine) & set(shown)):
        room, summary = mine[name], shown[name]
        mark = room.reads.get(device.user, 0)
        told = (summary.head_seq, summary.read_seq, summary.unread, summary.mentions)
        wanted = (room.head, mark, *room.unread(device.user))
        if told != wanted:
            yield Violation("other counts", f"{device.name} {name}: {told}, not {wanted}")
        if summary.conversation.role != room.members[device.user]:
            yield Violation("other role", f"{device.name} {name}: {summary.conversation.role}")


def disk_agrees(device: Device, server: ModelServer) -> Iterator[Violation]:
    """What is cached as held is there, as the log has it; the outbox holds what is shown."""
    device.store.close()
    for name, held in device.store.cached.items():
        room = server.rooms.get(name)
        if room is None or device.user not in room.members:
            yield Violation("stale cache", f"{device.name} keeps {name}")
            continue
        spans = held.ranges
        truth = [
            row
            for row in truth_of(room, device.user)
            if any(first <= _seq(row) <= last for first, last in spans)
        ]
        rows = [row for event in _events(held.events) if (row := _row(event)) is not None]
        rows = [row for row in rows if any(a <= _seq(row) <= b for a, b in spans)]
        yield from _compare(f"{device.name} {name} on disk", rows, truth)
    shown = {
        row.client_msg_id
        for room in device.session.rooms()
        for row in device.session.timeline(room.conversation.conversation_id).rows
        if isinstance(row, Message) and not row.seq
    }
    if shown != set(device.store.outbox):
        what = f"{device.name} shows {sorted(shown)}, keeps {sorted(device.store.outbox)}"
        yield Violation("other outbox", what)


def live_equals_fresh(device: Device, fresh: Device) -> Iterator[Violation]:
    """Rows are the same whatever way they came."""
    for room in fresh.session.rooms():
        name = room.conversation.conversation_id
        live = [row for row in device.session.timeline(name).rows if _numbered(row)]
        new = [row for row in fresh.session.timeline(name).rows if _numbered(row)]
        yield from _compare(f"{device.name} {name} against fresh", live, new)


# --- inside ------------------------------------------------------------------------------


def _compare(where: str, rows: Sequence[Row], truth: Sequence[Row]) -> Iterator[Violation]:
    if [_facts(row) for row in rows] == [_facts(row) for row in truth]:
        return
    for row, true in zip(rows, truth, strict=False):
        if _facts(row) != _facts(true):
            yield Violation("other rows", f"{where}: {words(row)}, not {words(true)}")
            return
    yield Violation("other rows", f"{where}: {len(rows)} rows, not {len(truth)}")


def _facts(row: Row) -> object:
    """A row without what depends on the way it came."""
    if not isinstance(row, Message):
        return row
    own = bool(row.client_msg_id)
    return (
        row.key,
        row.server_msg_id,
        row.client_msg_id,
        row.sender,
        row.seq,
        row.ts,
        row.text,
        row.reactions,
        row.deleted,
        row.state,
        0 if row.deleted else row.revision,
        # An ack does not tell whom one's own text names.
        () if own else row.mentions,
    )


def _numbered(row: Row) -> bool:
    return not isinstance(row, Message) or row.seq > 0


def _seq(row: Row) -> int:
    return row.first if isinstance(row, Gap) else row.seq


def _events(events: dict[int, LogEvent]) -> list[LogEvent]:
    return [events[seq] for seq in sorted(events)]


def _row(event: LogEvent) -> Message | Note | None:
    if isinstance(event, MessagePosted):
        return event.message
    if isinstance(event, (MemberChanged, ConversationChanged)):
        return note_of(event)
    return None
