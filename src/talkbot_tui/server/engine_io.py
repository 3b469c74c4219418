"""python-engineio, made fit to meet strangers: real addresses, bounded handshakes, our own sockets.

Each override answers a way in which the stock server can be misled or exhausted
(requests to a connection that is closing, compression memory), or a rule of the
Engine.IO protocol, version 4, that it leaves out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from typing import Any

import engineio
from aiohttp import web
from engineio import exceptions, packet
from engineio.async_drivers import aiohttp as driver

from talkbot_tui.server.connections import OutQueue
from talkbot_tui.server.edge import Edge
from talkbot_tui.server.engine_socket import GuardedSocket
from talkbot_tui.server.metrics import Metrics

CLOSE_SECONDS = 2.0

REFUSALS = {
    "Transport unknown": 0,
    "Session ID unknown": 1,
    "Bad handshake method": 2,
    "Bad request": 3,
    "Forbidden": 4,
    "Unsupported protocol version": 5,
}
"""The reference implementation's words for a refused request, and their codes."""
METHODS = frozenset({"GET", "POST"})


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


class GuardedEngine(engineio.AsyncServer):  # type: ignore[misc]  # the library ships no types
    """The Engine.IO side: real addresses, bounded handshakes, our own sockets."""

    metrics: Metrics
    malformed: Callable[[str], Awaitable[None]]
    wait: Callable[[str], float]
    edge: Edge
    start_service_task: bool
    _async: dict[str, Any]

    def setup(self, edge: Edge, metrics: Metrics) -> None:
        """Replace the parts of the driver that cannot be configured."""
        self.metrics = metrics
        self.edge = edge
        self.cors_allowed_origins = self._admits_page
        self._async = {
            **self._async,
            "websocket": PlainWebSocket,
            "translate_request": self._translate,
        }

    def attach(self, app: web.Application, engineio_path: str = "engine.io") -> None:
        """Serve `engineio_path` of `app`; a method that is not spoken is refused here too."""
        super().attach(app, engineio_path)
        app.router.add_route("*", f"/{engineio_path.strip('/')}/", self.handle_request)

    def _translate(self, request: web.Request) -> dict[str, Any]:
        environ: dict[str, Any] = driver.translate_request(request)
        environ["REMOTE_ADDR"] = self.edge.address(request)
        return environ

    def _admits_page(self, _origin: str, environ: dict[str, Any]) -> bool:
        return self.edge.admits(environ["aiohttp.request"])

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Answer one request of Engine.IO."""
        sid = request.query.get("sid", "")
        opened = self.sockets.get(sid)
        gone = None
        if opened is not None and opened.closed:
            # The stock server forgets it while it looks for it, and answers a POST with 500.
            gone = self.sockets.pop(sid)
            opened = None
        answer: web.StreamResponse
        if request.method == "OPTIONS" or not self.edge.admits(request):
            answer = await super().handle_request(request)
        elif gone is not None and gone.unheard and _polls(request):
            answer = await self._make_response(
                self._ok(gone.last_words()), self._translate(request)
            )
        elif wrong := self._wrong(request, opened is not None):
            answer = await self._make_response(self.refusal(wrong), self._translate(request))
        elif opened is not None and opened.websocket and request.query["transport"] == "websocket":
            # The stock server refuses the request; the protocol has the WebSocket closed.
            answer = await opened.handle_get_request(self._translate(request))
        else:
            answer = await super().handle_request(request)
        return answer

    def _wrong(self, request: web.Request, known: bool) -> str:
        """What makes a request none of Engine.IO, "" for nothing.

        Engine.IO protocol, "Query parameters": each that is mandatory is looked at, also
        in later requests. The stock server takes a missing transport for polling, and
        answers other methods with 405.
        """
        query = request.query
        if query.get("transport") not in self.transports:
            return "Transport unknown"
        if "sid" in query and not known:
            return "Session ID unknown"
        if request.method not in METHODS or ("sid" not in query and request.method != "GET"):
            return "Bad handshake method"
        if query.get("EIO") != "4":
            return "Unsupported protocol version"
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        if "j" in query or upgrade != (query["transport"] == "websocket"):
            return "Bad request"
        return ""

    def refusal(self, message: str = "Bad request") -> dict[str, Any]:
        """Status 400 with a code, as the reference implementation answers."""
        body = {"code": REFUSALS.get(message, REFUSALS["Bad request"]), "message": message}
        return {
            "status": "400 BAD REQUEST",
            "headers": [("Content-Type", "application/json")],
            "response": json.dumps(body).encode(),
        }

    def _bad_request(self, message: str | None = None) -> dict[str, Any]:
        return self.refusal(message or "Bad request")

    def _ok(self, packets: Any = None, headers: Any = None, jsonp_index: Any = None) -> Any:
        """`ok` where a batch was taken, in small letters: "Sending data"."""
        answer = super()._ok(packets, headers, jsonp_index)
        if packets is None:
            answer["response"] = b"ok"
        return answer

    def create_queue(self, *args: Any, **kwargs: Any) -> OutQueue:
        """A queue that knows its bytes."""
        return OutQueue()

    async def _handle_connect(
        self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None
    ) -> Any:
        if seconds := self.wait(environ["REMOTE_ADDR"]):
            self.metrics.count("handshakes_total", "refused")
            return _too_many(seconds)
        if self.start_service_task:
            self.start_service_task = False
            self.service_task_handle = self.start_background_task(self._service_task)
        sid = self.generate_id()
        opened = GuardedSocket(self, sid)
        self.sockets[sid] = opened
        await opened.send(
            packet.Packet(
                packet.OPEN,
                {
                    "sid": sid,
                    "upgrades": self._upgrades(sid, transport),
                    "pingTimeout": int(self.ping_timeout * 1000),
                    "pingInterval": int(self.ping_interval * 1000),
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


def _polls(request: web.Request) -> bool:
    return request.method == "GET" and request.query.get("transport") == "polling"


def _too_many(seconds: float) -> dict[str, Any]:
    """RFC 6585, section 4."""
    return {
        "status": "429 TOO MANY REQUESTS",
        "headers": [("Content-Type", "text/plain"), ("Retry-After", str(math.ceil(seconds)))],
        "response": b"Too many connections from this address; try again later",
    }
