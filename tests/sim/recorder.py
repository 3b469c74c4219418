"""Writes down what devices show, as a history for `tests.histories.checker`."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.changelog import patched
from talkbot_tui.core.changes import Change, RoomsChanged, TimelineChanged, TimelineReset
from talkbot_tui.core.model import (
    LogEvent,
    MemberChanged,
    Message,
    MessagePosted,
    Row,
    SendState,
)
from talkbot_tui.core.patience import EXPIRE_AFTER_MS
from tests.histories.checker import Violation
from tests.histories.record import Entry, History, What, digest_of
from tests.sim.device import Device
from tests.sim.server import ModelServer
from tests.sim.watcher import Watcher
from tests.sim.world import World


@dataclass(slots=True)
class Written:
    """What somebody wrote, and where."""

    device: str
    room: str
    digest: str
    clock: int
    shown: bool = False
    acked: str = ""
    cancelled: bool = False


class Told:
    """What one device has shown in this life."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.rows: dict[str, list[Row]] = {}
        self.seen: set[tuple[str, int]] = set()
        self.marks: dict[str, int] = {}
        self.rooms: dict[str, None] = {}
        self.discarded: set[str] = set()


class Recorder(Watcher):
    """The run's history, and what was wrong while it went on."""

    def __init__(self, world: World) -> None:
        self.history = History()
        self.violations: list[Violation] = []
        self.written: dict[str, Written] = {}
        self._told: dict[str, Told] = {}
        self._unsure: list[Entry] = []
        self._world = world

    # --- from the people -------------------------------------------------------------

    def wrote(self, device: Device, room: str, client_msg_id: str, text: str) -> None:
        """Somebody pressed Enter; it counts once it is shown as pending."""
        self.written[client_msg_id] = Written(device.name, room, digest_of(text), device.clock)

    def sent_again(self, device: Device, client_msg_id: str) -> None:
        """Somebody tried a failed message again: it has all its time again."""
        self.written[client_msg_id].clock = device.clock

    def started(self, device: Device) -> None:
        """A process begins, with what is on disk."""
        self._told[device.name] = Told(device.store.epoch)
        device.store.dropped = lambda client_msg_id: self._dropped(device, client_msg_id)
        self._add(What.STARTED, device)

    def ended(self, device: Device) -> None:
        """A process is no more."""
        self._add(What.CRASHED, device)

    # --- from the device ---------------------------------------------------------------

    def handling(self, device: Device, event: e.Event) -> None:
        match event:
            case a.Loaded(outbox=outbox):
                for message in outbox:
                    self._pending(device, message.client_msg_id)
            case a.Saved(client_msg_id=client_msg_id):
                self._pending(device, client_msg_id)
            case a.MessageAcked(client_msg_id=name, server_msg_id=server_id, seq=seq):
                self._acked(device, name, server_id, seq)
            case a.LogArrived(events=events) | a.HistoryArrived(events=events):
                self._confirmed(device, events)
            case a.Synced(snapshot=snapshot):
                for room in snapshot.rooms:
                    self._confirmed(device, room.events)
            case _:
                pass

    def handled(self, device: Device, effects: list[f.Effect], changes: tuple[Change, ...]) -> None:
        told = self._told[device.name]
        for effect in effects:
            match effect:
                case f.SaveIdentity(epoch=epoch):
                    told.epoch = epoch
                case f.ForgetAll():
                    self._forgot(device, list(told.rooms))
                case f.ForgetRoom(conversation_id=room):
                    self._forgot(device, [room])
                case f.UpdateLocal(message=message) if message.state is SendState.FAILED:
                    self._failed(device, message)
                case f.DropLocal(client_msg_id=client_msg_id):
                    told.discarded.discard(client_msg_id)
                case _:
                    pass
        for change in changes:
            match change:
                case TimelineChanged(conversation_id=room, splices=splices):
                    told.rows[room] = patched(told.rows.get(room, []), splices)
                    for splice in splices:
                        self._saw(device, told, room, splice.rows)
                case TimelineReset(conversation_id=room):
                    told.rows[room] = list(device.session.timeline(room).rows)
                    self._saw(device, told, room, told.rows[room])
                case RoomsChanged(conversation_ids=rooms):
                    self._marks(device, told, rooms)
                case _:
                    pass

    def died(self, device: Device, error: Exception, event: e.Event) -> None:
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{device.name} on {type(event).__name__}: {error!r} at {where.name}:{where.lineno}"
        self.violations.append(Violation("failed session", what))

    def discarding(self, device: Device, client_msg_id: str) -> None:
        """The person gave a message up; it is cancelled once the disk says so."""
        if client_msg_id not in _held(device, self.written[client_msg_id].room):
            self._told[device.name].discarded.add(client_msg_id)

    def check_copies(self, device: Device) -> None:
        """What splices made of the rows is what the rows are."""
        for room, rows in self._told[device.name].rows.items():
            if rows != list(device.session.timeline(room).rows):
                self.violations.append(
                    Violation("stale screen", f"{device.name} shows other rows of {room}")
                )

    # --- the end -------------------------------------------------------------------------

    def truth(self, server: ModelServer) -> None:
        """The server's log."""
        stored = {m.client_msg_id: m for r in server.rooms.values() for m in r.messages.values()}
        for entry in self._unsure:
            if (message := stored.get(entry.client_id)) is not None:
                # It is there after all, as the device said that it might be.
                told = replace(entry, what=What.ACKED, epoch=server.epoch)
                told = replace(told, message_id=message.server_msg_id, seq=message.seq)
                self.history.add(told)
        for room in server.rooms.values():
            for place in room.log:
                event = place.own
                if not isinstance(event, MessagePosted):
                    self._note(What.TRUTH, room=room.id, seq=event.seq, epoch=server.epoch)
                    continue
                now = room.messages[event.message.server_msg_id]
                changed = now.deleted or now.revision
                self._note(
                    What.TRUTH,
                    room=room.id,
                    seq=now.seq,
                    epoch=server.epoch,
                    user=now.sender.user_id,
                    client_id=now.client_msg_id,
                    message_id=now.server_msg_id,
                    digest="" if changed else digest_of(now.text),
                )
        self.members(server)

    def members(self, server: ModelServer) -> None:
        """Who came and went, as the log of this epoch has it."""
        for room in server.rooms.values():
            for place in room.log:
                event = place.own
                if isinstance(event, MemberChanged) and event.change != "role":
                    gone = event.change in ("left", "removed")
                    self._note(
                        What.REMOVED if gone else What.JOINED,
                        room=room.id,
                        seq=event.seq,
                        user=event.user.user_id,
                        epoch=server.epoch,
                    )

    def held(self, device: Device, room: str) -> None:
        """What a device shows at the end."""
        told = self._told[device.name]
        for row in device.session.timeline(room).rows:
            if not isinstance(row, Message):
                continue
            what = What.HELD if row.seq else What.PENDING
            if row.state is SendState.FAILED:
                continue
            self._add(
                what,
                device,
                room=room,
                client_id=row.client_msg_id,
                message_id=row.server_msg_id,
                seq=row.seq,
                epoch=told.epoch,
            )

    # --- inside ----------------------------------------------------------------------------

    def _pending(self, device: Device, client_msg_id: str) -> None:
        written = self.written[client_msg_id]
        if not written.shown:
            written.shown = True
            self._add(
                What.COMPOSED,
                device,
                room=written.room,
                client_id=client_msg_id,
                digest=written.digest,
            )

    def _confirmed(self, device: Device, events: Iterable[LogEvent]) -> None:
        """The log itself says that the server has a message of ours."""
        for event in events:
            if isinstance(event, MessagePosted) and event.message.client_msg_id in self.written:
                message = event.message
                self._acked(device, message.client_msg_id, message.server_msg_id, message.seq)

    def _acked(self, device: Device, name: str, server_msg_id: str, seq: int) -> None:
        written = self.written[name]
        epoch = device.connection.epoch if device.connection else ""
        if written.device != device.name or written.acked == epoch or not epoch:
            return
        if written.cancelled:
            # It was given up: whatever the log says now does not make that right.
            return
        written.acked = epoch
        self._add(
            What.ACKED,
            device,
            room=written.room,
            client_id=name,
            message_id=server_msg_id,
            seq=seq,
            epoch=epoch,
        )

    def _failed(self, device: Device, message: Message) -> None:
        code = message.error.partition(":")[0]
        name = message.client_msg_id
        self.written[name].acked = ""
        age = device.clock - self.written[name].clock
        if code == "expired" and age < EXPIRE_AFTER_MS:
            what = f"{device.name} {name} after {age} ms by its clock"
            self.violations.append(Violation("expired too soon", what))
        # "Expired" says that it waited, not that nobody has it; the mark on it says that.
        unsure = code == "expired" and message.attempted
        self._end(What.FAILED, device, name, code, unsure=unsure)

    def _dropped(self, device: Device, client_msg_id: str) -> None:
        told = self._told[device.name]
        if client_msg_id in told.discarded:
            told.discarded.discard(client_msg_id)
            self.written[client_msg_id].cancelled = True
            self._end(What.CANCELLED, device, client_msg_id)

    def _end(
        self, what: What, device: Device, name: str, note: str = "", *, unsure: bool = False
    ) -> None:
        """A message will not arrive, says the device; unless a full disk made it forget."""
        room = self.written[name].room
        self._add(what, device, room=room, client_id=name, note=note)
        if unsure or name in device.store.unsure:
            self._unsure.append(self.history.entries[-1])

    def _forgot(self, device: Device, rooms: list[str]) -> None:
        told = self._told[device.name]
        for room in rooms:
            told.marks.pop(room, None)
            told.seen = {place for place in told.seen if place[0] != room}
            self._add(What.FORGOT, device, room=room)

    def _saw(self, device: Device, told: Told, room: str, rows: Iterable[Row]) -> None:
        for row in rows:
            if not isinstance(row, Message) or not row.seq or (room, row.seq) in told.seen:
                continue
            told.seen.add((room, row.seq))
            told.rooms[room] = None
            self._add(
                What.SEEN,
                device,
                room=room,
                client_id=row.client_msg_id,
                message_id=row.server_msg_id,
                seq=row.seq,
                epoch=told.epoch,
            )

    def _marks(self, device: Device, told: Told, rooms: tuple[str, ...]) -> None:
        for room in rooms:
            shown = device.session.room(room)
            if shown is None:
                told.marks.pop(room, None)
                continue
            if not shown.conversation.role:
                continue
            told.rooms[room] = None
            if shown.read_seq < told.marks.get(room, 0):
                what = f"{device.name} {room}: {shown.read_seq} after {told.marks[room]}"
                self.violations.append(Violation("read mark went back", what))
            told.marks[room] = shown.read_seq

    def _add(self, what: What, device: Device, **facts: Any) -> None:
        self._note(what, device=device.name, **{"user": device.user, **facts})

    def _note(self, what: What, **facts: Any) -> None:
        now = self._world.now / 1000
        self.history.add(Entry(what, now, **facts))


def _held(device: Device, room: str) -> set[str]:
    rows = device.session.timeline(room).rows
    return {row.client_msg_id for row in rows if isinstance(row, Message)}
