"""One Engine.IO connection, by the letter of its protocol and fit to meet strangers.

Each override answers either a way in which the stock connection can be misled or exhausted
(polling batches dropped whole, a close that waits for who reads nothing) or a rule of the
Engine.IO protocol, version 4, that it leaves out; those name their section.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from engineio import async_socket, exceptions, packet, payload

BODY_SECONDS = 10.0
PACKETS_MAX = 1000
BATCH_BYTES = 64 * 1024

UPGRADE_SECONDS = 10.0
"""How long a WebSocket may take to prove itself; packets are held meanwhile."""
NOOP_SECONDS = 0.1
"""How long a poll waits for the end of an upgrade that is under way."""
LAST_SECONDS = 2.0
"""How long what is left to say to a closed connection may take."""
STALL_SECONDS = 0.05
"""A heartbeat later than this was held up here, which is not the peer's fault."""

# A batch over the library's own bound of 16 is answered 200 and thrown away.
payload.Payload.max_decode_packets = PACKETS_MAX


class GuardedSocket(async_socket.AsyncSocket):  # type: ignore[misc]  # the library ships no types
    """One Engine.IO connection; what it cannot understand is counted, not shrugged off."""

    def __init__(self, server: Any, sid: str) -> None:
        """Nothing runs yet; `schedule_ping` begins the heartbeat."""
        super().__init__(server, sid)
        self.connected = False
        self.last_ping: float | None = time.time()
        self.wire: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._polls = 0
        self._posts = 0
        self._claimed = False
        self._last = False
        self.heard = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def websocket(self) -> bool:
        """Whether a WebSocket is or wants to be its transport, so that no other may."""
        return bool(self.upgraded) or self._claimed

    async def poll(self) -> Iterable[Any]:
        """What to send next: over long polling a batch, over a WebSocket each when its turn comes.

        The stock one takes the whole queue, and the writer then sends for as long as the
        peer likes: of that, nothing is counted as waiting and nothing can be dropped.
        """
        if self.upgraded:
            # Without a time-out, since the reading half has one.
            first = await self.queue.next()
            return [] if first is None else self.queue.following(first)
        try:
            async with asyncio.timeout(self.server.ping_interval + self.server.ping_timeout):
                first = await self.queue.next()
        except (TimeoutError, asyncio.CancelledError):
            raise exceptions.QueueEmpty from None
        if self.closed:
            self.heard.set()
        return self._batch(first, BATCH_BYTES)

    def _batch(self, first: Any, size: float) -> list[Any]:
        packets = [] if first is None else list(self.queue.following(first, size))
        if len(packets) > 1 and packets[-1].packet_type == packet.CLOSE:
            # The official client forgets what comes in one answer with it; 400 says it too.
            packets.pop()
        return packets

    def schedule_ping(self) -> None:
        """Begin a round of the heartbeat: a ping, and the end unless its pong comes in time.

        Engine.IO protocol, "Heartbeat". The stock one ends a silent connection only when
        its monitor comes by or something is to be sent, up to twice as late.
        """
        if not self.last_ping or self.closed:
            return
        self.last_ping = None
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        due = loop.time() + self.server.ping_interval
        self._timer = loop.call_at(due, self._ping, due)

    def _ping(self, due: float) -> None:
        if self.closing:
            return
        self.last_ping = time.time()
        self.queue.put_nowait(packet.Packet(packet.PING))
        loop = asyncio.get_running_loop()
        end = max(due, loop.time() - STALL_SECONDS) + self.server.ping_timeout
        self._timer = loop.call_at(end, self._silent, end)

    def _silent(self, due: float) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - due > STALL_SECONDS:
            # This process stood still; the pong may have come and not been read.
            due = loop.time() + STALL_SECONDS
            self._timer = loop.call_at(due, self._silent, due)
            return
        reason = self.server.reason.PING_TIMEOUT
        self.server.start_background_task(self.close, False, False, reason)

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
        # The heartbeat is over; one that was missed must not hold up what is still to be said.
        self.last_ping = None
        await super().close(wait=False, abort=abort, reason=reason)
        if first:
            if self._timer is not None:
                self._timer.cancel()
            if abort:
                # The protocol knows no empty answer to a poll.
                self.queue.put_nowait(packet.Packet(packet.NOOP))
            elif reason == self.server.reason.SERVER_DISCONNECT:
                self._last = self.queue.qsize() > 1
            # Lets a long poll or the writer end now instead of at its time-out.
            self.queue.put_nowait(None)

    @property
    def unheard(self) -> bool:
        """Whether the server closed it before its last messages, such as why, were polled."""
        return self._last and not self.upgraded and not self.heard.is_set()

    def last_words(self) -> list[Any]:
        """Those messages, once; the stock server forgets them, and sends 400."""
        self.heard.set()
        return self._batch(self.queue.get_nowait(), math.inf)

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:
        """Answer a poll, or take a WebSocket; raises `EngineIOError` to close the connection.

        "Receiving data": a second poll beside a pending one is refused and ends both.
        "Upgrade": a poll beside a WebSocket that has proved itself is told that there is
        nothing, and one that finds the upgrade done is refused.
        """
        if environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            return await self._upgrade_websocket(environ)
        if self._polls:
            raise exceptions.EngineIOError("a poll is pending")
        if self.upgrading:
            with suppress(TimeoutError):
                async with asyncio.timeout(NOOP_SECONDS):
                    await self._settled.wait()
            if self.upgraded:
                return self.server.refusal("Unexpected HTTP request")
            return [packet.Packet(packet.NOOP)]
        self._polls += 1
        try:
            return await super().handle_get_request(environ)
        finally:
            self._polls -= 1

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Take a polling batch; raises `EngineIOError` where the stock one says OK.

        "Sending data": a second one beside one that is still coming is refused and ends
        the connection.
        """
        if self._posts:
            raise exceptions.EngineIOError("a batch is still coming")
        self._posts += 1
        try:
            packets = await self._body(environ)
            for pkt in packets:
                await self.receive(pkt)
        except exceptions.EngineIOError:
            if self.sid in self.server.sockets:
                raise
            # Closed while its body came: the stock server has no answer ready for that.
        finally:
            self._posts -= 1

    async def _body(self, environ: dict[str, Any]) -> list[Any]:
        length = int(environ.get("CONTENT_LENGTH", "0"))
        if not 0 < length <= self.server.max_http_buffer_size:
            raise exceptions.ContentTooLongError
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = (await environ["wsgi.input"].readexactly(length)).decode("utf-8")
            packets: list[Any] = payload.Payload(encoded_payload=body).packets
        except (ValueError, RecursionError, asyncio.IncompleteReadError, TimeoutError) as error:
            raise exceptions.EngineIOError from error
        return packets

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> Any:
        return await self.server._async["websocket"](self._websocket_handler, self.server)(environ)

    async def _websocket_handler(self, ws: Any) -> None:
        if self.websocket or self.closed:
            # "WebSocket": there is one for a session; the second is closed, the first stays.
            await ws.close()
            return
        self._claimed = True
        try:
            if self.connected and not await self._upgrade(ws):
                await ws.close()
                return
            self.wire = ws.environ["aiohttp.request"].transport
            if self.closed:
                # It was closed meanwhile; who reads what is left to say does so soon.
                asyncio.get_running_loop().call_later(LAST_SECONDS, self.wire.abort)
            self.connected = self.upgraded = True
            self._settled.set()
            await self._converse(ws)
        except Exception:
            self.server.metrics.count("malformed_total")
        finally:
            self._claimed = self.upgrading = False
            if self.upgraded and not self.closed:
                await self.close(abort=True)

    async def _upgrade(self, ws: Any) -> bool:
        """Whether the WebSocket proved itself; if not, polling goes on as if nothing was.

        "Upgrade". The stock server puts its noop also where no poll is pending, and sends
        it as the WebSocket's first packet then.
        """
        self._settled.clear()
        try:
            async with asyncio.timeout(UPGRADE_SECONDS):
                if await ws.wait() != f"{packet.PING}probe":
                    return False
                self.upgrading = True
                await ws.send(f"{packet.PONG}probe")
                if self._polls:
                    self.queue.put_nowait(packet.Packet(packet.NOOP))
                return bool(await ws.wait() == str(packet.UPGRADE))
        except (OSError, TimeoutError):
            return False
        finally:
            self.upgrading = False

    async def _converse(self, ws: Any) -> None:
        writer = asyncio.ensure_future(self._write(ws))
        try:
            while True:
                async with asyncio.timeout(self.server.ping_interval + self.server.ping_timeout):
                    data = await ws.wait()
                await self.receive(packet.Packet(encoded_packet=data))
        except (OSError, TimeoutError, exceptions.SocketIsClosedError):
            pass
        finally:
            self.queue.put_nowait(None)
            await writer
            await self.close(abort=True, reason=self.server.reason.TRANSPORT_CLOSE)

    async def _write(self, ws: Any) -> None:
        with suppress(Exception):
            while packets := await self.poll():
                for pkt in packets:
                    # A noop was for a poll that had its answer already.
                    if pkt.packet_type != packet.NOOP:
                        await ws.send(pkt.encode())
        await ws.close()
