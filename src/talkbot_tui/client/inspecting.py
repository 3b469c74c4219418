"""A connection for looking only: it is kept up, and nothing is said on it by itself.

Sent are the handshake, CONNECT to one namespace, and pongs; an event only when the user emits
one. What comes in goes to the tap and is not otherwise read, however long it is.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence

from talkbot_tui.client.addresses import Address
from talkbot_tui.client.bounded import BoundedResponse
from talkbot_tui.client.connector import SocketIoConnector
from talkbot_tui.client.library_seams import Client
from talkbot_tui.client.memory import FixedToken
from talkbot_tui.client.retry import HEALTHY_S, backoff
from talkbot_tui.client.socketio_transport import SocketIoTransport
from talkbot_tui.client.transport import LinkLost, Refused, TransportError
from talkbot_tui.client.wiretap import Wire, Wiretap

log = logging.getLogger(__name__)

FRAME_MAX = 64 * 1024 * 1024
"""Bytes of one packet; a longer one ends the connection."""
LIFE_CYCLE = "014"
"""The first letters of what must be read: CONNECT, DISCONNECT, CONNECT_ERROR."""


class _Response(BoundedResponse):
    most = FRAME_MAX


class _Client(Client):
    async def _handle_eio_message(self, data: str | bytes) -> None:
        if isinstance(data, str) and data[:1] in LIFE_CYCLE:
            await super()._handle_eio_message(data)


class LookingTransport(SocketIoTransport):
    """Takes in packets of any kind and reads only what belongs to the connection's life."""

    client_class = _Client
    frame_max = FRAME_MAX


class Inspection(SocketIoConnector):
    """Keeps one connection, and connects again when it ends.

    Attributes:
        wire: what an inspector needs.
    """

    response_class = _Response

    def __init__(
        self,
        address: Address,
        *,
        namespace: str = "/",
        path: str = "/socket.io",
        auth: object = None,
        headers: Mapping[str, str] | None = None,
        transports: tuple[str, ...] = ("polling", "websocket"),
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`auth`: what CONNECT carries, any JSON; `transports`: one, or both for an upgrade.

        draw: the jitter of waits, in [0, 1).
        """
        super().__init__(address, FixedToken(""), transports=transports)
        self.tap = Wiretap()
        self._namespace = namespace
        self._path = f"{address.prefix}{path}"
        self._auth = auth
        self._draw = draw
        self._headers = dict(headers or {})
        self.tap.secret(list(self._headers.values()))
        self._transport_now: SocketIoTransport | None = None
        self.wire = Wire(
            self.tap,
            lambda: self._transport_now,
            origin=address.origin,
            path=self._path,
            namespace=namespace,
        )

    def plans(self) -> list[tuple[str, ...]]:
        """All ways that were asked for, in one connection."""
        return [self._allowed]

    async def run(self) -> None:
        """Until it is cancelled."""
        failures = 0
        try:
            while True:
                began = time.monotonic()
                try:
                    await self._once()
                except (TransportError, Refused) as error:
                    log.info("the inspected connection: %s", error)
                if time.monotonic() - began >= HEALTHY_S:
                    failures = 0
                failures += 1
                delay = backoff(failures, self._draw())
                self.tap.note("waiting", f"{delay:.1f} s")
                await asyncio.sleep(delay)
        finally:
            await self._leave()

    async def _once(self) -> None:
        self._transport_now = await self._try_plans(self._auth)
        try:
            while True:
                await self._transport_now.receive()
        except LinkLost:
            return
        finally:
            await self._leave()

    async def _leave(self) -> None:
        transport, self._transport_now = self._transport_now, None
        if transport is not None:
            await transport.close()

    # --- how the connection is made -----------------------------------------------------

    def _transport(self) -> SocketIoTransport:
        return LookingTransport(self._session(), self._namespace)

    async def _begin(self, transport: SocketIoTransport, plan: Sequence[str], auth: object) -> None:
        url, path = self._address.origin, self._path.strip("/")
        await transport.open(url, path, plan, auth, self._headers)
