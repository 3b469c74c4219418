"""python-socketio, made fit to meet strangers.

Each override answers a way in which the stock server can be misled or
exhausted: forged lifecycle events, events before the handshake, packets that
are no JSON of ours, polling batches dropped whole, connections that never sign
in, compression memory, and a shutdown that waits for ping time-outs.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import engineio
import socketio
from aiohttp import web
from engineio import async_socket, exceptions, payload
from engineio import packet as eio_packet
from engineio.async_drivers import aiohttp as driver
from socketio import packet

from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.connections import OutQueue
from talkbot_tui.server.metrics import Metrics
from talkbot_tui.server.strict_json import StrictJson
from talkbot_tui.wire.scalars import FRAME_BYTES_MAX, NAMESPACE

RESERVED = frozenset({"connect", "connect_error", "connection", "disconnect", "disconnecting"})
MALFORMED_MAX = 3
PACKETS_MAX = 1000
CLOSE_SECONDS = 2.0
ABORT_SECONDS = 2.0

log = logging.getLogger("talkbot.socket")

# A batch over the library's own bound of 16 is answered 200 and thrown away.
payload.Payload.max_decode_packets = PACKETS_MAX

OnEvent = Callable[[str, str, list[Any], "int | None"], Awaitable[None]]


class StrictPacket(packet.Packet):  # type: ignore[misc]  # the library ships no types
    """A Socket.IO packet whose JSON is strict."""

    json = StrictJson


class PlainWebSocket(driver.WebSocket):  # type: ignore[misc]  # the library ships no types
    """Without per-message deflate, which costs 120 KiB for each idle connection."""

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        """Take the request over."""
        self._sock = web.WebSocketResponse(
            max_msg_size=self.server.max_http_buffer_size, compress=False, timeout=CLOSE_SECONDS
        )
        await self._sock.prepare(environ["aiohttp.request"])
        self.environ = environ
        await self.handler(self)
        return self._sock


class GuardedSocket(async_socket.AsyncSocket):  # type: ignore[misc]  # the library ships no types
    """One Engine.IO connection; what it cannot understand is counted, not shrugged off."""

    wire: asyncio.Transport | None = None

    async def receive(self, pkt: Any) -> None:
        """Take one packet."""
        try:
            await super().receive(pkt)
        except (exceptions.SocketIsClosedError, asyncio.CancelledError):
            raise
        except Exception:
            await self.server.malformed(self.sid)

    async def close(
        self, wait: bool = True, abort: bool = False, reason: str | None = None
    ) -> None:
        """Close without waiting for a peer that may read nothing any more."""
        first = not self.closed and not self.closing
        await super().close(wait=False, abort=abort, reason=reason)
        if first:
            # Lets a long poll or the writer end now instead of at its time-out.
            self.queue.put_nowait(None)

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Take a polling batch; raises `EngineIOError` where the stock one says OK."""
        length = int(environ.get("CONTENT_LENGTH", "0"))
        if not 0 < length <= self.server.max_http_buffer_size:
            raise exceptions.ContentTooLongError
        try:
            body = (await environ["wsgi.input"].readexactly(length)).decode("utf-8")
            packets = payload.Payload(encoded_payload=body).packets
        except (ValueError, RecursionError, asyncio.IncompleteReadError) as error:
            raise exceptions.EngineIOError from error
        for pkt in packets:
            await self.receive(pkt)

    async def _websocket_handler(self, ws: Any) -> None:
        self.wire = ws.environ["aiohttp.request"].transport
        try:
            await super()._websocket_handler(ws)
        except Exception:
            self.server.metrics.count("malformed_total")
        finally:
            if not self.closed and (self.upgraded or not self.connected):
                await self.close(abort=True)


