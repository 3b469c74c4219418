"""The one place that sends: who receives what, in which order, and who reads too slowly.

Nothing goes to the namespace as a whole, only to the connections that were
subscribed after they were authorized. Sending is synchronous: what is
committed first is queued first on every connection, and once a member has
been taken out no event of the conversation is sent to them any more.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from talkbot_tui.server.connections import Connection, Frame, Reply
from talkbot_tui.server.metrics import Metrics
from talkbot_tui.server.outcome import (
    Delivery,
    EndSessions,
    Enter,
    Exit,
    Outcome,
    Publish,
    StreamBegins,
    StreamEnds,
    Tell,
    TellUser,
)
from talkbot_tui.wire.errors import GoodbyeCode
from talkbot_tui.wire.scalars import NAMESPACE
from talkbot_tui.wire.server_events import (
    ConversationEvent,
    GoodbyeEvent,
    LogEvent,
    ResyncEvent,
)

_EVENT = "2" + NAMESPACE + ","
_ACK = "3" + NAMESPACE + ","
FINISH_SECONDS = 2.0


class Streams(Protocol):
    """Who follows growing messages (`streams.Streams`)."""

    def begin(self, begins: StreamBegins) -> None:
        """A message starts to grow."""

    def end(self, server_msg_id: str) -> None:
        """It has ended."""

    def close(self, conversation_id: str, sender_id: str | None = None) -> None:
        """Nobody, or a certain one no more, may write there."""


class Elsewhere(Protocol):
    """The other servers of the same database (`nodes.node.Nodes`)."""

    @property
    def heard(self) -> bool:
        """Whether they hear at once what they are told."""

    def began(self, conversation_id: str, head: int) -> None:
        """Somebody here receives that conversation now, and knows it up to `head`."""

    def ended(self, conversation_id: str) -> None:
        """Nobody here does any more."""

    def published(self, event: LogEvent) -> bool:
        """This server stored it; whether its own clients are to be shown it now."""

    def told(self, tell: Tell) -> None:
        """An event that is not stored was sent to those here."""

    def told_user(self, tell: TellUser) -> None:
        """The same, to the connections of one user."""

    def entered(self, user_id: str) -> None:
        """A user came into a conversation."""

    def revoked(self) -> None:
        """Sessions have ended."""


class Closer(Protocol):
    """The Socket.IO side: closes a connection after what is queued was sent."""

    async def end(self, eio_sid: str) -> None:
        """Close it."""


class Fanout:
    """All live connections of this process."""

    def __init__(self, closer: Closer, metrics: Metrics, send_buffer: int) -> None:
        """`send_buffer`: bytes of events that may wait for one connection."""
        self._closer = closer
        self._metrics = metrics
        self._send_buffer = send_buffer
        self._rooms: dict[str, set[Connection]] = defaultdict(set)
        self._users: dict[str, set[Connection]] = defaultdict(set)
        self._generations: dict[str, int] = defaultdict(int)
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections: dict[str, Connection] = {}
        self.streams: Streams | None = None
        self.elsewhere: Elsewhere | None = None
        self.gone: list[Callable[[Connection], None]] = []

    def admit(self, connection: Connection) -> None:
        """A connection has signed in; it receives only what is addressed to its user."""
        self.connections[connection.sid] = connection
        self._users[connection.actor.user_id].add(connection)

    def drop(self, connection: Connection) -> None:
        """A connection is gone."""
        if self.connections.pop(connection.sid, None) is None:
            return
        for conversation_id in connection.rooms:
            self._leave(connection, conversation_id)
        connection.rooms.clear()
        user_id = connection.actor.user_id
        self._users[user_id].discard(connection)
        if not self._users[user_id]:
            del self._users[user_id]
        for listener in self.gone:
            listener(connection)

    def of_user(self, user_id: str) -> set[Connection]:
        """A user's live connections."""
        return self._users.get(user_id, set())

    def generation(self, user_id: str) -> int:
        """Changes whenever the user comes into or goes out of a conversation."""
        return self._generations.get(user_id, 0)

    def subscribe(self, connection: Connection, heads: Mapping[str, int]) -> None:
        """From here on the connection receives these; the caller has authorized it.

        heads: of each conversation a seq up to which the client will be told in an answer.
        """
        if connection.sid not in self.connections:
            return
        connection.synced = connection.subscribed = True
        for conversation_id, head in heads.items():
            connection.rooms.add(conversation_id)
            self._rooms[conversation_id].add(connection)
            if self.elsewhere:
                self.elsewhere.began(conversation_id, head)

    def receivers(self, conversation_id: str) -> Collection[Connection]:
        """The connections that receive a conversation."""
        return self._rooms.get(conversation_id, ())

    def synced(self) -> dict[str, set[str]]:
        """Of each user who has subscribed, the conversations that all their connections receive."""
        found: dict[str, set[str]] = {}
        for connection in self.connections.values():
            if connection.subscribed:
                user_id = connection.actor.user_id
                known = found.get(user_id)
                found[user_id] = connection.rooms & (connection.rooms if known is None else known)
        return found

    def settle(self, outcome: Outcome) -> None:
        """Carry out what follows from a committed unit."""
        self.deliver(outcome.deliveries)

    def deliver(self, deliveries: Iterable[Delivery]) -> None:
        """Carry out deliveries, in order, at once."""
        for delivery in deliveries:
            match delivery:
                case Publish(event):
                    if self.elsewhere is None or self.elsewhere.published(event):
                        self.show(event)
                case Tell(conversation_id, name, payload, but):
                    self.to_room(conversation_id, name, payload, but=but)
                case TellUser(user_id, name, payload):
                    self.to_user(user_id, name, payload)
                case Enter(user_id, conversation_id):
                    self.enter(user_id, conversation_id)
                case Exit(user_id, conversation_id):
                    self.leave(user_id, conversation_id)
                case EndSessions(user_id, session_id, keep):
                    self.end_sessions(user_id, session_id, keep=keep)
                case StreamBegins() | StreamEnds():
                    self._follow(delivery)
            if self.elsewhere:
                self._pass_on(self.elsewhere, delivery)

    def _follow(self, delivery: StreamBegins | StreamEnds) -> None:
        if self.streams and isinstance(delivery, StreamBegins):
            self.streams.begin(delivery)
        elif self.streams and isinstance(delivery, StreamEnds):
            self.streams.end(delivery.server_msg_id)

    def _pass_on(self, elsewhere: Elsewhere, delivery: Delivery) -> None:
        """What the other servers cannot read in the log."""
        match delivery:
            case Tell():
                elsewhere.told(delivery)
            case TellUser():
                elsewhere.told_user(delivery)
            case Enter(user_id, _):
                elsewhere.entered(user_id)
            case EndSessions():
                elsewhere.revoked()

    def show(self, event: LogEvent) -> None:
        """A durable event to whoever receives its conversation, and what it ends."""
        self.to_room(event.conversation_id, _tag(event), event)
        if self.streams and _archives(event):
            self.streams.close(event.conversation_id)

    def to_room(
        self, conversation_id: str, name: str, payload: msgspec.Struct, *, but: str = ""
    ) -> None:
        """An event to whoever receives that conversation."""
        receivers = self._rooms.get(conversation_id)
        if receivers:
            self._send(
                (r for r in tuple(receivers) if r.actor.user_id != but),
                name,
                payload,
                conversation_id,
            )

    def to_user(self, user_id: str, name: str, payload: msgspec.Struct) -> None:
        """An event to all connections of one user."""
        receivers = self._users.get(user_id)
        if receivers:
            self._send(tuple(receivers), name, payload)

    def to(self, connection: Connection, name: str, payload: msgspec.Struct) -> None:
        """An event to one connection."""
        self._send((connection,), name, payload)

    def answer(self, connection: Connection, ack_id: int, answer: bytes) -> None:
        """An ack; `answer` is its JSON."""
        text = f"{_ACK}{ack_id}[{answer.decode()}]"
        connection.out.put_nowait(Reply(text))

    def end_sessions(self, user_id: str, session_id: str | None, *, keep: str = "") -> None:
        """Close a session's connections, or all of a user's but those of `keep`."""
        for connection in tuple(self.of_user(user_id)):
            own = connection.actor.session_id
            if own == session_id or (session_id is None and own != keep):
                self.goodbye(connection, GoodbyeCode.SESSION_REVOKED)

    def goodbye(
        self, connection: Connection, code: GoodbyeCode, retry_after_ms: int | None = None
    ) -> None:
        """Say why, and close; what waits is dropped when the reader was too slow."""
        if connection.closing:
            return
        connection.closing = True
        self._metrics.count("closed_total", code.value)
        if code in (GoodbyeCode.SLOW, GoodbyeCode.FLOOD, GoodbyeCode.SESSION_REVOKED):
            connection.out.drop(None)
        event = GoodbyeEvent(code=code.value, retry_after_ms=retry_after_ms)
        connection.out.put_nowait(_frame("goodbye", event))
        task = asyncio.ensure_future(self._close(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self, connection: Connection) -> None:
        self.drop(connection)
        await self._closer.end(connection.eio_sid)

    async def finish(self) -> None:
        """Wait for the closings under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_SECONDS)

    def enter(self, user_id: str, conversation_id: str) -> None:
        """A user has become a member; their connections receive the conversation."""
        self._generations[user_id] += 1
        for connection in tuple(self.of_user(user_id)):
            if connection.synced:
                connection.rooms.add(conversation_id)
                self._rooms[conversation_id].add(connection)
        self.to_user(user_id, "resync", ResyncEvent(conversation_ids=[conversation_id]))

    def leave(self, user_id: str, conversation_id: str) -> None:
        """A user is no member any more; nothing of the conversation reaches them."""
        self._generations[user_id] += 1
        for connection in tuple(self.of_user(user_id)):
            connection.rooms.discard(conversation_id)
            connection.out.drop(conversation_id)
            self._leave(connection, conversation_id)
        if self.streams:
            self.streams.close(conversation_id, user_id)

    def _leave(self, connection: Connection, conversation_id: str) -> None:
        members = self._rooms.get(conversation_id)
        if members is not None:
            members.discard(connection)
            if not members:
                del self._rooms[conversation_id]
                if self.elsewhere:
                    self.elsewhere.ended(conversation_id)

    def _send(
        self,
        receivers: Iterable[Connection],
        name: str,
        payload: msgspec.Struct,
        conversation_id: str = "",
    ) -> None:
        frame = _frame(name, payload, conversation_id)
        sent = 0
        for connection in receivers:
            if connection.closing:
                continue
            connection.out.put_nowait(frame)
            sent += 1
            if connection.out.held > self._send_buffer:
                self.goodbye(connection, GoodbyeCode.SLOW)
        self._metrics.count("sent_total", name, sent)


def _tag(event: msgspec.Struct) -> str:
    tag: Any = type(event).__struct_config__.tag
    return str(tag)


def _archives(event: msgspec.Struct) -> bool:
    return isinstance(event, ConversationEvent) and bool(event.conversation.archived)


def _frame(name: str, payload: msgspec.Struct, conversation_id: str = "") -> Frame:
    text = msgspec.json.encode(payload).decode()
    return Frame(f'{_EVENT}["{name}",{text}]', conversation_id)
