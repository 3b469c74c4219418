"""Watching what passes through the engine: deliveries of ours, new events of the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from talkbot_tui.core.arrivals import (
    HistoryArrived,
    Loaded,
    LogArrived,
    MessageAcked,
    SaveFailed,
    Synced,
)
from talkbot_tui.core.effects import (
    DropLocal,
    Effect,
    ForgetAll,
    ForgetRoom,
    SaveEvents,
    UpdateLocal,
)
from talkbot_tui.core.events import Event
from talkbot_tui.core.model import LogEvent, Message, MessagePosted, SendState
from talkbot_tui.core.ranges import Ranges

log = logging.getLogger(__name__)

RECENT_MAX = 256
"""So many deliveries are remembered for those who ask late."""

LogListener = Callable[[tuple[LogEvent, ...]], None]
ForgetListener = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Delivered:
    """The place that the server gave to a message of ours; `ts` in ms."""

    client_msg_id: str
    server_msg_id: str
    seq: int
    ts: int


class NotDelivered(Exception):
    """A message was refused for good, discarded, or could not be saved.

    Attributes:
        client_msg_id: the message.
        reason: `code: words` of the server, or the store's code.
    """

    def __init__(self, client_msg_id: str, reason: str) -> None:
        """`reason` is what the message's row shows."""
        super().__init__(reason)
        self.client_msg_id = client_msg_id
        self.reason = reason


class Deliveries:
    """Futures of messages on their way."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._waiting: dict[str, asyncio.Future[Delivered]] = {}
        self._recent: dict[str, Delivered] = {}

    def wait(self, client_msg_id: str) -> asyncio.Future[Delivered]:
        """Done when the server has the message; fails with `NotDelivered`."""
        future = self._waiting.get(client_msg_id)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            if (done := self._recent.get(client_msg_id)) is not None:
                future.set_result(done)
                return future
            self._waiting[client_msg_id] = future
            future.add_done_callback(lambda _: self._waiting.pop(client_msg_id, None))
        return future

    def before(self, event: Event) -> None:
        """Look at an event on its way to the session."""
        match event:
            case MessageAcked():
                self._done(event.client_msg_id, event.server_msg_id, event.seq, event.ts)
            case SaveFailed():
                self._failed(event.client_msg_id, event.reason)
            case LogArrived(events=events) | HistoryArrived(events=events):
                self._seen(events)
            case Synced(snapshot=snapshot):
                for room in snapshot.rooms:
                    self._seen(room.events)
            case _:
                pass

    def after(self, effects: Iterable[Effect]) -> None:
        """Look at what the session asks for."""
        if not self._waiting:
            return
        for effect in effects:
            match effect:
                case UpdateLocal(message=Message(state=SendState.FAILED) as message):
                    self._failed(message.client_msg_id, message.error)
                case DropLocal(client_msg_id=client_msg_id):
                    self._failed(client_msg_id, "discarded")
                case _:
                    pass

    def _seen(self, events: Iterable[LogEvent]) -> None:
        for event in events:
            if isinstance(event, MessagePosted) and event.message.client_msg_id in self._waiting:
                message = event.message
                self._done(message.client_msg_id, message.server_msg_id, event.seq, event.ts)

    def _done(self, client_msg_id: str, server_msg_id: str, seq: int, ts: int) -> None:
        delivered = Delivered(client_msg_id, server_msg_id, seq, ts)
        self._recent[client_msg_id] = delivered
        if len(self._recent) > RECENT_MAX:
            del self._recent[next(iter(self._recent))]
        future = self._waiting.pop(client_msg_id, None)
        if future is not None and not future.done():
            future.set_result(delivered)

    def _failed(self, client_msg_id: str, reason: str) -> None:
        future = self._waiting.pop(client_msg_id, None)
        if future is not None and not future.done():
            future.set_exception(NotDelivered(client_msg_id, reason))
            future.exception()


class LogFollowers:
    """Gives each new event of the log once, whether it came live or after a reconnect.

    New is what lies above the cursor of the last start; a page that is loaded
    because somebody scrolls back is not.
    """

    def __init__(self) -> None:
        """Nothing has been told yet."""
        self.listeners: list[LogListener] = []
        self.forget_listeners: list[ForgetListener] = []
        self._floors: dict[str, int] = {}
        self._told: dict[str, Ranges] = {}

    def loaded(self, event: Loaded) -> None:
        """Where the last run ended."""
        for room in event.rooms:
            self._floors[room.summary.conversation.conversation_id] = room.cursor

    def after(self, effects: Iterable[Effect]) -> None:
        """Tell what the session has taken in."""
        for effect in effects:
            match effect:
                case SaveEvents(conversation_id=room, events=events):
                    self._tell(room, events)
                case ForgetRoom(conversation_id=room):
                    self._floors.pop(room, None)
                    self._told.pop(room, None)
                    self._forgotten(room)
                case ForgetAll():
                    self._floors.clear()
                    self._told.clear()
                    self._forgotten("")
                case _:
                    pass

    def _tell(self, room: str, events: tuple[LogEvent, ...]) -> None:
        if not events:
            return
        ordered = sorted(events, key=lambda event: event.seq)
        floor = self._floors.setdefault(room, ordered[0].seq - 1)
        told = self._told.setdefault(room, Ranges())
        fresh = tuple(e for e in ordered if e.seq > floor and not told.holds(e.seq))
        for event in fresh:
            told.add(event.seq, event.seq)
        if not fresh:
            return
        for listener in list(self.listeners):
            try:
                listener(fresh)
            except Exception:
                log.exception("a listener of the log failed")

    def _forgotten(self, room: str) -> None:
        for listener in list(self.forget_listeners):
            try:
                listener(room)
            except Exception:
                log.exception("a listener of what is forgotten failed")


def added(listeners: list[Any], listener: Any) -> Callable[[], None]:
    """Add `listener`; calling the result takes it away again."""
    listeners.append(listener)

    def remove() -> None:
        with suppress(ValueError):
            listeners.remove(listener)

    return remove
