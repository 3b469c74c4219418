"""Keeping a connection: attempts, backoff, fresh tokens, and the frames that come in."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from talkbot_tui.client.dialects import (
    Dialect,
    Goodbye,
    Incoming,
    Limited,
    Misfit,
    Several,
    StopAsked,
)
from talkbot_tui.client.retry import FINAL, HEALTHY_S, backoff, is_transient, named_wait
from talkbot_tui.client.transport import (
    REASONS,
    Connector,
    Frame,
    LinkLost,
    NotOffered,
    Payload,
    Refused,
    Transport,
    TransportError,
    Unreachable,
)
from talkbot_tui.core.arrivals import (
    LinkConnecting,
    LinkDown,
    LinkRefused,
    LinkUp,
    LogArrived,
)
from talkbot_tui.core.events import Event
from talkbot_tui.core.model import LogEvent
from talkbot_tui.wire.codec import AckRefused, WireError

log = logging.getLogger(__name__)

SLICE_S = 0.005
RENEW_BEFORE_S = 60.0
RENEW_RETRY_S = 10.0
RENEW_MIN_S = 1.0
UNKNOWN_END_S = 1.0
CLOSING_S = 2.5
"""The longest wait for connections to be released; a transport takes two seconds at most."""

FrameListener = Callable[[str, object], None]
StopListener = Callable[[str, str, str], None]


class Supervisor:
    """Owns the connection: there is at most one, and another follows when it ends.

    Attributes:
        transport: the present connection, None while there is none.
        counters: frames that were unknown or malformed, and sends that were limited.
        frame_listeners: told of every frame as it came, before it is decoded.
        stop_listeners: told when somebody wants a streaming answer of ours to end.
    """

    def __init__(
        self,
        *,
        connector: Connector,
        dialect: Dialect,
        feed: Callable[[Event], None],
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`clock` in ms; `draw` gives the jitter, in [0, 1)."""
        self.transport: Transport | None = None
        self.counters: Counter[str] = Counter()
        self.frame_listeners: list[FrameListener] = []
        self.stop_listeners: list[StopListener] = []
        self._connector = connector
        self._dialect = dialect
        self._feed = feed
        self._clock = clock
        self._sleep = sleep
        self._draw = draw
        self._nudge = asyncio.Event()
        self._goodbye: Goodbye | None = None
        self._at_once = False
        # No task group has these: whoever ends the engine ends its group, not a goodbye.
        self._closing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Connect, stay connected, connect again; ends only when it is cancelled."""
        failures = attempt = 0
        while True:
            attempt += 1
            self._feed(LinkConnecting(attempt))
            self._nudge.clear()
            code, reason, wait, answered = "network", REASONS["network"], 0.0, False
            try:
                transport = await self._connector.connect()
            except Refused as refused:
                if not is_transient(refused.code, refused.retryable):
                    await self._give_up(refused.code, refused.message)
                    failures = attempt = 0
                    continue
                code, reason = refused.code, refused.message
                wait, answered = named_wait(refused.retry_after_ms), True
            except Unreachable as error:
                if error.code in FINAL:
                    await self._give_up(error.code, error.reason)
                    failures = attempt = 0
                    continue
                log.info("no connection: %s (%s)", error.code, error.detail)
                code, reason = error.code, error.reason
            except Exception:
                # Whatever it was, the next attempt may do better; without one we stay offline.
                log.exception("an attempt failed in an unforeseen way")
            else:
                started = time.monotonic()
                lost = await self._live(transport)
                code, reason, wait = lost.code, lost.reason, named_wait(lost.retry_after_ms)
                attempt = 0
                if time.monotonic() - started >= HEALTHY_S:
                    failures = 0
            failures += 1
            delay = backoff(failures, self._draw(), answered=answered)
            await self._pause(LinkDown(reason, 0, code), wait, delay)

    def reconnect(self, reason: str) -> None:
        """End the wait before the next attempt; drop a connection that is in doubt."""
        if reason != "unanswered":
            # A doubt is about the connection that there was: if that is lost already, the
            # wait before the next one stays, or a server in trouble would be overrun.
            self._nudge.set()
        if self.transport is not None:
            self._at_once = reason == "user"
            self.transport.abort("lost" if reason == "user" else "silent")

    async def ask(self, event: str, payload: Payload, patience: float) -> object:
        """Ask one of our servers; raises `LinkLost`, `Unanswered`, `NotOffered`."""
        if not self._dialect.native:
            raise NotOffered(event)
        if self.transport is None:
            raise LinkLost()
        return await self.transport.request(event, payload, patience)

    async def close(self) -> None:
        """Wait until every connection that was had is released; once `run` has been cancelled."""
        if self._closing:
            _, late = await asyncio.wait(self._closing, timeout=CLOSING_S)
            for task in late:
                log.warning("a connection cannot be closed")
                task.cancel()

    # --- inside ---------------------------------------------------------------------

    async def _give_up(self, code: str, message: str) -> None:
        """No further attempt before the user asks for one."""
        self._nudge.clear()
        self._feed(LinkRefused(code, message))
        await self._nudge.wait()

    async def _pause(self, down: LinkDown, wait: float, delay: float) -> None:
        if wait:
            # The server names a time for all its clients: they come spread over it.
            delay = wait * (1 + self._draw()) if wait > delay else delay
        if self._at_once:
            delay = 0.0
        self._at_once = False
        self._nudge.clear()
        self._feed(replace(down, retry_at=self._clock() + int(delay * 1000)))
        sleeping = asyncio.ensure_future(self._sleep(delay))
        nudged = asyncio.ensure_future(self._nudge.wait())
        try:
            await asyncio.wait({sleeping, nudged}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            nudged.cancel()

    async def _live(self, transport: Transport) -> LinkLost:
        """Take what comes in until the connection ends; why it did."""
        self.transport = transport
        self._goodbye = None
        self._dialect.begin()
        self._feed(LinkUp(transport.name))
        renewing = asyncio.ensure_future(self._renew(transport))
        try:
            while True:
                await self._take(await transport.receive())
        except LinkLost as lost:
            goodbye: Goodbye | None = self._goodbye
            return LinkLost(goodbye.code, goodbye.retry_after_ms) if goodbye else lost
        except Exception:
            log.exception("the connection is dropped, since what came in could not be handled")
            return LinkLost()
        finally:
            renewing.cancel()
            self.transport = None
            # Closing may take a second; the next attempt does not wait for it.
            closing = asyncio.get_running_loop().create_task(_close(transport))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _take(self, frames: Sequence[Frame]) -> None:
        """Decode in slices, so that a flood leaves the screen its turns."""
        until = time.monotonic() + SLICE_S
        found: list[LogEvent] = []
        for name, arguments in frames:
            self._tell_frame(name, arguments)
            incoming = self._decode(name, arguments)
            if isinstance(incoming, LogArrived):
                found.extend(incoming.events)
            elif incoming is not None:
                found = self._pass_on(found)
                self._sort(incoming)
            if time.monotonic() > until:
                found = self._pass_on(found)
                await asyncio.sleep(0)
                until = time.monotonic() + SLICE_S
        self._pass_on(found)

    def _pass_on(self, found: list[LogEvent]) -> list[LogEvent]:
        if found:
            self._feed(LogArrived(tuple(found)))
        return []

    def _sort(self, incoming: Incoming) -> None:
        match incoming:
            case Goodbye():
                self._goodbye = incoming
            case StopAsked():
                asked = (incoming.conversation_id, incoming.server_msg_id, incoming.user_id)
                for listener in list(self.stop_listeners):
                    _tell(listener, *asked)
            case Limited():
                self.counters["limited"] += 1
                log.info("the server dropped a %s: too many", incoming.event)
            case Misfit(reason=reason, shown=events):
                self._misfit(reason)
                for event in events:
                    self._feed(event)
            case Several(events=events):
                for event in events:
                    self._feed(event)
            case _:
                self._feed(incoming)

    def _decode(self, name: str, arguments: tuple[object, ...]) -> Incoming | None:
        try:
            incoming = self._dialect.incoming(name, arguments)
        except (WireError, ValueError, TypeError, KeyError) as error:
            self._misfit(error)
            return None
        if incoming is None:
            self.counters["unknown"] += 1
        return incoming

    def _misfit(self, why: object) -> None:
        self.counters["malformed"] += 1
        if self.counters["malformed"] == 1:
            log.warning("the server sent something that does not fit the contract: %s", why)

    def _tell_frame(self, name: str, arguments: tuple[object, ...]) -> None:
        for listener in list(self.frame_listeners):
            _tell(listener, name, arguments[0] if arguments else None)

    async def _renew(self, transport: Transport) -> None:
        """Give the connection a fresh token before the present one ends."""
        renewed = False
        while True:
            ends = self._dialect.token_ends()
            left = (ends - self._clock()) / 1000
            await self._sleep(renew_after(left, fresh=renewed) if ends else UNKNOWN_END_S)
            if not ends or self._dialect.token_ends() != ends:
                continue
            try:
                token = await self._connector.tokens.token()
                request = self._dialect.renewal(token)
                if request is None:
                    return
                answer = await transport.request(request.name, request.payload, request.timeout)
                if request.answered is not None:
                    request.answered(answer)
                renewed = True
            except (TransportError, AckRefused, WireError) as error:
                log.info("the token could not be renewed: %s", error)
                await self._sleep(RENEW_RETRY_S)


async def _close(transport: Transport) -> None:
    try:
        await transport.close()
    except Exception:
        log.exception("a connection could not be closed")


def _tell(listener: Callable[..., None], *what: object) -> None:
    try:
        listener(*what)
    except Exception:
        log.exception("a listener failed")


def renew_after(left_s: float, *, fresh: bool = False) -> float:
    """How long to wait before renewing a token that has `left_s` seconds left.

    fresh: it was renewed just now; if it seems to have ended, it is our clock that is wrong.
    """
    if fresh and left_s <= 0:
        return RENEW_BEFORE_S
    if left_s > 2 * RENEW_BEFORE_S:
        return left_s - RENEW_BEFORE_S
    return max(RENEW_MIN_S, left_s / 2)
