"""Performing effects, in order: what must be on disk first is on disk first."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, get_args

from talkbot_tui.client.dialects import Answer, Dialect, Failure, Request
from talkbot_tui.client.store import Store, StoreEffect
from talkbot_tui.client.transport import LinkLost, Transport, TransportError, Unanswered
from talkbot_tui.core.arrivals import Latency, MessageRefused
from talkbot_tui.core.effects import Effect, SaveDraft, SaveLocal, SendMessage, UpdateLocal
from talkbot_tui.core.events import Event
from talkbot_tui.wire.codec import AckRefused

log = logging.getLogger(__name__)

DRAFT_S = 0.4
OWED_S = 1.0
OWED_MOST_S = 30.0
"""What a store owes is tried again after one second, then at longer and longer intervals."""
UNWRITTEN = "disk_full"
"""The code of a refusal of our own; the core tries again for as long as it takes."""
_STORED = get_args(StoreEffect)


class Performer:
    """Takes effects from the session, and gives what comes of them back as events."""

    def __init__(
        self,
        *,
        store: Store,
        dialect: Dialect,
        transport: Callable[[], Transport | None],
        feed: Callable[[Event], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """`transport` gives the present connection; `clock` in ms."""
        self._store = store
        self._dialect = dialect
        self._transport = transport
        self._feed = feed
        self._spawn = spawn
        self._clock = clock
        self._sleep = sleep
        self._pending: list[Effect] = []
        self._drafts: dict[str, SaveDraft] = {}
        self._draft_timer = False
        self._owing = False
        # Messages of which the disk does not say yet that the server may have them.
        self._unmarked: set[str] = set()
        self._wake = asyncio.Event()
        self._stopping = False

    def push(self, effects: Iterable[Effect]) -> None:
        """Perform these after those pushed before."""
        for effect in effects:
            if isinstance(effect, SaveDraft):
                self._drafts[effect.conversation_id] = effect
                self._draft_later()
                continue
            if isinstance(effect, SaveLocal):
                # Saving a message clears the draft that it was written as.
                self._drafts.pop(effect.message.conversation_id, None)
            self._pending.append(effect)
            self._wake.set()

    async def run(self) -> None:
        """Perform what is pushed until `stop`."""
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._turn()
            except Exception:
                # A store or dialect with a defect must not end all sending.
                log.exception("effects could not be performed")

    def stop(self) -> None:
        """Let `run` end after its present turn."""
        self._stopping = True
        self._wake.set()

    async def flush(self) -> None:
        """Write down everything that is pending, drafts too; nothing is sent any more."""
        stored = self._stored(self._take())
        if stored:
            await self._store_all(stored)

    # --- inside -----------------------------------------------------------------------

    async def _turn(self) -> None:
        effects = self._take(drafts=False)
        stored = self._stored(effects)
        if stored:
            await self._store_all(stored)
        for effect in effects:
            if isinstance(effect, SendMessage) and effect.message.client_msg_id in self._unmarked:
                self._hold_back(effect)
            elif not isinstance(effect, _STORED):
                self._send(effect)

    async def _store_all(self, effects: list[StoreEffect]) -> None:
        for event in await self._store.apply(effects):
            self._feed(event)
        if self._store.owing:
            self._unmarked |= _marks(effects)
        else:
            self._unmarked.clear()
        if self._store.owing and not self._owing and not self._stopping:
            self._owing = True
            self._spawn(self._pay())

    async def _pay(self) -> None:
        """What the disk refused is written once it can be, also when nothing else happens."""
        wait = OWED_S
        while self._store.owing:
            await self._sleep(wait)
            wait = min(wait * 2, OWED_MOST_S)
            await self._store_all([])
        self._owing = False

    def _take(self, *, drafts: bool = True) -> list[Effect]:
        effects, self._pending = self._pending, []
        if drafts or not self._draft_timer:
            effects.extend(self._drafts.values())
            self._drafts.clear()
        return effects

    @staticmethod
    def _stored(effects: Iterable[Effect]) -> list[StoreEffect]:
        return [effect for effect in effects if isinstance(effect, _STORED)]

    def _draft_later(self) -> None:
        """Every key changes a draft; it is written at most every 400 ms."""
        if not self._draft_timer and not self._stopping:
            self._draft_timer = True
            self._spawn(self._draft_due())

    async def _draft_due(self) -> None:
        await self._sleep(DRAFT_S)
        self._draft_timer = False
        self._wake.set()

    def _hold_back(self, effect: SendMessage) -> None:
        """Not sent: after a crash it would be given up as unsent, although it has arrived."""
        log.warning("a message waits, since nothing can be written")
        self._feed(
            MessageRefused(
                effect.message.client_msg_id, UNWRITTEN, "Nothing can be saved here.", True
            )
        )

    def _send(self, effect: Effect) -> None:
        request = self._dialect.request(effect)
        if request is None:
            return
        if isinstance(request, Answer):
            for event in request.events:
                self._feed(event)
            return
        transport = self._transport()
        if transport is None:
            self._tell(request.failed(Failure("unsent")))
        else:
            # Tasks begin in the order in which they are made, and each hands its
            # frame over before it waits for anything: frames keep this order.
            self._spawn(self._exchange(transport, request))

    async def _exchange(self, transport: Transport, request: Request) -> None:
        """Send, wait for the ack, and tell the session what came of it."""
        try:
            if request.answered is None:
                await transport.emit(request.name, request.payload)
                await self._emitted(request)
                return
            started = time.monotonic()
            answer = await transport.request(request.name, request.payload, request.timeout)
            took = int((time.monotonic() - started) * 1000)
            event = request.answered(answer)
            self._feed(Latency(took))
        except AckRefused as refused:
            event = request.failed(Failure.of(refused.body, self._clock()))
        except Unanswered:
            event = request.failed(Failure("unanswered"))
        except (LinkLost, TransportError):
            event = request.failed(Failure("link_lost"))
        except Exception as error:
            log.warning("the answer to %s does not fit the contract: %s", request.name, error)
            event = request.failed(Failure("malformed"))
        self._tell(event)

    async def _emitted(self, request: Request) -> None:
        """Sent, and no answer will come."""
        if request.emitted is not None:
            if request.settle_s:
                await self._sleep(request.settle_s)
            self._tell(request.emitted())

    def _tell(self, event: Event | None) -> None:
        if event is not None:
            self._feed(event)


def _marks(effects: Iterable[StoreEffect]) -> set[str]:
    """The messages that these say may have reached the server."""
    return {
        effect.message.client_msg_id
        for effect in effects
        if isinstance(effect, UpdateLocal) and effect.message.attempted
    }
