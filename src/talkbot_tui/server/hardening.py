"""python-socketio, made fit to meet strangers.

Each override answers a way in which the stock server can be misled or
exhausted: forged lifecycle events, events before the handshake, packets that
are no JSON of ours, connections that never sign in, and addresses that open
one after another.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import socketio
from socketio import packet

from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.connections import OutQueue
from talkbot_tui.server.edge import Edge
from talkbot_tui.server.engine_io import GuardedEngine
from talkbot_tui.server.limits import Buckets, Rate
from talkbot_tui.server.metrics import Metrics
from talkbot_tui.server.strict_json import StrictJson, Unaccepted
from talkbot_tui.wire.scalars import FRAME_BYTES_MAX, NAMESPACE

RESERVED = frozenset({"connect", "connect_error", "connection", "disconnect", "disconnecting"})
MALFORMED_MAX = 3
NAMESPACES_MAX = 5
"""How often one connection may ask for a namespace in vain, or leave one."""
BINARY = frozenset({"5", "6"})
"""Types of packets with binary attachments."""

ABORT_SECONDS = 2.0
UNHEARD_SECONDS = 0.5
"""How long to wait at the end for those who are between two polls."""

log = logging.getLogger("talkbot.socket")

OnEvent = Callable[[str, str, list[Any], "int | None"], Awaitable[None]]


class StrictPacket(packet.Packet):  # type: ignore[misc]  # the library ships no types
    """A Socket.IO packet, apart from those that a client in this process makes."""


class GuardedServer(socketio.AsyncServer):  # type: ignore[misc]  # the library ships no types
    """The Socket.IO side: only `/chat`, only after CONNECT, only real events."""

    def __init__(self, config: ServerConfig, edge: Edge, metrics: Metrics) -> None:
        """Make it; `accept` must be set before it is attached."""
        quiet = logging.getLogger("talkbot.socketio")
        quiet.setLevel(logging.CRITICAL)
        super().__init__(
            async_mode="aiohttp",
            async_handlers=False,
            namespaces=[NAMESPACE],
            serializer=StrictPacket,
            # Of Engine.IO's packets too; the library keeps one reader for the whole process,
            # and a bot in it may have set another.
            json=StrictJson,
            logger=quiet,
            engineio_logger=quiet,
            ping_interval=config.ping_interval,
            ping_timeout=config.ping_timeout,
            max_http_buffer_size=FRAME_BYTES_MAX,
            cors_credentials=False,
        )
        self.accept: OnEvent
        self.unsupported: Callable[[str], None]
        self._config = config
        self._metrics = metrics
        self._deadlines: dict[str, asyncio.TimerHandle] = {}
        self._pending: Counter[str] = Counter()
        self._opened = Buckets()
        self._bad: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self.eio.setup(edge, metrics)
        self.eio.malformed = self._count_malformed
        self.eio.wait = self._wait

    def _engineio_server_class(self) -> type[GuardedEngine]:
        return GuardedEngine

    def queue_of(self, eio_sid: str) -> OutQueue:
        """What is still to be sent there; raises `KeyError` when it is gone."""
        queue: OutQueue = self.eio.sockets[eio_sid].queue
        return queue

    def is_open(self, eio_sid: str) -> bool:
        """Whether it is there and nobody, here or there, has closed it."""
        opened = self.eio.sockets.get(eio_sid)
        return opened is not None and not opened.closing

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
        unheard = [opened for opened in self.eio.sockets.values() if opened.unheard]
        with suppress(TimeoutError):
            async with asyncio.timeout(UNHEARD_SECONDS):
                await asyncio.gather(*(opened.heard.wait() for opened in unheard))
        await self.shutdown()

    def _wait(self, address: str) -> float:
        """0.0 when another connection from there is taken; else seconds until it may be."""
        config = self._config
        if self._pending[address] >= config.handshakes_per_address:
            return config.handshake_seconds
        # Whoever is refused may not come back at once on a fresh connection, again and again.
        rate = Rate(config.address_connections_burst, config.address_connections_per_second)
        return self._opened.take(address, rate)

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
        self._lost.pop(eio_sid, None)
        await super()._handle_eio_disconnect(eio_sid, reason)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        if not self.is_open(eio_sid):
            # What is noted of it now would never be forgotten.
            return
        if not isinstance(data, str) or data[:1] in BINARY:
            await self._refuse_binary(eio_sid)
            return
        try:
            pkt = StrictPacket(encoded_packet=data)
        except Unaccepted:
            await self._count_malformed(eio_sid)
            return
        except (ValueError, TypeError, RecursionError):
            await self._broken(eio_sid)
            return
        if pkt.packet_type == packet.CONNECT:
            if pkt.namespace != NAMESPACE:
                await self._refuse_namespace(eio_sid, pkt.namespace or "/")
            else:
                await self._sign_in(eio_sid, pkt.data if isinstance(pkt.data, dict) else None)
        elif pkt.namespace != NAMESPACE or self._sid(eio_sid) is None:
            # "Connection to a namespace": CONNECT comes first.
            await self._broken(eio_sid)
        elif pkt.packet_type == packet.EVENT:
            await self._handle_event(eio_sid, pkt.namespace, pkt.id, pkt.data)
        elif pkt.packet_type == packet.DISCONNECT:
            await self._handle_disconnect(eio_sid, pkt.namespace)
            self._arm(eio_sid)
            await self._in_vain(eio_sid)
        elif pkt.packet_type != packet.ACK or not isinstance(pkt.data, list):
            await self._broken(eio_sid)

    async def _sign_in(self, eio_sid: str, auth: dict[str, Any] | None) -> None:
        before = self._sid(eio_sid)
        await self._handle_connect(eio_sid, NAMESPACE, auth)
        after = self._sid(eio_sid)
        if after is None or after == before:
            await self._in_vain(eio_sid)
        elif self.is_open(eio_sid):
            self._disarm(eio_sid)
        else:
            # It was closed before it counted as connected, so nobody was told.
            await self._handle_disconnect(eio_sid, NAMESPACE)

    async def _in_vain(self, eio_sid: str) -> bool:
        """Count an attempt, since each costs a look at a token; True when it was the last."""
        if not self.is_open(eio_sid):
            return True
        self._lost[eio_sid] += 1
        if self._lost[eio_sid] < NAMESPACES_MAX:
            return False
        self._metrics.count("closed_total", "namespaces")
        await self.end(eio_sid)
        return True

    def _sid(self, eio_sid: str) -> str | None:
        sid: str | None = self.manager.sid_from_eio_sid(eio_sid, NAMESPACE)
        return sid if sid and self.manager.is_connected(sid, NAMESPACE) else None

    async def _handle_event(self, eio_sid: str, namespace: str, id: int | None, data: Any) -> None:
        sid = self._sid(eio_sid)
        if sid is None or not isinstance(data, list) or not data:
            await self._broken(eio_sid)
            return
        name = data[0]
        if not isinstance(name, str) or name in RESERVED or name.startswith("__") or name == "*":
            log.warning("a client sent an event with a reserved name; closed")
            self._metrics.count("closed_total", "reserved_name")
            await self.end(eio_sid)
            return
        await self.accept(sid, name, data[1:], id)

    async def _refuse_namespace(self, eio_sid: str, namespace: str) -> None:
        if await self._in_vain(eio_sid):
            return
        data = {"message": "Invalid namespace"}
        answer = packet.Packet(packet.CONNECT_ERROR, data=data, namespace=namespace[:64])
        await self._send_packet(eio_sid, answer)

    async def _refuse_binary(self, eio_sid: str) -> None:
        """The contract has no binary; its attachments would be kept until all of them came."""
        self._metrics.count("closed_total", "binary")
        sid = self._sid(eio_sid)
        if sid is not None:
            self.unsupported(sid)
        else:
            await self.end(eio_sid)

    async def _broken(self, eio_sid: str) -> None:
        """Close for what the Socket.IO protocol has closed; the stock server shrugs it off."""
        self._metrics.count("malformed_total")
        self._metrics.count("closed_total", "malformed")
        await self.end(eio_sid)

    async def _count_malformed(self, eio_sid: str) -> None:
        """Bear with a few: a client may have been written before the limit that it meets."""
        self._metrics.count("malformed_total")
        if not self.is_open(eio_sid):
            return
        self._bad[eio_sid] += 1
        if self._bad[eio_sid] >= MALFORMED_MAX:
            self._metrics.count("closed_total", "malformed")
            await self.end(eio_sid)
