"""The Socket.IO transport: a fresh library client for every attempt, watched from outside.

The library's own reconnection is off and nothing of its life cycle is trusted:
an `Engine` below tells us of every frame, the ends of its tasks are watched,
and silence beyond ping interval and time-out ends the connection, however the
library's loops are blocked. Its exceptions end here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import aiohttp
import engineio
import socketio
from engineio.base_client import connected_clients
from engineio.payload import Payload as PollingPayload

from talkbot_tui.client import strict_json
from talkbot_tui.client.bounded import ANSWER_MAX
from talkbot_tui.client.retry import is_transient
from talkbot_tui.client.transport import Frame, LinkLost, Payload, Refused, Unanswered
from talkbot_tui.core.text import clean_line
from talkbot_tui.wire.scalars import NAMESPACE

log = logging.getLogger(__name__)

# A long-polling answer may carry more packets than the library takes by default;
# it would drop them all.
PollingPayload.max_decode_packets = 1000

CLOSE_S = 1.0
GRACE_S = 1.0
LAST_WORDS_S = 0.1
BACKLOG_MAX = ANSWER_MAX
"""Bytes that may wait to be looked at; then nothing more is read from the server."""
BINARY = frozenset({socketio.packet.BINARY_EVENT, socketio.packet.BINARY_ACK})


class BinaryData(ValueError):
    """A packet announces attachments."""


class _Packet(socketio.packet.Packet):  # type: ignore[misc]  # the library has no types
    """Keeps our reading of JSON to this client: the library sets it on the class of packets."""

    def decode(self, encoded_packet: str) -> int | None:
        """As the library, but without attachments, which it would collect without bound."""
        attachments: int | None = super().decode(encoded_packet)
        if self.packet_type in BINARY:
            raise BinaryData("binary data, which no event has")
        return attachments


class _Engine(engineio.AsyncClient):  # type: ignore[misc]  # the library has no types
    """Hands each frame on in its turn, instead of in a task of its own."""

    owner: SocketIoTransport

    async def _receive_packet(self, pkt: Any) -> None:
        self.owner.heard()
        try:
            await super()._receive_packet(pkt)
        except Exception as error:
            self.owner.unreadable(error)
        if isinstance(pkt.data, (str, bytes)):
            await self.owner.room_for(len(pkt.data))

    async def _trigger_event(self, event: str, *args: Any, **kwargs: Any) -> Any:
        if event == "message":
            return await self.handlers["message"](*args)
        return await super()._trigger_event(event, *args, **kwargs)


class _Client(socketio.AsyncClient):  # type: ignore[misc]  # the library has no types
    """Keeps events apart from life cycle: a server may send an event named `disconnect`."""

    owner: SocketIoTransport

    def _engineio_client_class(self) -> type[_Engine]:
        return _Engine

    async def _handle_event(self, namespace: str | None, id: int | None, data: list[Any]) -> None:
        if (namespace or "/") == self.owner.namespace and data and isinstance(data[0], str):
            self.owner.arrived(data[0], tuple(data[1:]))

    async def _handle_error(self, namespace: str | None, data: Any) -> None:
        self.owner.refused(data)
        await super()._handle_error(namespace, data)

    async def _handle_disconnect(self, namespace: str | None) -> None:
        self.owner.abort("closed")

    async def _handle_eio_disconnect(self, reason: str) -> None:
        self.owner.abort("closed" if reason == "server disconnect" else "lost")
        await super()._handle_eio_disconnect(reason)


class SocketIoTransport:
    """One connection; `open` makes it, and after `close` it is never used again.

    Attributes:
        namespace: where events are sent, and taken from.
        refusal: why the server does not let us in, None while it has not said so.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        namespace: str = NAMESPACE,
        *,
        whole_acks: bool = False,
    ) -> None:
        """`session` is closed with the connection.

        whole_acks: an answer is the tuple of all its arguments, not the first one alone.
        """
        self.namespace = namespace
        self._whole_acks = whole_acks
        self._loop = asyncio.get_running_loop()
        self._session = session
        self._frames: deque[Frame] = deque()
        self._arrival: asyncio.Future[None] | None = None
        self._backlog = 0
        self._taken = asyncio.Event()
        self._end: LinkLost | None = None
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._waiting: set[asyncio.Future[object]] = set()
        self._heard_at = self._loop.time()
        self._watch: asyncio.TimerHandle | None = None
        self._unreadable = 0
        self._closing = False
        self.refusal: Refused | None = None
        self._client = _Client(
            reconnection=False,
            handle_sigint=False,
            serializer=_Packet,
            json=strict_json,
            request_timeout=10,
            http_session=lambda: session,
            websocket_extra_options={"max_msg_size": ANSWER_MAX},
        )
        self._client.owner = self
        self._engine = cast(_Engine, self._client.eio)
        self._engine.owner = self

    @property
    def name(self) -> str:
        """`websocket` or `polling`."""
        return str(self._engine.current_transport or "websocket")

    async def open(
        self,
        url: str,
        path: str,
        transports: Sequence[str],
        auth: object,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Connect; raises `Refused`, or whatever the library does."""
        connecting = asyncio.ensure_future(
            self._client.connect(
                url,
                headers=dict(headers or {}),
                auth=auth,
                transports=list(transports),
                namespaces=[self.namespace],
                socketio_path=path,
                wait_timeout=10,
            )
        )
        try:
            # The library would wait its whole time-out for the answer of a server that died.
            await asyncio.wait({connecting, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                # What has arrived already may still say why.
                await asyncio.wait({connecting}, timeout=LAST_WORDS_S)
        finally:
            if not connecting.done():
                connecting.cancel()
                await asyncio.wait({connecting})
        if self.refusal is not None:
            if not connecting.cancelled():
                connecting.exception()
            raise self.refusal
        if self._end is not None and connecting.cancelled():
            raise self._end
        connecting.result()
        for task in (self._engine.read_loop_task, self._engine.write_loop_task):
            if task is not None:
                task.add_done_callback(self._task_ended)
        if self._end is not None:
            raise self._end
        self._look()

    # --- the protocol ----------------------------------------------------------------

    async def emit(self, event: str, payload: Payload) -> None:
        """Send an event that has no ack; raises `LinkLost`."""
        await self._emit(event, payload, None)

    async def request(self, event: str, payload: Payload, patience: float) -> object:
        """Wait up to `patience` seconds for the ack; raises `LinkLost` and `Unanswered`."""
        answer: asyncio.Future[object] = self._loop.create_future()

        def answered(*values: object) -> None:
            if not answer.done():
                first = values[0] if values else None
                answer.set_result(values if self._whole_acks else first)

        self._waiting.add(answer)
        try:
            await self._emit(event, payload, answered)
            async with asyncio.timeout(patience):
                return await answer
        except TimeoutError:
            raise Unanswered(event) from None
        finally:
            self._waiting.discard(answer)
            if answer.done() and not answer.cancelled():
                answer.exception()

    async def receive(self) -> Sequence[Frame]:
        """Wait for events and take all that came, in order; raises `LinkLost` after the last."""
        while not self._frames:
            if self._end is not None:
                raise self._end
            self._arrival = self._loop.create_future()
            try:
                await self._arrival
            finally:
                self._arrival = None
        frames = list(self._frames)
        self._frames.clear()
        self._backlog = 0
        self._taken.set()
        return frames

    def give_back(self, frames: Sequence[Frame]) -> None:
        """These were taken only to be looked at: they come again, before any other."""
        self._frames.extendleft(reversed(frames))
        self._wake()

    @property
    def sid(self) -> str:
        """How the server calls this connection; "" before it stands."""
        return str(self._client.namespaces.get(self.namespace) or "")

    def abort(self, code: str) -> None:
        """The connection has ended, or is to be taken for ended; the first reason counts."""
        if self._end is not None:
            return
        self._end = LinkLost(code)
        self._ended.set_result(None)
        if self._watch is not None:
            self._watch.cancel()
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(LinkLost(code))
        self._wake()
        self._taken.set()

    async def close(self) -> None:
        """Say goodbye and release everything, within about a second; never raises."""
        self._closing = True
        lost = self._end is not None
        self.abort("stopped")
        tasks = [self._engine.read_loop_task, self._engine.write_loop_task]
        try:
            async with asyncio.timeout(0 if lost and not self._client.connected else CLOSE_S):
                await self._client.disconnect()
        except Exception as error:
            log.debug("closing: %r", error)
        finally:
            # Also when we are cancelled: nobody else would release these.
            await self._release(tasks)

    async def _release(self, tasks: Sequence[asyncio.Task[Any] | None]) -> None:
        for task in tasks:
            if task is not None and not task.done():
                task.cancel()
        self._engine.state = "disconnected"
        with suppress(ValueError):
            connected_clients.remove(self._engine)
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._session.close()
        except Exception as error:
            log.debug("closing the session: %r", error)

    # --- told by the library -----------------------------------------------------------

    def heard(self) -> None:
        """The server is alive: something came in."""
        self._heard_at = self._loop.time()

    def arrived(self, name: str, arguments: tuple[object, ...]) -> None:
        """An event: it waits its turn, nothing is done about it here."""
        self._frames.append((name, arguments))
        self._wake()

    async def room_for(self, size: int) -> None:
        """Count `size` bytes that came; while too many wait, whoever reads the socket does too."""
        self._backlog += size
        while self._frames and self._backlog > BACKLOG_MAX and self._end is None:
            self._taken.clear()
            await self._taken.wait()
            self.heard()

    def refused(self, data: object) -> None:
        """The server refuses the namespace; `data` is what it gave as a reason."""
        self.refusal = parse_refusal(data)

    def unreadable(self, error: Exception) -> None:
        """A packet that cannot be read: told once a connection, the next ones are read on."""
        self._unreadable += 1
        if self._unreadable == 1:
            log.warning("a packet could not be read: %r", error)

    # --- inside -------------------------------------------------------------------------

    async def _emit(self, event: str, payload: Payload, answered: Any) -> None:
        if self._end is not None:
            raise LinkLost(self._end.code)
        try:
            await self._client.emit(event, payload, namespace=self.namespace, callback=answered)
        except Exception as error:
            log.debug("sending %s: %r", event, error)
            raise LinkLost("lost") from None

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.debug("the connection's task ended: %r", task.exception())
        self.abort("lost")

    def _look(self) -> None:
        """End a connection on which nothing has been heard for too long."""
        if self._end is not None:
            return
        engine = self._engine
        patience = float(engine.ping_interval or 25) + float(engine.ping_timeout or 20) + GRACE_S
        due = self._heard_at + patience
        if self._loop.time() >= due:
            self.abort("silent")
        else:
            self._watch = self._loop.call_at(due, self._look)


def parse_refusal(data: object) -> Refused:
    """A refused handshake, as our servers word it; other servers' words as they are."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    if isinstance(data, dict):
        code = data.get("message")
        more = data.get("data")
        more = more if isinstance(more, dict) else {}
        wait = more.get("retryAfterMs")
        retryable = more.get("retryable")
        if isinstance(code, str):
            return Refused(
                clean_line(code, 64),
                clean_line(str(more.get("message") or code)),
                retryable=is_transient(code, retryable if isinstance(retryable, bool) else None),
                retry_after_ms=wait if isinstance(wait, int) and wait > 0 else 0,
            )
    # Whoever gives no reason that we know does not say that it will stay so.
    return Refused("refused", clean_line(str(data)), retryable=True)
