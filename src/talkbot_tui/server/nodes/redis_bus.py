"""The bus over Redis: publish and subscribe on one channel, nothing kept there.

Whatever Redis does, `send` only puts into a bounded queue. One task carries the queue there,
another reads; each call has its deadline. Whether it works is seen by what we send coming back
to us: a Redis that stands still, or a connection that only looks alive, is noticed within
seconds, and everything is made anew.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import redis.asyncio as redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    InvalidResponse,
    NoPermissionError,
    ResponseError,
)

from talkbot_tui.server.nodes import hints
from talkbot_tui.server.nodes.bus import Heard
from talkbot_tui.server.nodes.hints import Beat, Hint
from talkbot_tui.server.nodes.place import BusProblem, RedisPlace

log = logging.getLogger("talkbot.server")

CALL_SECONDS = 2.0
ECHO_SECONDS = 3.0
BEAT_SECONDS = 1.0
WAIT_SECONDS = (0.1, 5.0)
QUEUE_MAX = 10_000
_chance = random.SystemRandom()


class RedisBus:
    """One server's end of the bus."""

    def __init__(self, place: RedisPlace) -> None:
        """`place` says where; nothing is connected before `start`."""
        self._place = place
        self._chat = self._node = self._channel = ""
        self._queue: deque[Hint] = deque(maxlen=QUEUE_MAX)
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._heard: Heard | None = None
        self._recovered: Callable[[], None] = _nothing
        self._task: asyncio.Task[None] | None = None
        self._echoed = 0.0
        self._turn = 0
        self._told = ""
        self.up = False

    def send(self, hint: Hint) -> None:
        """Queue it; where nobody is there to take it, it is not kept: it would be stale."""
        if self.up:
            self._queue.append(hint)
            self._filled.set()
            self._emptied.clear()

    async def start(
        self, chat: str, node: str, heard: Heard, recovered: Callable[[], None]
    ) -> None:
        """Try once, then go on for ever.

        Raises `BusProblem` for a refusal: a password, a right, or something that is no Redis.
        A Redis that is not there is no reason not to start: it may come, and may go again.
        """
        self._chat, self._node, self._heard, self._recovered = chat, node, heard, recovered
        self._channel = f"{hints.PROJECT}:{hints.VERSION}:{chat}"
        try:
            async with asyncio.timeout(2 * CALL_SECONDS), self._connected():
                pass
        except Exception as error:
            refusal = _refusal(error)
            if refusal:
                raise BusProblem(f"{self._place.told}: {refusal}") from None
            self._tell_down(error)
        self._task = asyncio.create_task(self._run(), name="bus")

    async def stop(self) -> None:
        """End within a second; what is queued still goes out where that is quick."""
        if self._task is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await self._emptied.wait()
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=0.5)
        self._task = None

    # --- the connection ---------------------------------------------------------------------

    async def _run(self) -> None:
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._serve()
            except Exception as error:
                self._tell_down(error)
            finally:
                self.up = False
                self._queue.clear()
            if asyncio.get_running_loop().time() - began > ECHO_SECONDS * 2:
                failures = 0
            failures = min(failures + 1, 6)
            most = min(WAIT_SECONDS[1], WAIT_SECONDS[0] * 2**failures)
            await asyncio.sleep(_chance.uniform(WAIT_SECONDS[0], most))

    async def _serve(self) -> None:
        """Connect, then carry both ways until something fails."""
        async with asyncio.timeout(3 * CALL_SECONDS) as patience, self._connected() as (out, into):
            self._echoed = asyncio.get_running_loop().time()
            await self._beat(out)
            patience.reschedule(None)
            tasks = [
                asyncio.ensure_future(part)
                for part in (self._write(out), self._read(into), self._listen_for_ourselves())
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks, timeout=0.2)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[redis.Redis, PubSub]]:
        """One connection to send over, one that has subscribed."""
        client = await self._client()
        into = client.pubsub()
        try:
            await client.ping()
            await into.subscribe(self._channel)
            while (first := await into.get_message(timeout=CALL_SECONDS)) is None:
                pass
            if first["type"] != "subscribe":
                raise InvalidResponse(f"an answer of the kind {first['type']}")
            # A right to listen alone would be noticed only when something is told.
            await client.publish(self._channel, self._packet([Beat()]))
            yield client, into
        finally:
            with suppress(Exception):
                async with asyncio.timeout(0.5):
                    await into.aclose()  # type: ignore[no-untyped-call]  # it has none
            with suppress(Exception):
                async with asyncio.timeout(0.5):
                    await client.aclose()

    async def _client(self) -> redis.Redis:
        """A client of the next host, or of the one that the sentinels name."""
        place = self._place
        options: dict[str, Any] = {
            "username": place.user or None,
            "password": place.password or None,
            "socket_timeout": CALL_SECONDS,
            "socket_connect_timeout": CALL_SECONDS,
            "retry": Retry(NoBackoff(), 0),
            "health_check_interval": 0,
            "protocol": 2,
            "client_name": "talkbot-tui",
        }
        if place.tls:
            options |= {"ssl": True, "ssl_ca_certs": place.ca_file or None}
        self._turn += 1
        hosts = place.hosts[self._turn % len(place.hosts) :] + place.hosts
        if place.service:
            asked = {
                "socket_timeout": 1.0,
                "socket_connect_timeout": 1.0,
                "retry": options["retry"],
            }
            if place.tls:
                asked |= {"ssl": True, "ssl_ca_certs": place.ca_file or None}
            sentinel = Sentinel(hosts[: len(place.hosts)], sentinel_kwargs=asked)  # type: ignore[no-untyped-call]  # it has none
            try:
                host, port = await sentinel.discover_master(place.service)
            finally:
                for one in sentinel.sentinels:
                    await one.aclose()
        else:
            host, port = hosts[0]
        return redis.Redis(host=host, port=port, **options)

    # --- both ways ----------------------------------------------------------------------------

    async def _write(self, client: redis.Redis) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._filled.wait()
            self._filled.clear()
            if not self._queue:
                await self._beat(client)
            while self._queue:
                size = min(len(self._queue), hints.FIT)
                await self._publish(client, [self._queue.popleft() for _ in range(size)])
            self._emptied.set()

    async def _beat(self, client: redis.Redis) -> None:
        await self._publish(client, [Beat()])

    async def _publish(self, client: redis.Redis, told: list[Hint]) -> None:
        packet = self._packet(told)
        if len(packet) > hints.BYTES_MAX and len(told) > 1:
            half = len(told) // 2
            await self._publish(client, told[:half])
            await self._publish(client, told[half:])
            return
        async with asyncio.timeout(CALL_SECONDS):
            await client.publish(self._channel, packet)

    def _packet(self, told: list[Hint]) -> bytes:
        return hints.encode(self._chat, self._node, told)

    async def _read(self, into: PubSub) -> None:
        while True:
            message = await into.get_message(timeout=CALL_SECONDS)
            if message is None or message["type"] != "message":
                continue
            packet = hints.decode(message["data"], self._chat)
            if packet is None or self._heard is None:
                continue
            if packet.node == self._node:
                self._echo()
            else:
                try:
                    self._heard(packet)
                except Exception:
                    log.exception("a hint of another server could not be used")

    def _echo(self) -> None:
        self._echoed = asyncio.get_running_loop().time()
        if not self.up:
            self.up = True
            if self._told:
                log.warning("Redis is there again")
            self._told = ""
            self._recovered()

    async def _listen_for_ourselves(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS / 2)
            if asyncio.get_running_loop().time() - self._echoed > ECHO_SECONDS:
                raise TimeoutError("it does not give back what it is told")

    def _tell_down(self, error: Exception) -> None:
        """Say once what is wrong, and again when it is something else."""
        reason = _refusal(error) or " ".join(str(error).split()) or type(error).__name__
        if self._place.tls and "timeout" in reason.lower():
            reason += "; does it speak TLS there?"
        if reason != self._told:
            self._told = reason
            log.warning(
                "Redis cannot be used now (%s): %s; servers find out from the database",
                self._place.told,
                reason,
            )


def _refusal(error: Exception) -> str:
    """What waiting will not mend, in words; empty for the rest."""
    said = " ".join(str(error).split())
    if isinstance(error, NoPermissionError):
        return f"the user may not publish and subscribe there; ACL: &talkbot-tui:* ({said})"
    wrong = said.startswith(("WRONGPASS", "NOAUTH", "ERR AUTH", "ERR Client sent AUTH"))
    if isinstance(error, (AuthenticationError, AuthorizationError)) or wrong:
        return f"the user or the password is wrong, or one is needed ({said})"
    if isinstance(error, InvalidResponse) or "Protocol Error" in said:
        return "what answers there is no Redis"
    if isinstance(error, ResponseError) and not said.startswith(("LOADING", "MASTERDOWN", "BUSY")):
        return f"it refuses: {said}"
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return (
            f"its certificate is not trusted; TALKBOT_REDIS_CA_FILE names your authority ({said})"
        )
    if "WRONG_VERSION_NUMBER" in said or "record layer" in said:
        return "it does not speak TLS there; redis:// instead of rediss://?"
    return ""


def _nothing() -> None:
    return None
