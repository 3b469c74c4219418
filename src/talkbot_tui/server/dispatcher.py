"""Every client event passes here: one at a time per connection, one answer each.

name known → payload decoded → rate → authorized and carried out → answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.connections import Connection, Request
from talkbot_tui.server.fanout import Fanout
from talkbot_tui.server.limits import Buckets, Rate, pace, rates
from talkbot_tui.server.metrics import Metrics
from talkbot_tui.server.outcome import Actor, Outcome
from talkbot_tui.server.storage import messages
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.codec import decode_client, refused
from talkbot_tui.wire.errors import Code, GoodbyeCode, Refused
from talkbot_tui.wire.registry import CLIENT_EVENTS
from talkbot_tui.wire.scalars import ClientPayload
from talkbot_tui.wire.server_events import LimitedEvent

log = logging.getLogger("talkbot.server")

BUSY_MS = 2000
SHARED = ("message", "change", "join", "search")
"""Rates that count for all servers together: what is stored, and what costs most."""


@dataclass(frozen=True, slots=True)
class Write:
    """A handler that changes the store; `once` for those with a clientOpId."""

    run: Callable[[Tx, Actor, Any], Outcome]
    rate: str = "change"
    once: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """A handler that only reads the store."""

    run: Callable[[Tx, Actor, Any], msgspec.Struct]
    rate: str = "lookup"


@dataclass(frozen=True, slots=True)
class Live:
    """A handler about connections; None where the event has no ack."""

    run: Callable[[Connection, Any], Awaitable[msgspec.Struct | None]]
    rate: str = "light"


Handler = Write | Look | Live


class Dispatcher:
    """Runs handlers for connections."""

    def __init__(
        self, config: ServerConfig, database: Database, fanout: Fanout, metrics: Metrics
    ) -> None:
        """`handlers` is filled by `handlers.table`.

        spent: counts what was taken of each (rate, user, bot) for other servers to know.
        """
        self._config = config
        self._db = database
        self._fanout = fanout
        self._metrics = metrics
        self._buckets = Buckets()
        self._rates = {bot: rates(config, bot=bot) for bot in (False, True)}
        self._paces = {bot: pace(config, bot=bot) for bot in (False, True)}
        self._flood = Rate(config.events_burst, config.events_per_second)
        self._crowd = Rate(config.address_events_burst, config.address_events_per_second)
        self.handlers: dict[str, Handler] = {}
        self.spent: Counter[tuple[str, str, bool]] | None = None

    async def accept(self, sid: str, name: str, arguments: list[Any], ack_id: int | None) -> None:
        """Take one event from the wire; a full queue, or haste, makes the sender wait."""
        connection = self._fanout.connections.get(sid)
        if connection is None or connection.closing:
            return
        # By user, so that coming back after a flood was cut brings no fresh burst.
        flood, crowd = ("flood", connection.actor.user_id), ("crowd", connection.address)
        if self._buckets.take(flood, self._flood) or self._buckets.take(crowd, self._crowd):
            self._fanout.goodbye(connection, GoodbyeCode.FLOOD, BUSY_MS)
            return
        await self._pace(connection)
        if not connection.closing:
            await connection.inbox.put(Request(name, arguments, ack_id))

    async def _pace(self, connection: Connection) -> None:
        """Read from one user no faster than leaves the others their turns.

        Refusing is work too: 5,000 refusals a second tripled what others waited for
        their acks (bench/floods.py).
        """
        user = connection.actor.user
        wait = self._buckets.reserve(("pace", user.user_id), self._paces[user.bot])
        if wait:
            await asyncio.sleep(wait)

    def start(self, connection: Connection) -> None:
        """Begin to serve a connection."""
        connection.task = asyncio.get_running_loop().create_task(self._serve(connection))

    async def drain(self, seconds: float) -> None:
        """Let what was already taken be answered, for at most `seconds`."""
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            if not any(c.busy or c.inbox.qsize() for c in self._fanout.connections.values()):
                return
            await asyncio.sleep(0.01)

    async def _serve(self, connection: Connection) -> None:
        while not connection.closing:
            request = await connection.inbox.get()
            connection.busy = True
            try:
                await self._one(connection, request)
            finally:
                connection.busy = False

    async def _one(self, connection: Connection, request: Request) -> None:
        known = request.name if request.name in CLIENT_EVENTS else "unknown"
        self._metrics.count("events_total", known)
        answer: bytes | None
        try:
            answer = _ok(await self._handle(connection, request))
        except Refused as error:
            self._metrics.count("refused_total", error.code.value)
            self._tell_limited(connection, request, error)
            answer = msgspec.json.encode(refused(error))
        except Exception:
            self._metrics.count("internal_errors_total")
            log.exception("the event %r failed", known)
            failed = Refused(Code.INTERNAL, "Something went wrong here.", retry_after_ms=BUSY_MS)
            answer = msgspec.json.encode(refused(failed))
        if request.ack_id is not None and not connection.closing:
            self._fanout.answer(connection, request.ack_id, answer)
            await self._let_read(connection)

    async def _let_read(self, connection: Connection) -> None:
        """Serve no more than a client reads: answers pile up nowhere."""
        if connection.out.replies > self._config.send_buffer_bytes:
            await connection.out.emptied()

    def _tell_limited(self, connection: Connection, request: Request, error: Refused) -> None:
        if error.code is Code.RATE_LIMITED and request.ack_id is None:
            event = LimitedEvent(event=request.name, retry_after_ms=error.retry_after_ms or 0)
            self._fanout.to(connection, "limited", event)

    async def _handle(self, connection: Connection, request: Request) -> msgspec.Struct | None:
        if len(request.arguments) > 1:
            raise Refused(Code.BAD_REQUEST, "An event has one object.")
        payload = decode_client(request.name, request.arguments[0] if request.arguments else {})
        handler = self.handlers[request.name]
        self._limit(connection, handler.rate, payload)
        actor = connection.actor
        match handler:
            case Write():
                done = await self._db.write(
                    lambda tx: _unit(tx, actor, request.name, payload, handler),
                    self._fanout.settle,
                    getattr(payload, "conversation_id", ""),
                )
                return done.answer
            case Look():
                look = handler.run
                return await self.look(actor.user_id, lambda tx: look(tx, actor, payload))
            case Live():
                return await handler.run(connection, payload)

    async def look(self, user_id: str, question: Callable[[Tx], msgspec.Struct]) -> msgspec.Struct:
        """Read; once more when memberships changed meanwhile, so that nothing leaves too late."""
        while True:
            before = self._fanout.generation(user_id)
            answer = await self._db.read(question)
            if self._fanout.generation(user_id) == before:
                return answer

    def _limit(self, connection: Connection, rate: str, payload: ClientPayload) -> None:
        user = connection.actor.user
        key: object = (rate, user.user_id)
        if rate == "typing":
            # By conversation, but a new name of one brings no new burst.
            self._limit(connection, "light", payload)
            key = (rate, user.user_id, getattr(payload, "conversation_id", ""))
        wait = self._buckets.take(key, self._rates[user.bot][rate])
        if wait:
            raise Refused(Code.RATE_LIMITED, "Too many; wait.", retry_after_ms=int(wait * 1000) + 1)
        if self.spent is not None and rate in SHARED:
            self.spent[rate, user.user_id, user.bot] += 1

    def charge(self, rate: str, user_id: str, count: int, *, bot: bool) -> None:
        """A user took so many on another server."""
        if rate in SHARED:
            self._buckets.charge((rate, user_id), self._rates[bot][rate], count)


def _unit(tx: Tx, actor: Actor, name: str, payload: Any, handler: Write) -> Outcome:
    if not handler.once:
        return handler.run(tx, actor, payload)
    content = messages.digest(name, payload)
    op_id: str = payload.client_op_id
    first = messages.first_answer(tx, actor.user_id, op_id, content)
    if first is not None:
        kind = CLIENT_EVENTS[name].ack
        assert kind is not None
        return Outcome(msgspec.convert(first, kind))
    outcome = handler.run(tx, actor, payload)
    messages.remember_answer(tx, actor.user_id, op_id, content, outcome.answer)
    return outcome


def _ok(value: msgspec.Struct | None) -> bytes:
    encoded = b"{}" if value is None else msgspec.json.encode(value)
    return b'{"ok":true}' if encoded == b"{}" else b'{"ok":true,' + encoded[1:]
