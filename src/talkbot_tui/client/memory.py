"""Store and transport in memory: for tests, demos, and commands that keep nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from talkbot_tui.client.store import StoreEffect, StoreEvent
from talkbot_tui.client.transport import (
    AccessToken,
    Frame,
    LinkLost,
    Payload,
    TokenSource,
    TransportError,
    Unanswered,
)
from talkbot_tui.core import effects as f
from talkbot_tui.core import search
from talkbot_tui.core.arrivals import Loaded, PageLoaded, Saved, SaveFailed, StoredRoom
from talkbot_tui.core.model import (
    LogEvent,
    Message,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionsChanged,
    RoomSummary,
    User,
)
from talkbot_tui.core.mutations import apply, merge


@dataclass(slots=True)
class _Cached:
    cursor: int
    ranges: tuple[tuple[int, int], ...]
    events: dict[int, LogEvent]


class MemoryStore:
    """Keeps everything until the process ends; the same object may be opened again.

    Attributes:
        full: while True, nothing can be saved, as on a full disk.
    """

    def __init__(self, me: User | None = None, epoch: str = "") -> None:
        """Nothing is held yet; `me` and `epoch` where they are known beforehand."""
        self.full = False
        self.outbox: dict[str, Message] = {}
        self.drafts: dict[str, str] = {}
        self._epoch = epoch
        self._me = me or User("", "")
        self._summaries: dict[str, RoomSummary] = {}
        self._cached: dict[str, _Cached] = {}

    async def open(self) -> Loaded:
        """Give what was saved before."""
        rooms = []
        for room, summary in self._summaries.items():
            held = self._cached.get(room, _Cached(0, (), {}))
            summary = replace(summary, draft=self.drafts.get(room, ""))
            rooms.append(StoredRoom(summary, held.cursor, held.ranges))
        return Loaded(self._epoch, self._me, tuple(rooms), tuple(self.outbox.values()))

    async def apply(self, effects: Sequence[StoreEffect]) -> list[StoreEvent]:
        """Perform effects in order."""
        answers: list[StoreEvent] = []
        for effect in effects:
            match effect:
                case f.SaveLocal(message=message) if self.full:
                    answers.append(SaveFailed(message.client_msg_id, "disk_full"))
                case f.SaveLocal(message=message):
                    self.outbox[message.client_msg_id] = message
                    self.drafts.pop(message.conversation_id, None)
                    answers.append(Saved(message.client_msg_id))
                case f.LoadPage():
                    answers.append(self._page(effect))
                case _:
                    self._keep(effect)
        return answers

    async def search(self, ask: search.Ask) -> search.Found:
        """Look through everything."""
        held = (event for room in self._cached.values() for event in room.events.values())
        return search.page((e.message for e in held if isinstance(e, MessagePosted)), ask)

    async def seq_at(self, conversation_id: str, ts: int) -> int:
        """Look through the conversation."""
        held = self._cached.get(conversation_id)
        found = [event.seq for event in held.events.values() if event.ts >= ts] if held else []
        return min(found, default=0)

    @property
    def owing(self) -> bool:
        """Nothing is ever owed."""
        return False

    async def close(self) -> None:
        """Nothing to release."""

    def notices(self) -> tuple[tuple[str, str], ...]:
        """Nothing ever goes wrong here."""
        return ()

    def _keep(self, effect: StoreEffect) -> None:
        match effect:
            case f.UpdateLocal(message=message):
                self.outbox[message.client_msg_id] = message
            case f.DropLocal(client_msg_id=client_msg_id):
                self.outbox.pop(client_msg_id, None)
            case f.SaveRoom(summary=summary):
                self._summaries[summary.conversation.conversation_id] = summary
            case f.ForgetRoom(conversation_id=room):
                self._summaries.pop(room, None)
                self._cached.pop(room, None)
            case f.ForgetAll(epoch=epoch, me=me):
                self._summaries.clear()
                self._cached.clear()
                self._epoch, self._me = epoch, me
            case f.SaveIdentity(epoch=epoch, me=me):
                self._epoch, self._me = epoch, me
            case f.SaveDraft(conversation_id=room, text=text):
                self.drafts[room] = text
            case f.SaveEvents():
                self._save_events(effect)

    def _save_events(self, effect: f.SaveEvents) -> None:
        held = self._cached.setdefault(effect.conversation_id, _Cached(0, (), {}))
        held.cursor, held.ranges = effect.cursor, effect.ranges
        for event in effect.events:
            if isinstance(event, (MessageEdited, MessageDeleted, ReactionsChanged)):
                for seq, other in held.events.items():
                    if (
                        isinstance(other, MessagePosted)
                        and other.message.server_msg_id == event.server_msg_id
                    ):
                        held.events[seq] = replace(other, message=apply(other.message, event))
            else:
                old = held.events.get(event.seq)
                if isinstance(event, MessagePosted) and isinstance(old, MessagePosted):
                    event = replace(event, message=merge(old.message, event.message))
                held.events[event.seq] = event

    def _page(self, effect: f.LoadPage) -> PageLoaded:
        held = self._cached.get(effect.conversation_id)
        seqs = sorted(held.events) if held else []
        if effect.after:
            seqs = [seq for seq in seqs if seq > effect.after][: effect.limit]
        else:
            seqs = [s for s in seqs if not effect.before or s < effect.before][-effect.limit :]
        events = tuple(held.events[seq] for seq in seqs) if held else ()
        return PageLoaded(effect.conversation_id, events, effect.before, effect.after)


class FixedToken:
    """A token that never changes; refused once when the server refuses it."""

    def __init__(self, value: str, expires_at: int = 0) -> None:
        """`expires_at` in ms, 0 for never."""
        self._token = AccessToken(value, expires_at)

    async def token(self, *, renew: bool = False) -> AccessToken:
        """The token."""
        return self._token


Answer = Callable[[dict[str, Any]], object | Awaitable[object]]
"""From a request's payload to its ack; may wait, may raise a `TransportError`."""


