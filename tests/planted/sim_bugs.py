"""Planted bugs of the rules: in the core, or in the server that the simulator models.

Each takes away one rule that never-lose, never-double or never-reorder rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from talkbot_tui.core import effects as f
from talkbot_tui.core import live, membership, mutations, reading, syncing
from talkbot_tui.core.model import (
    LogEvent,
    Message,
    MessageEdited,
    RoomSnapshot,
    SendState,
    SyncSnapshot,
    User,
)
from talkbot_tui.core.outbox import Outbox
from talkbot_tui.core.room_list import Room
from talkbot_tui.core.state import State
from talkbot_tui.core.timeline import Timeline
from tests.sim.server import ModelServer, Outcome

WINDOW = 3


@dataclass(frozen=True, slots=True)
class Planted:
    """A bug, and the broken promises of which at least one must be named."""

    bug: Callable[[], AbstractContextManager[None]]
    caught_as: tuple[str, ...]


@contextmanager
def _replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    held = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, held)


def dedupe_window() -> AbstractContextManager[None]:
    """The server remembers the ids of its last few messages only."""
    message = ModelServer._message

    def forgetful(self: ModelServer, user: User, ask: f.SendMessage) -> Outcome:
        for key in list(self.acks)[:-WINDOW]:
            del self.acks[key]
        return message(self, user, ask)

    return _replaced(ModelServer, "_message", forgetful)


def resync_off_by_one() -> AbstractContextManager[None]:
    """The newest page is taken as if it began one place earlier."""
    events = syncing._events

    def shifted(state: State, room: Room, snap: RoomSnapshot) -> tuple[list[LogEvent], bool]:
        return events(state, room, replace(snap, from_seq=max(1, snap.from_seq - 1)))

    return _replaced(syncing, "_events", shifted)


def dropped_during_history() -> AbstractContextManager[None]:
    """What comes in while a page is read counts as part of that page."""
    take = live._take_room

    def deaf(state: State, room: Room, events: list[LogEvent]) -> None:
        if room.fetching.request is None:
            take(state, room, events)
        else:
            for event in events:
                room.timeline.hold(event.seq, event.seq)

    return _replaced(live, "_take_room", deaf)


def epoch_ignored() -> AbstractContextManager[None]:
    """A server set back to a backup is taken for the one that it was."""
    identify = syncing._identify

    def blind(state: State, snapshot: SyncSnapshot) -> None:
        if state.epoch:
            state.epoch = snapshot.epoch
        identify(state, snapshot)

    return _replaced(syncing, "_identify", blind)


def dropped_before_ack() -> AbstractContextManager[None]:
    """The outbox forgets a message as soon as it is sent."""
    emit = State.emit

    def eager(self: State, effect: f.Effect) -> None:
        if isinstance(effect, f.SendMessage):
            emit(self, f.DropLocal(effect.message.client_msg_id))
        emit(self, effect)

    return _replaced(State, "emit", eager)


def two_in_flight() -> AbstractContextManager[None]:
    """A lane does not wait for the answer to its first message."""

    def start(self: Outbox, conversation_id: str, now: int) -> Message | None:
        for name in self._lanes.get(conversation_id, []):
            entry = self._entries[name]
            if entry.message.state is SendState.QUEUED and entry.ready_at <= now:
                return self._set(entry, state=SendState.SENDING, attempted=True)
        return None

    return _replaced(Outbox, "start", start)


def lower_revision_wins() -> AbstractContextManager[None]:
    """The edit that comes last wins, whatever its revision."""

    def edit(message: Message, event: MessageEdited) -> Message:
        if message.deleted:
            return message
        return replace(
            message,
            text=event.text,
            revision=event.revision,
            mentions=event.mentions,
            changed_seq=max(message.changed_seq, event.seq),
        )

    return _replaced(mutations, "_edit", edit)


def read_mark_goes_back() -> AbstractContextManager[None]:
    """The server's read mark replaces ours, even when ours is further."""
    merge = reading.merge_read

    def obedient(state: State, room: Room, snap: RoomSnapshot) -> None:
        merge(state, room, snap)
        room.read_seq = snap.read_seq

    return _replaced(reading, "merge_read", obedient)


def gap_ignored() -> AbstractContextManager[None]:
    """An event that comes early is taken as the next one."""
    take = live._take_room

    def hasty(state: State, room: Room, events: list[LogEvent]) -> None:
        for event in events:
            room.timeline.hold(room.timeline.cursor + 1, event.seq - 1)
        take(state, room, events)

    return _replaced(live, "_take_room", hasty)


def given_up_though_sent() -> AbstractContextManager[None]:
    """A message may be given up although the server may have it."""

    def careless(self: Outbox, client_msg_id: str) -> bool:
        held = self.get(client_msg_id)
        return held is not None and held.state in (SendState.QUEUED, SendState.FAILED)

    return _replaced(Outbox, "may_discard", careless)


def removal_keeps_rows() -> AbstractContextManager[None]:
    """Whoever is removed from a room goes on seeing it."""
    return _replaced(membership, "end", lambda state, room: None)


def hidden_gaps() -> AbstractContextManager[None]:
    """What is missing below the newest page is not shown as missing."""
    return _replaced(Timeline, "regap", lambda self, fetching=0: [])


BUGS: dict[str, Planted] = {
    "dedupe-window": Planted(dedupe_window, ("duplicate",)),
    "resync-off-by-one": Planted(resync_off_by_one, ("other rows", "hole")),
    "dropped-during-history": Planted(dropped_during_history, ("other rows", "hole")),
    "epoch-ignored": Planted(epoch_ignored, ("other rows", "divergent seq", "ghost")),
    "dropped-before-ack": Planted(dropped_before_ack, ("lost pending",)),
    "two-in-flight": Planted(two_in_flight, ("order inversion",)),
    "lower-revision-wins": Planted(lower_revision_wins, ("other rows",)),
    "read-mark-goes-back": Planted(
        read_mark_goes_back, ("read mark went back", "non-monotonic view")
    ),
    "gap-ignored": Planted(gap_ignored, ("other rows", "hole")),
    "given-up-though-sent": Planted(given_up_though_sent, ("aborted read",)),
    "removal-keeps-rows": Planted(removal_keeps_rows, ("other rooms",)),
    "hidden-gaps": Planted(hidden_gaps, ("other rows", "hole")),
}