class GuardedEngine(engineio.AsyncServer):  # type: ignore[misc]  # the library ships no types
    """The Engine.IO side: real addresses, bounded handshakes, our own sockets."""

    metrics: Metrics
    malformed: Callable[[str], Awaitable[None]]
    admits: Callable[[str], bool]
    trusted: frozenset[str] = frozenset()
    start_service_task: bool
    _async: dict[str, Any]

    def setup(self, config: ServerConfig, metrics: Metrics) -> None:
        """Replace the parts of the driver that cannot be configured."""
        self.metrics = metrics
        self.trusted = frozenset(config.trusted_proxies)
        self._async = {
            **self._async,
            "websocket": PlainWebSocket,
            "translate_request": self._translate,
        }

    def _translate(self, request: web.Request) -> dict[str, Any]:
        environ: dict[str, Any] = driver.translate_request(request)
        environ["REMOTE_ADDR"] = client_address(request, self.trusted)
        return environ

    def create_queue(self, *args: Any, **kwargs: Any) -> OutQueue:
        """A queue that knows its bytes."""
        return OutQueue()

    async def _handle_connect(
        self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None
    ) -> Any:
        if jsonp_index is not None or not self.admits(environ["REMOTE_ADDR"]):
            self.metrics.count("handshakes_total", "refused")
            return self._bad_request("Too many connections wait to sign in")
        if self.start_service_task:
            self.start_service_task = False
            self.service_task_handle = self.start_background_task(self._service_task)
        sid = self.generate_id()
        opened = GuardedSocket(self, sid)
        self.sockets[sid] = opened
        await opened.send(
            eio_packet.Packet(
                eio_packet.OPEN,
                {
                    "sid": sid,
                    "upgrades": self._upgrades(sid, transport),
                    "pingTimeout": int(self.ping_timeout * 1000),
                    "pingInterval": int(self.ping_interval) * 1000,
                    "maxPayload": self.max_http_buffer_size,
                },
            )
        )
        await self._trigger_event("connect", sid, environ, run_async=False)
        opened.schedule_ping()
        if transport == "websocket":
            answer = await opened.handle_get_request(environ)
            if opened.closed:
                self.sockets.pop(sid, None)
            return answer
        opened.connected = True
        try:
            return self._ok(await opened.poll())
        except exceptions.QueueEmpty:
            return self._bad_request()


