"""The engine: joins session, store and connection; the only place that creates tasks.

Events wait in one queue and are handled one after the other; the effects of a
turn go to the performer, which writes to the store before it sends. The
session's changes are given to the subscribers once a turn of the loop.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from talkbot_tui.client.dialects import Dialect
from talkbot_tui.client.dialects.talkbot import TalkbotDialect
from talkbot_tui.client.engine_effects import Performer
from talkbot_tui.client.engine_follow import (
    Delivered,
    Deliveries,
    ForgetListener,
    LogFollowers,
    LogListener,
    added,
)
from talkbot_tui.client.engine_link import SLICE_S, FrameListener, StopListener, Supervisor
from talkbot_tui.client.ids import now_ms, uuid7
from talkbot_tui.client.lookups import Lookups
from talkbot_tui.client.store import Store
from talkbot_tui.client.transport import Connector, LinkLost, Transport
from talkbot_tui.core.changes import Change, Noticed
from talkbot_tui.core.effects import Effect, Reconnect, WakeAt
from talkbot_tui.core.events import (
    Compose,
    DeleteMessage,
    EditMessage,
    Event,
    React,
    Tick,
    UserEvent,
)
from talkbot_tui.core.model import Outcome
from talkbot_tui.core.search import Ask, Found
from talkbot_tui.core.session import Session

log = logging.getLogger(__name__)

Listener = Callable[[tuple[Change, ...]], None]

OVERSLEPT_MS = 10_000
"""A wake-up so late means that the machine slept: the connection is in doubt."""


class Engine:
    """One user's client, without a screen.

    Attributes:
        session: the conversations as they are known now; read only.
        lookups: questions whose answers are not kept.
        faults: events whose handling failed; always 0, unless the program has a defect.
    """

    def __init__(
        self,
        *,
        store: Store,
        connector: Connector,
        dialect: Dialect | None = None,
        clock: Callable[[], int] = now_ms,
        new_id: Callable[[], str] = uuid7,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
        asks: bool = False,
        lasting: bool = True,
    ) -> None:
        """`clock` in ms, `sleep` in seconds, `draw` in [0, 1); give them together in tests.

        asks, lasting: as of `Session`.
        """
        dialect = dialect or TalkbotDialect()
        self.session = Session(asks=asks, once=dialect.once, lasting=lasting)
        self.faults = 0
        self.lookups = dialect.lookups(
            Lookups(self.request, new_id), lambda: self._link.transport, self._feed
        )
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._new_id = new_id
        self._queue: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._wake_at = 0
        self._wake_moved = asyncio.Event()
        self._listeners: list[Listener] = []
        self._notices: list[Change] = []
        self._busy = False
        self._deliveries = Deliveries()
        self._followers = LogFollowers()
        self._group: asyncio.TaskGroup | None = None
        self._main: asyncio.Task[None] | None = None
        self._performing: asyncio.Task[None] | None = None
        self._stopped = False
        self._dialect = dialect
        self._link = Supervisor(
            connector=connector,
            dialect=dialect,
            feed=self._feed,
            clock=clock,
            sleep=sleep,
            draw=draw,
        )
        self._performer = Performer(
            store=store,
            dialect=dialect,
            transport=lambda: self._link.transport,
            feed=self._feed,
            spawn=self._spawn,
            clock=clock,
            sleep=sleep,
        )

    # --- life ---------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the store and show what it holds, then connect in the background.

        Raises `StoreError` when the store cannot be used.
        """
        loaded = await self._store.open()
        self._notices = [Noticed(code, path) for code, path in self._store.notices()]
        if isinstance(self._dialect, TalkbotDialect):
            self._dialect.known_as(loaded.me.user_id)
        self._followers.loaded(loaded)
        self._handle(loaded)
        ready = asyncio.get_running_loop().create_future()
        self._main = asyncio.create_task(self._live(ready), name="talkbot engine")
        await ready
        self._wake.set()

    async def stop(self) -> None:
        """Save what was dispatched, say goodbye, release everything; may be called twice."""
        if self._stopped:
            return
        self._stopped = True
        if self._main is not None:
            self._performer.stop()
            if self._performing is not None:
                await asyncio.wait({self._performing})
            self._main.cancel()
            with suppress(asyncio.CancelledError):
                await self._main
            await self._link.close()
            self._drain()
            await self._performer.flush()
            self._drain()
            await self._performer.flush()
        await self._store.close()

    async def wait_closed(self) -> None:
        """Wait until the engine has ended; raises what ended it, if it was a defect."""
        if self._main is not None:
            await asyncio.wait({self._main})
            if not self._main.cancelled():
                self._main.result()

    # --- what users do ---------------------------------------------------------------------

    def dispatch(self, event: UserEvent) -> None:
        """Take in what the user did, at once where nothing waits before it.

        Then the session has it on return, and the subscribers were told; otherwise
        that comes in its turn.
        """
        if self._main is None or self._stopped or self._queue or self._busy:
            self._feed(event)
            return
        self._handle(event)
        self._publish()

    def send(
        self,
        conversation_id: str,
        text: str,
        *,
        reply_to: str = "",
        format: str = "",
        streaming: bool = False,
    ) -> str:
        """Compose a message; its clientMsgId, which names it for ever."""
        client_msg_id = self._new_id()
        self._feed(
            Compose(
                conversation_id, text, client_msg_id, self._clock(), reply_to, format, streaming
            )
        )
        return client_msg_id

    def delivered(self, client_msg_id: str) -> asyncio.Future[Delivered]:
        """Done when the server has that message, whenever that is; fails with `NotDelivered`.

        Ask soon after `send`: only the latest deliveries are remembered.
        """
        return self._deliveries.wait(client_msg_id)

    def edit(
        self,
        conversation_id: str,
        server_msg_id: str,
        text: str,
        *,
        streaming: bool = False,
        outcome: Outcome | None = None,
    ) -> None:
        """Change a message of ours; a refusal comes as `Noticed`."""
        op = self._new_id()
        self._feed(EditMessage(conversation_id, server_msg_id, text, op, streaming, outcome))

    def delete(self, conversation_id: str, server_msg_id: str) -> None:
        """Delete a message for everybody."""
        self._feed(DeleteMessage(conversation_id, server_msg_id, self._new_id()))

    def react(self, conversation_id: str, server_msg_id: str, emoji: str, on: bool) -> None:
        """Put an emoji under a message, or take it away."""
        self._feed(React(conversation_id, server_msg_id, emoji, on, self._new_id()))

    def stream(self, conversation_id: str, server_msg_id: str, offset: int, delta: str) -> None:
        """The next piece of a streaming message of ours (bots only); lost while offline."""
        transport = self._link.transport
        if transport is not None and self._dialect.native:
            payload = {
                "conversationId": conversation_id,
                "serverMsgId": server_msg_id,
                "offset": offset,
                "delta": delta,
            }
            self._spawn(self._emit(transport, "stream", payload))

    async def request(self, event: str, payload: dict[str, Any], patience: float = 10.0) -> object:
        """Ask the server something outside the session; its ack as it came.

        Raises `LinkLost` while offline, `Unanswered` when no ack comes in `patience` seconds,
        `NotOffered` where the server is none of ours.
        """
        return await self._link.ask(event, payload, patience)

    async def search(self, ask: Ask) -> Found:
        """Look through what is cached here; the server is asked by `lookups.search`."""
        return await self._store.search(ask)

    async def seq_at(self, conversation_id: str, ts: int) -> int:
        """The seq of the first cached event at or after `ts` (ms), 0 when there is none."""
        return await self._store.seq_at(conversation_id, ts)

    # --- who listens -----------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Give `listener` the changes of each turn of the loop; call the result to end it."""
        if self._notices:
            self._wake.set()
        return added(self._listeners, listener)

    def add_log_listener(self, listener: LogListener) -> Callable[[], None]:
        """Give `listener` each new event of the log once, live or caught up; for bots."""
        return added(self._followers.listeners, listener)

    def add_forget_listener(self, listener: ForgetListener) -> Callable[[], None]:
        """Tell `listener` which conversation's log holds no more ("" for all): seqs begin anew."""
        return added(self._followers.forget_listeners, listener)

    def add_stop_listener(self, listener: StopListener) -> Callable[[], None]:
        """Tell `listener` (conversation, message, user) who wants a stream of ours to end."""
        return added(self._link.stop_listeners, listener)

    def add_frame_listener(self, listener: FrameListener) -> Callable[[], None]:
        """Give `listener` every frame as it comes, before anything is checked."""
        return added(self._link.frame_listeners, listener)

    @property
    def counters(self) -> dict[str, int]:
        """How many frames were unknown or malformed, and how many of our events were limited."""
        return dict(self._link.counters)

    # --- the loop --------------------------------------------------------------------------

    async def _live(self, ready: asyncio.Future[None]) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._run(), name="talkbot events")
            self._performing = group.create_task(self._performer.run(), name="talkbot effects")
            group.create_task(self._timer(), name="talkbot timer")
            group.create_task(self._link.run(), name="talkbot link")
            ready.set_result(None)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            until = time.monotonic() + SLICE_S
            while self._queue:
                self._handle(self._queue.popleft())
                if time.monotonic() > until:
                    self._publish()
                    await asyncio.sleep(0)
                    until = time.monotonic() + SLICE_S
            self._publish()

    def _feed(self, event: Event) -> None:
        self._queue.append(event)
        self._wake.set()

    def _drain(self) -> None:
        while self._queue:
            self._handle(self._queue.popleft())
        self._publish()

    def _handle(self, event: Event) -> None:
        busy, self._busy = self._busy, True
        try:
            self._deliveries.before(event)
            effects = self.session.handle(event, self._clock())
            self._deliveries.after(effects)
            self._followers.after(effects)
            self._performer.push(effect for effect in effects if not self._shell(effect))
        except Exception:
            # One event that goes wrong must not end the conversation.
            self.faults += 1
            log.exception("the session failed on %s", type(event).__name__)
        finally:
            self._busy = busy

    def _shell(self, effect: Effect) -> bool:
        """Perform at once what concerns only the engine itself; True when it did."""
        match effect:
            case WakeAt(at=at):
                self._wake_at = at
                self._wake_moved.set()
            case Reconnect(reason=reason):
                self._link.reconnect(reason)
            case _:
                return False
        return True

    async def _timer(self) -> None:
        while True:
            self._wake_moved.clear()
            if not self._wake_at:
                await self._wake_moved.wait()
                continue
            delay = max(0, self._wake_at - self._clock()) / 1000
            sleeping = asyncio.ensure_future(self._sleep(delay))
            moved = asyncio.ensure_future(self._wake_moved.wait())
            try:
                await asyncio.wait({sleeping, moved}, return_when=asyncio.FIRST_COMPLETED)
                slept = sleeping.done()
            finally:
                sleeping.cancel()
                moved.cancel()
            late = self._clock() - self._wake_at
            # Whoever set the clock back meanwhile must not stop us: the session sees to it.
            if self._wake_at and (slept or late >= 0):
                if late > OVERSLEPT_MS:
                    self._link.reconnect("overslept")
                self._wake_at = 0
                self._feed(Tick())

    def _publish(self) -> None:
        changes = self.session.take_changes()
        if self._notices and self._listeners:
            changes = (*changes, *self._notices)
            self._notices = []
        if not changes:
            return
        busy, self._busy = self._busy, True
        for listener in list(self._listeners):
            try:
                listener(changes)
            except Exception:
                log.exception("a subscriber failed")
        self._busy = busy

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            if self._group is not None and not self._stopped:
                self._group.create_task(work)
                return
        except RuntimeError:
            log.debug("nothing is begun any more: the engine is ending")
        work.close()

    @staticmethod
    async def _emit(transport: Transport, event: str, payload: dict[str, Any]) -> None:
        with suppress(LinkLost):
            await transport.emit(event, payload)
