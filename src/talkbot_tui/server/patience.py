"""How long a connection may be open without asking anything whole.

aiohttp waits for ever for the rest of a request's head. Whoever sends none, or a
byte now and then, is cut after a while, so that sockets cannot be held for free.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from talkbot_tui.wire.errors import Code, Refused

IDLE_SECONDS = 10.0
BODY_SECONDS = 10.0

BROKEN = (HttpProcessingError, web.RequestPayloadError, aiohttp.ClientPayloadError, ConnectionError)
"""What a body that is not what its headers say, or whose sender has gone, raises."""

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Handler = web.RequestHandler


class NoStrangers(logging.Filter):
    """Keeps what is wrong with a stranger's request out of the log: it is answered, and counted."""

    def __init__(self, count: Callable[[], None]) -> None:
        """`count` is called for each."""
        super().__init__()
        self._count = count

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is about us."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, BROKEN):
            self._count()
            return False
        return True


class Patience:
    """Watches the connections of one HTTP server."""

    def __init__(self, idle: float = IDLE_SECONDS) -> None:
        """`idle`: seconds that a connection may be open without a request being served."""
        self._idle = idle
        self._serving: Counter[Handler] = Counter()
        self._since: dict[Handler, float] = {}
        self.cut = 0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        """Know what is being served; a WebSocket is, for as long as it lives."""
        protocol = request.protocol
        self._serving[protocol] += 1
        try:
            return await handler(request)
        finally:
            self._serving[protocol] -= 1
            if not self._serving[protocol]:
                del self._serving[protocol]
            self._since.pop(protocol, None)

    def sweep(self, server: web.Server) -> None:
        """Cut who has waited too long; to be called every second or so."""
        now = asyncio.get_running_loop().time()
        open_now = server.connections
        for gone in self._since.keys() - set(open_now):
            del self._since[gone]
        for protocol in open_now:
            if protocol in self._serving:
                continue
            if now - self._since.setdefault(protocol, now) > self._idle:
                self.cut += 1
                protocol.force_close()


async def whole_body(request: web.Request, most: int) -> bytes:
    """The body, of at most `most` bytes; raises `Refused`: too_large, bad_request."""
    if (request.content_length or 0) > most:
        raise Refused(Code.TOO_LARGE, f"The body is larger than {most} bytes.")
    raw = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_chunked(most):
                raw += chunk
                if len(raw) > most:
                    raise Refused(Code.TOO_LARGE, f"The body is larger than {most} bytes.")
    except TimeoutError:
        raise Refused(Code.BAD_REQUEST, "The body did not come in time.") from None
    except BROKEN:
        raise Refused(Code.BAD_REQUEST, "The body cannot be read.") from None
    return bytes(raw)