class GuardedServer(socketio.AsyncServer):  # type: ignore[misc]  # the library ships no types
    """The Socket.IO side: only `/chat`, only after CONNECT, only real events."""

    def __init__(self, config: ServerConfig, metrics: Metrics) -> None:
        """Make it; `accept` must be set before it is attached."""
        quiet = logging.getLogger("talkbot.socketio")
        quiet.setLevel(logging.CRITICAL)
        super().__init__(
            async_mode="aiohttp",
            async_handlers=False,
            namespaces=[NAMESPACE],
            serializer=StrictPacket,
            logger=quiet,
            engineio_logger=quiet,
            ping_interval=config.ping_interval,
            ping_timeout=config.ping_timeout,
            max_http_buffer_size=FRAME_BYTES_MAX,
            # An empty list would switch the check off in this library.
            cors_allowed_origins=list(config.origins) or ["null://nobody"],
            cors_credentials=False,
        )
        self.accept: OnEvent
        self._config = config
        self._metrics = metrics
        self._deadlines: dict[str, asyncio.TimerHandle] = {}
        self._pending: Counter[str] = Counter()
        self._bad: Counter[str] = Counter()
        self.eio.setup(config, metrics)
        self.eio.malformed = self._count_malformed
        self.eio.admits = self._admits

    def _engineio_server_class(self) -> type[GuardedEngine]:
        return GuardedEngine

    def queue_of(self, eio_sid: str) -> OutQueue:
        """What is still to be sent there; raises `KeyError` when it is gone."""
        queue: OutQueue = self.eio.sockets[eio_sid].queue
        return queue

    async def end(self, eio_sid: str) -> None:
        """Close a connection once its queue was sent."""
        opened = self.eio.sockets.get(eio_sid)
        if opened is None or opened.closed:
            return
        await opened.close(reason=self.reason.SERVER_DISCONNECT)
        if opened.wire is not None:
            # A peer that reads nothing must not keep the socket.
            asyncio.get_running_loop().call_later(ABORT_SECONDS, opened.wire.abort)

    async def end_all(self) -> None:
        """Close every connection, signed in or not."""
        for eio_sid in list(self.eio.sockets):
            await self.end(eio_sid)
        await self.shutdown()

    def _admits(self, address: str) -> bool:
        return self._pending[address] < self._config.handshakes_per_address

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        self._arm(eio_sid)

    def _arm(self, eio_sid: str) -> None:
        """Whoever has not signed in by then is closed."""
        address = self.environ[eio_sid]["REMOTE_ADDR"]
        self._pending[address] += 1
        self._deadlines[eio_sid] = asyncio.get_running_loop().call_later(
            self._config.handshake_seconds, self._late, eio_sid
        )

    def _disarm(self, eio_sid: str) -> None:
        timer = self._deadlines.pop(eio_sid, None)
        if timer is not None:
            timer.cancel()
            address = self.environ[eio_sid]["REMOTE_ADDR"]
            self._pending[address] -= 1
            if self._pending[address] <= 0:
                del self._pending[address]

    def _late(self, eio_sid: str) -> None:
        self._metrics.count("handshakes_total", "late")
        self._disarm(eio_sid)
        self.start_background_task(self.end, eio_sid)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        self._disarm(eio_sid)
        self._bad.pop(eio_sid, None)
        await super()._handle_eio_disconnect(eio_sid, reason)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        try:
            pkt = StrictPacket(encoded_packet=data) if isinstance(data, str) else None
        except (ValueError, TypeError, RecursionError):
            pkt = None
        if pkt is None or pkt.namespace != NAMESPACE:
            if pkt is not None and pkt.packet_type == packet.CONNECT:
                await self._send_packet(
                    eio_sid,
                    packet.Packet(
                        packet.CONNECT_ERROR,
                        data={"message": "Invalid namespace"},
                        namespace=pkt.namespace,
                    ),
                )
                return
            await self._count_malformed(eio_sid)
        elif pkt.packet_type == packet.CONNECT:
            if not isinstance(pkt.data, (dict, type(None))):
                pkt.data = None
            await self._handle_connect(eio_sid, pkt.namespace, pkt.data)
            if self._sid(eio_sid) is not None:
                self._disarm(eio_sid)
        elif pkt.packet_type == packet.EVENT:
            await self._handle_event(eio_sid, pkt.namespace, pkt.id, pkt.data)
        elif pkt.packet_type == packet.DISCONNECT:
            if self._sid(eio_sid) is not None:
                await self._handle_disconnect(eio_sid, pkt.namespace)
                self._arm(eio_sid)
        elif pkt.packet_type != packet.ACK:
            await self._count_malformed(eio_sid)

    def _sid(self, eio_sid: str) -> str | None:
        sid: str | None = self.manager.sid_from_eio_sid(eio_sid, NAMESPACE)
        return sid if sid and self.manager.is_connected(sid, NAMESPACE) else None

    async def _handle_event(self, eio_sid: str, namespace: str, id: int | None, data: Any) -> None:
        sid = self._sid(eio_sid)
        if sid is None or not isinstance(data, list) or not data:
            await self._count_malformed(eio_sid)
            return
        name = data[0]
        if not isinstance(name, str) or name in RESERVED or name.startswith("__") or name == "*":
            log.warning("a client sent an event with a reserved name; closed")
            self._metrics.count("closed_total", "reserved_name")
            await self.end(eio_sid)
            return
        await self.accept(sid, name, data[1:], id)

    async def _count_malformed(self, eio_sid: str) -> None:
        self._metrics.count("malformed_total")
        self._bad[eio_sid] += 1
        if self._bad[eio_sid] >= MALFORMED_MAX:
            self._metrics.count("closed_total", "malformed")
            await self.end(eio_sid)


def client_address(request: web.Request, trusted: frozenset[str]) -> str:
    """Where a request comes from; behind a trusted proxy, what the proxy says."""
    address = request.remote or ""
    if address in trusted:
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()
        try:
            return str(ipaddress.ip_address(forwarded))
        except ValueError:
            return address
    return address
