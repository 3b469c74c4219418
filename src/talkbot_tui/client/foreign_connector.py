"""Getting a connection to somebody else's server: open, log in, join; nothing else is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote, urlencode

import aiohttp

from talkbot_tui.client.addresses import Address
from talkbot_tui.client.connector import SocketIoConnector
from talkbot_tui.client.dialects.declared import Declared, Step
from talkbot_tui.client.dialects.foreign import ForeignDialect
from talkbot_tui.client.dialects.incoming import UNTAKEN
from talkbot_tui.client.dialects.outgoing import NO_REASON, refusal
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
from talkbot_tui.core.text import clean_line

STEP_S = 10.0
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
        self._dialect.state.sid = transport.sid
        kept: list[Frame] = []
        login, join = self._declared.login, self._declared.join
        if login is not None:
            await self._do(transport, login, "", kept)
        for room in self._dialect.state.wanted if join is not None else ():
            assert join is not None
            await self._do(transport, join, room, kept)
        transport.give_back(kept)

    async def _do(
        self, transport: SocketIoTransport, step: Step, room: str, kept: list[Frame]
    ) -> None:
        emit = step.emit
        arguments = emit.fill(self._dialect.state.known(room))
        if step.ack is not None:
            try:
                answer = await transport.request(emit.event, arguments, self._step_s)
            except Unanswered:
                raise _no_answer(emit.event, "an ack") from None
            why = refusal(step.ack, answer if isinstance(answer, tuple) else (answer,))
            if why is not None:
                raise Refused("refused_there", why)
            return
        await transport.emit(emit.event, arguments)
        if step.answer:
            try:
                async with asyncio.timeout(self._step_s):
                    await self._wait(transport, step, kept)
            except TimeoutError:
                raise _no_answer(emit.event, step.answer) from None

    async def _wait(self, transport: SocketIoTransport, step: Step, kept: list[Frame]) -> None:
        """Until the event came that says that it is done, or is not."""
        while True:
            done = False
            for name, arguments in await transport.receive():
                self._dialect.state.look(name, arguments)
                if not done and name == step.refused:
                    raise Refused("refused_there", _words(arguments))
                done = done or name == step.answer
                if len(kept) < KEPT_MAX:
                    kept.append((name, arguments))
            if done:
                return


def _no_answer(sent: str, wanted: str) -> Refused:
    """It speaks another dialect, or has trouble: which, nobody says."""
    message = f"{wanted} did not come after {sent}; is this the right dialect?"
    return Refused("no_answer", clean_line(message), retryable=True)


def _words(arguments: Sequence[object]) -> str:
    first = arguments[0] if arguments else ""
    if isinstance(first, dict):
        first = first.get("message") or first.get("error") or first
    return clean_line(str(first)) or NO_REASON
