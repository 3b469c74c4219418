"""Getting a connection: WebSocket first, long polling where WebSocket does not get through.

A server behind a proxy that swallows or refuses WebSockets is remembered for
the life of the connector, so that later attempts do not lose seconds on it;
every few minutes an attempt tries the upgrade again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import aiohttp

from talkbot_tui import __version__
from talkbot_tui.client import tls
from talkbot_tui.client.addresses import Address
from talkbot_tui.client.bounded import BoundedResponse
from talkbot_tui.client.errors import is_local, unreachable
from talkbot_tui.client.socketio_transport import SocketIoTransport
from talkbot_tui.client.transport import Refused, TokenSource, TransportError, Unreachable
from talkbot_tui.wire.scalars import PROTOCOL

log = logging.getLogger(__name__)

ATTEMPT_S = 15.0
PROBE_S = 300.0
WEBSOCKET = ("websocket",)
POLLING = ("polling",)
UPGRADE = ("polling", "websocket")


class SocketIoConnector:
    """Connects one account to one server."""

    def __init__(
        self,
        address: Address,
        tokens: TokenSource,
        *,
        transports: tuple[str, ...] = ("websocket", "polling"),
        trusting: ssl.SSLContext | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """`transports` may leave one out; `trusting` replaces `client.tls`; `clock` in seconds."""
        self._address = address
        self._tokens = tokens
        self._allowed = transports
        self._trusting = trusting
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        # Proxies keep a client on one node by this; it says nothing about the user.
        self._routing_key = secrets.token_urlsafe(9)
        self._polling_only = False
        self._probe_at = 0.0
        self._renew = False
        self._renewed_in_vain = False

    @property
    def tokens(self) -> TokenSource:
        """Where this connector takes its tokens from."""
        return self._tokens

    async def connect(self) -> SocketIoTransport:
        """Connect and authenticate; raises `Refused` and `Unreachable`."""
        token = await self._tokens.token(renew=self._renew)
        renewed, self._renew = self._renew, False
        auth = {
            "token": token.value,
            "protocol": PROTOCOL,
            "client": {"name": "talkbot-tui", "version": __version__},
        }
        try:
            transport = await self._try_plans(auth)
        except Refused as refused:
            if refused.code in ("token_expired", "token_invalid") and not renewed:
                # Ours may simply be old; whether a fresh one is taken, the next attempt shows.
                self._renew = True
                raise Refused(refused.code, refused.message, retryable=True) from None
            raise
        return transport

    def plans(self) -> list[tuple[str, ...]]:
        """Which transports to try in this attempt, in turn."""
        websocket, polling = (name in self._allowed for name in ("websocket", "polling"))
        if not polling:
            return [WEBSOCKET]
        if not websocket:
            return [POLLING]
        if not self._polling_only:
            return [WEBSOCKET, POLLING]
        if self._clock() >= self._probe_at:
            return [UPGRADE, POLLING]
        return [POLLING]

    async def _try_plans(self, auth: object) -> SocketIoTransport:
        failure: Unreachable | None = None
        for plan in self.plans():
            try:
                transport = await self._open(plan, auth)
            except Unreachable as error:
                log.debug("%s: %s (%s)", "+".join(plan), error.code, error.detail)
                failure = failure if failure and error.code == "network" else error
                if is_local(error):
                    break
                continue
            self._learn(plan, transport.name)
            return transport
        assert failure is not None
        self._polling_only = False
        raise failure

    def _learn(self, plan: tuple[str, ...], name: str) -> None:
        if name == "websocket":
            self._polling_only = False
        elif "websocket" in self._allowed and (plan == UPGRADE or not self._polling_only):
            self._polling_only = True
            self._probe_at = self._clock() + PROBE_S

    async def _open(self, plan: tuple[str, ...], auth: object) -> SocketIoTransport:
        transport = self._transport()
        try:
            async with asyncio.timeout(ATTEMPT_S):
                await self._begin(transport, plan, auth)
        except Refused:
            await transport.close()
            raise
        except asyncio.CancelledError:
            await transport.close()
            raise
        except Exception as error:
            await transport.close()
            if isinstance(error, TransportError):
                raise Unreachable("closed", str(error)) from None
            raise unreachable(error) from None
        return transport

    def _transport(self) -> SocketIoTransport:
        return SocketIoTransport(self._session())

    async def _begin(self, transport: SocketIoTransport, plan: Sequence[str], auth: object) -> None:
        url = f"{self._address.origin}?rk={self._routing_key}"
        await transport.open(url, self._address.socketio_path, plan, auth)

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            # While connecting, four silent seconds mean that something swallows our
            # words; on a standing connection the library sets its own patience.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=4),
            connector=aiohttp.TCPConnector(
                ssl=tls.trusted() if self._trusting is None else self._trusting
            ),
            trust_env=self._address.through_proxy,
            response_class=BoundedResponse,
            trace_configs=[no_redirects()],
            middlewares=(no_repeats,),
        )


async def no_repeats(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A request whose connection broke is not sent again behind our back, as aiohttp would.

    The answer to a poll that was lost on the way had packets in it: another poll goes on
    without them, and what they answered is waited for in vain.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def no_redirects() -> aiohttp.TraceConfig:
    """A redirect could lead from https to http, or to somebody else: none is followed."""

    async def refuse(
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestRedirectParams,
    ) -> None:
        raise aiohttp.ClientError("Unexpected response: a redirect")

    config = aiohttp.TraceConfig()
    config.on_request_redirect.append(refuse)
    return config
