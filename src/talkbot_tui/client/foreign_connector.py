"""Getting a connection to somebody else's server: open, log in, join; nothing else is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote, urlencode

import aiohttp

from talkbot_tui.client.addresses import Address
from talkbot_tui.client.connector import SocketIoConnector
from talkbot_tui.client.dialects.declared import Declared
from talkbot_tui.client.dialects.foreign import ForeignDialect
from talkbot_tui.client.dialects.incoming import UNTAKEN
from talkbot_tui.client.dialects.steps import STEP_S, perform
from talkbot_tui.client.memory import FixedToken
from talkbot_tui.client.socketio_transport import BinaryData, SocketIoTransport
from talkbot_tui.client.transport import (
    Frame,
    LinkLost,
    NotOffered,
    Payload,
    Refused,
    Unanswered,
    Unreachable,
)

KEPT_MAX = 10_000
"""So many events may come before that is done."""


class ForeignTransport(SocketIoTransport):
    """A connection on which nothing can be sent but what the dialect's file names."""

    def __init__(self, session: aiohttp.ClientSession, declared: Declared) -> None:
        """`session` is closed with the connection."""
        super().__init__(session, declared.connect.namespace, whole_acks=True)
        self._allowed = declared.sends()

    async def emit(self, event: str, payload: Payload) -> None:
        """As any transport; raises `NotOffered` for another event."""
        self._check(event)
        await super().emit(event, payload)

    async def request(self, event: str, payload: Payload, patience: float) -> object:
        """As any transport, the answer with all its arguments; raises `NotOffered`, too."""
        self._check(event)
        return await super().request(event, payload, patience)

    def unreadable(self, error: Exception) -> None:
        """As any transport; of binary data, which is not taken, the user is told."""
        super().unreadable(error)
        if isinstance(error, BinaryData):
            self.arrived(UNTAKEN, ())

    def _check(self, event: str) -> None:
        if event not in self._allowed:
            raise NotOffered(event)


class ForeignConnector(SocketIoConnector):
    """Connects to one server as its dialect says."""

    def __init__(
        self,
        address: Address,
        dialect: ForeignDialect,
        *,
        transports: tuple[str, ...] = ("websocket", "polling"),
        step_s: float = STEP_S,
    ) -> None:
        """`transports` may leave one out; `step_s`: how long a login or a room may take."""
        super().__init__(address, FixedToken(""), transports=transports)
        self._dialect = dialect
        self._step_s = step_s
        self._declared = dialect.state.declared

    async def connect(self) -> SocketIoTransport:
        """Connect, log in, join; raises `Refused` and `Unreachable`."""
        self._dialect.state.sid = ""
        auth = self._declared.connect.auth
        filled = auth.fill(self._dialect.state.known()) if auth else None
        try:
            transport = await self._try_plans(filled)
        except Refused as refused:
            raise self._refused(refused) from None
        try:
            await self._settle(transport)
        except (LinkLost, Unanswered) as error:
            await transport.close()
            raise Unreachable("closed", str(error)) from None
        except BaseException:
            await transport.close()
            raise
        return transport

    # --- opening ------------------------------------------------------------------

    def _transport(self) -> SocketIoTransport:
        return ForeignTransport(self._session(), self._declared)

    async def _begin(self, transport: SocketIoTransport, plan: Sequence[str], auth: object) -> None:
        connect, known = self._declared.connect, self._dialect.state.known()
        query = connect.query.fill(known)
        headers = connect.headers.fill(known)
        cookies = connect.cookies.fill(known)
        assert isinstance(query, dict)
        assert isinstance(headers, dict)
        assert isinstance(cookies, dict)
        if cookies:
            pairs = (f"{name}={quote(str(value), safe='')}" for name, value in cookies.items())
            headers["Cookie"] = "; ".join(pairs)
        url = self._address.origin + (f"?{urlencode(query)}" if query else "")
        path = f"{self._address.prefix}{connect.path}".strip("/")
        await transport.open(url, path, plan, auth, headers)

    def _refused(self, refused: Refused) -> Refused:
        """A namespace that is not there will not be there at the next attempt."""
        if refused.code == "Invalid namespace":
            return Refused("namespace", f"Invalid namespace: {self._declared.connect.namespace}")
        return refused

    # --- login and rooms ----------------------------------------------------------

    async def _settle(self, transport: SocketIoTransport) -> None:
        """Everything that has to be done before we are there; what came meanwhile waits."""
        state = self._dialect.state
        state.sid = transport.sid
        kept: list[Frame] = []
        settling = asyncio.ensure_future(self._steps(transport))
        taking = asyncio.ensure_future(self._take(transport, kept))
        try:
            await asyncio.wait({settling, taking}, return_when=asyncio.FIRST_COMPLETED)
            if not settling.done():
                # Only a lost connection ends the taking.
                taking.result()
            settling.result()
        finally:
            for task in (settling, taking):
                task.cancel()
            await asyncio.wait({settling, taking})
            for task in (settling, taking):
                if not task.cancelled():
                    task.exception()
        transport.give_back(kept)

    async def _steps(self, transport: SocketIoTransport) -> None:
        state, login, join = self._dialect.state, self._declared.login, self._declared.join
        if login is not None:
            await perform(login, "", state, transport, self._step_s)
        if join is not None:
            for room in state.wanted:
                await perform(join, room, state, transport, self._step_s)

    async def _take(self, transport: SocketIoTransport, kept: list[Frame]) -> None:
        while True:
            for name, arguments in await transport.receive():
                self._dialect.state.look(name, arguments)
                if len(kept) < KEPT_MAX:
                    kept.append((name, arguments))
