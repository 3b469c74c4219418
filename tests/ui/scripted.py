"""An engine without I/O: the real session, a store and a server that do as the script says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from talkbot_tui.client.wiretap import Wire, Wiretap
from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.changes import Change
from talkbot_tui.core.model import (
    Conversation,
    LogEvent,
    MemberChanged,
    Message,
    MessagePosted,
    User,
)
from talkbot_tui.core.search import Ask, Found, page
from talkbot_tui.core.session import Session

Listener = Callable[[tuple[Change, ...]], None]


@dataclass
class ScriptedLookups:
    """Answers from lists; notes what was asked."""

    people: list[User] = field(default_factory=list)
    public: list[Conversation] = field(default_factory=list)
    found: list[Message] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def users(self, prefix: str) -> Sequence[User]:
        return [user for user in self.people if user.name.startswith(prefix)]

    async def channels(self, prefix: str) -> Sequence[Conversation]:
        return [room for room in self.public if room.name.startswith(prefix)]

    async def search(
        self, query: str, conversation_id: str | None = None, limit: int = 20
    ) -> Sequence[Message]:
        return [message for message in self.found if query in message.text]

    async def open_direct(self, user_id: str) -> Conversation:
        self.asked.append(("open_direct", user_id))
        return next(room for room in self.public if room.peer and room.peer.user_id == user_id)

    async def create_channel(
        self, name: str, topic: str = "", private: bool = False
    ) -> Conversation:
        self.asked.append(("create_channel", name, topic, str(private)))
        return self.public[0]

    async def join(self, conversation_id: str) -> Conversation:
        self.asked.append(("join", conversation_id))
        return next(room for room in self.public if room.conversation_id == conversation_id)

    async def leave(self, conversation_id: str) -> None:
        self.asked.append(("leave", conversation_id))

    async def invite(self, conversation_id: str, user_id: str) -> None:
        self.asked.append(("invite", conversation_id, user_id))

    async def remove(self, conversation_id: str, user_id: str) -> None:
        self.asked.append(("remove", conversation_id, user_id))

    async def update(
        self, conversation_id: str, *, topic: str | None = None, name: str | None = None
    ) -> None:
        self.asked.append(("update", conversation_id, topic or "", name or ""))


class ScriptedEngine:
    """The surface of `client.engine.Engine` on a real session.

    Attributes:
        now: the clock, in ms; moves only when told.
        full: saving fails with this reason.
        events: what the front end dispatched, in order.
        effects: what the session asked for and no script answered.
        older: what the cache holds of each room, for `LoadPage`.
    """

    def __init__(self, now: int) -> None:
        self.session = Session(asks=True)
        self.lookups = ScriptedLookups()
        self.wire = Wire(Wiretap(lambda: float(self.now)), lambda: None, namespace="/chat")
        self.now = now
        self.full = ""
        self.events: list[e.UserEvent] = []
        self.effects: list[f.Effect] = []
        self.older: dict[str, list[LogEvent]] = {}
        self.started = 0
        self.stopped = 0
        self._listeners: list[Listener] = []
        self._ids = 0
        self._due = False

    async def start(self) -> None:
        self.started += 1

    async def stop(self) -> None:
        self.stopped += 1

    # --- the script ------------------------------------------------------------------

    def feed(self, *events: e.Event) -> None:
        """Something happened."""
        for event in events:
            for effect in self.session.handle(event, self.now):
                self._perform(effect)
        self._publish_soon()

    def emitted(self, kind: type[f.Effect]) -> list[f.Effect]:
        """The effects of one kind."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def _perform(self, effect: f.Effect) -> None:
        match effect:
            case f.SaveLocal(message=message) if self.full:
                self.feed(a.SaveFailed(message.client_msg_id, self.full))
            case f.SaveLocal(message=message):
                self.feed(a.Saved(message.client_msg_id))
            case f.LoadPage(conversation_id=room, before=before, limit=limit, after=after):
                held = [x for x in self.older.get(room, []) if not before or x.seq < before]
                held = [x for x in held if x.seq > after]
                found = held[:limit] if after else held[-limit:]
                self.feed(a.PageLoaded(room, tuple(found), before, after))
            case f.SaveEvents(conversation_id=room, events=events):
                known = {x.seq: x for x in self.older.get(room, [])}
                known |= {x.seq: x for x in events if isinstance(x, (MessagePosted, MemberChanged))}
                self.older[room] = [known[seq] for seq in sorted(known)]
            case _:
                self.effects.append(effect)

    def _publish_soon(self) -> None:
        if not self._listeners or self._due:
            return
        self._due = True
        asyncio.get_running_loop().call_soon(self._publish)

    def _publish(self) -> None:
        self._due = False
        changes = self.session.take_changes()
        if changes:
            for listener in list(self._listeners):
                listener(changes)

    # --- the engine's surface -----------------------------------------------------------

    def dispatch(self, event: e.UserEvent) -> None:
        self.events.append(event)
        self.feed(event)

    def send(self, conversation_id: str, text: str, *, reply_to: str = "", format: str = "") -> str:
        self._ids += 1
        client_msg_id = f"own-{self._ids}"
        self.dispatch(e.Compose(conversation_id, text, client_msg_id, self.now, reply_to, format))
        return client_msg_id

    def edit(self, conversation_id: str, server_msg_id: str, text: str) -> None:
        self.dispatch(e.EditMessage(conversation_id, server_msg_id, text, "op"))

    def delete(self, conversation_id: str, server_msg_id: str) -> None:
        self.dispatch(e.DeleteMessage(conversation_id, server_msg_id, "op"))

    def react(self, conversation_id: str, server_msg_id: str, emoji: str, on: bool) -> None:
        self.dispatch(e.React(conversation_id, server_msg_id, emoji, on, "op"))

    async def search(self, ask: Ask) -> Found:
        held = (event for room in self.older.values() for event in room)
        return page((x.message for x in held if isinstance(x, MessagePosted)), ask)

    async def seq_at(self, conversation_id: str, ts: int) -> int:
        held = self.older.get(conversation_id, [])
        return min((event.seq for event in held if event.ts >= ts), default=0)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)
        self.session.take_changes()
        return lambda: self._listeners.remove(listener)
