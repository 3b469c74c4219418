"""A session at a desk: events go in by hand, effects and changes are looked at."""

from __future__ import annotations

from typing import TypeVar

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.changelog import patched
from talkbot_tui.core.changes import Change, TimelineChanged, TimelineReset
from talkbot_tui.core.model import (
    Conversation,
    LogEvent,
    Message,
    RoomSnapshot,
    Row,
    SendState,
    SyncSnapshot,
    User,
)
from talkbot_tui.core.session import Session
from tests.core.people import ANA, channel, posted

T = TypeVar("T")


def snap(
    *events: LogEvent,
    conversation: Conversation | None = None,
    head: int | None = None,
    read: int = 0,
    unread: int = 0,
    mentions: int = 0,
    more: bool = False,
) -> RoomSnapshot:
    """One room of a sync answer: these are its newest events."""
    head = (events[-1].seq if events else 0) if head is None else head
    return RoomSnapshot(
        conversation=conversation or channel(),
        head_seq=head,
        read_seq=read,
        unread=unread,
        mentions=mentions,
        from_seq=events[0].seq if events else head + 1,
        events=tuple(events),
        more=more,
    )


def snapshot(*rooms: RoomSnapshot, epoch: str = "e1", user: User = ANA) -> a.Synced:
    return a.Synced(SyncSnapshot(epoch, user, "test", tuple(rooms)))


class Desk:
    def __init__(self, start: a.Loaded | None = None) -> None:
        self.session = Session()
        self.now = 1_000_000
        self.changes: list[Change] = []
        self.copies: dict[str, list[Row]] = {}
        if start is not None:
            self.do(start)

    def do(self, event: e.Event, *, after: int = 1) -> list[f.Effect]:
        """Hand over `event`, `after` ms after the one before."""
        self.now += after
        effects = self.session.handle(event, self.now)
        self.changes = list(self.session.take_changes())
        for change in self.changes:
            if isinstance(change, TimelineReset):
                room = change.conversation_id
                self.copies[room] = list(self.session.timeline(room).rows)
            elif isinstance(change, TimelineChanged):
                room = change.conversation_id
                self.copies[room] = patched(self.copies.get(room, []), change.splices)
                assert self.copies[room] == list(self.session.timeline(room).rows)
        return effects

    def tick(self, after: int) -> list[f.Effect]:
        return self.do(e.Tick(), after=after)

    def connect(self) -> list[f.Effect]:
        self.do(a.LinkConnecting(1))
        return self.do(a.LinkUp())

    def online(self, *rooms: RoomSnapshot) -> list[f.Effect]:
        self.connect()
        return self.do(snapshot(*rooms))

    def compose(self, name: str, room: str = "c1", *, saved: bool = True) -> list[f.Effect]:
        effects = self.do(e.Compose(room, f"text {name}", name, self.now))
        return effects + (self.do(a.Saved(name)) if saved else [])

    def states(self, room: str = "c1") -> dict[str, SendState]:
        rows = self.session.timeline(room).rows
        return {row.key: row.state for row in rows if isinstance(row, Message)}

    def seqs(self, room: str = "c1") -> list[int]:
        return [getattr(row, "seq", -1) for row in self.session.timeline(room).rows]


def only(effects: list[f.Effect], kind: type[T]) -> list[T]:
    return [effect for effect in effects if isinstance(effect, kind)]


def at_work(*extra: RoomSnapshot) -> Desk:
    """Online, with three messages in an open room."""
    desk = Desk()
    desk.online(snap(posted(1), posted(2), posted(3), read=3), *extra)
    desk.do(e.OpenConversation("c1"))
    desk.do(a.PageLoaded("c1", (posted(1), posted(2), posted(3)), 0))
    assert desk.seqs() == [1, 2, 3]
    return desk