class FakeTransport:
    """A connection whose other end is a table of answers.

    Requests are answered by `answers[event]`; one without an entry is never
    answered. What the network may do to frames is done by the test: it pushes
    what it wants in the order it wants.

    Attributes:
        sent: every event that was sent, with its payload.
        held: while True, requests wait before they are answered.
    """

    def __init__(self, answers: dict[str, Answer], name: str = "websocket") -> None:
        """`answers` is read at each request, so it may change."""
        self.answers = answers
        self.name = name
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.released = asyncio.Event()
        self.released.set()
        self.closed = False
        self._frames: deque[Frame] = deque()
        self._arrival = asyncio.Event()
        self._waiting: set[asyncio.Future[object]] = set()
        self._lost: asyncio.Future[LinkLost] = asyncio.get_running_loop().create_future()

    def push(self, event: str, *arguments: object) -> None:
        """A frame arrives."""
        self._frames.append((event, arguments))
        self._arrival.set()

    def count(self, event: str) -> int:
        """How often `event` was sent."""
        return sum(name == event for name, _ in self.sent)

    def payloads(self, event: str) -> list[dict[str, Any]]:
        """What was sent as `event`."""
        return [payload for name, payload in self.sent if name == event]

    async def emit(self, event: str, payload: Payload) -> None:
        """Note it; raises `LinkLost` after the end."""
        if self._lost.done():
            raise self._lost.result()
        assert isinstance(payload, dict)
        self.sent.append((event, payload))

    async def request(self, event: str, payload: Payload, patience: float) -> object:
        """Answer by the table; raises `LinkLost` and `Unanswered`."""
        await self.emit(event, payload)
        waiting: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        answering = asyncio.ensure_future(self._answer(event, payload))
        answering.add_done_callback(partial(_hand_over, waiting))
        try:
            async with asyncio.timeout(patience):
                return await waiting
        except TimeoutError:
            raise Unanswered(event) from None
        finally:
            self._waiting.discard(waiting)
            answering.cancel()

    async def receive(self) -> Sequence[Frame]:
        """Take what was pushed; raises `LinkLost` after the end."""
        while not self._frames:
            if self._lost.done():
                raise self._lost.result()
            await self._arrival.wait()
            self._arrival.clear()
        frames = list(self._frames)
        self._frames.clear()
        return frames

    def abort(self, code: str) -> None:
        """The connection is lost."""
        if not self._lost.done():
            self._lost.set_result(LinkLost(code))
        # As in the real one, those who wait for an answer hear of it before the receiver does.
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(LinkLost(code))
        self._arrival.set()

    async def close(self) -> None:
        """End it."""
        self.closed = True
        self.abort("stopped")

    async def _answer(self, event: str, payload: Payload) -> object:
        assert isinstance(payload, dict)
        await self.released.wait()
        answer = self.answers.get(event)
        if answer is None:
            await asyncio.Event().wait()
        assert answer is not None
        value = answer(payload)
        return await value if isinstance(value, Awaitable) else value


def _hand_over(waiting: asyncio.Future[object], answering: asyncio.Future[object]) -> None:
    if waiting.done() or answering.cancelled():
        return
    error = answering.exception()
    if error is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(answering.result())


class FakeConnector:
    """Gives `FakeTransport`s, or the refusals that were scheduled before.

    Attributes:
        transports: every connection made, the present one last.
        failures: raised by the next attempts, one each.
        reachable: while False, every attempt fails with `refused`.
    """

    def __init__(self, answers: dict[str, Answer], tokens: TokenSource | None = None) -> None:
        """`answers` are those of every connection."""
        self.answers = answers
        self.transports: list[FakeTransport] = []
        self.failures: deque[TransportError] = deque()
        self.attempts = 0
        self._tokens = tokens or FixedToken("token")

    @property
    def tokens(self) -> TokenSource:
        """Where tokens come from."""
        return self._tokens

    @property
    def now(self) -> FakeTransport:
        """The connection that was made last."""
        return self.transports[-1]

    async def connect(self) -> FakeTransport:
        """A new connection, unless a failure was scheduled."""
        self.attempts += 1
        await self._tokens.token()
        if self.failures:
            raise self.failures.popleft()
        self.transports.append(FakeTransport(self.answers))
        return self.transports[-1]
