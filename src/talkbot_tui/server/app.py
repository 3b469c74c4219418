"""A running server: parts put together, started, and stopped within seconds."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import filelock
from aiohttp import web
from socketio.exceptions import ConnectionRefusedError

from talkbot_tui.server import service_messages, service_rooms
from talkbot_tui.server.auth import Accounts
from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.connections import Connection
from talkbot_tui.server.dispatcher import Dispatcher
from talkbot_tui.server.edge import Edge
from talkbot_tui.server.fanout import Fanout
from talkbot_tui.server.handlers import LiveHandlers, table
from talkbot_tui.server.hardening import GuardedServer
from talkbot_tui.server.http_api import HttpApi
from talkbot_tui.server.ids import now_ms
from talkbot_tui.server.key_agreement import agree_on_key
from talkbot_tui.server.metrics import Metrics
from talkbot_tui.server.nodes.agreement import agree_on_time, bus_of
from talkbot_tui.server.nodes.bus import Bus
from talkbot_tui.server.nodes.node import Nodes
from talkbot_tui.server.outcome import Actor
from talkbot_tui.server.patience import NoStrangers, Patience
from talkbot_tui.server.presence import PresenceBook
from talkbot_tui.server.storage import messages, sessions
from talkbot_tui.server.storage.database import Database, StoreProblem, open_database
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.server.streams import Streams
from talkbot_tui.server.tls import server_context
from talkbot_tui.server.tokens import Signer, load_key, load_previous
from talkbot_tui.wire.client_events import Handshake
from talkbot_tui.wire.codec import convert_client
from talkbot_tui.wire.errors import Code, GoodbyeCode, Refused
from talkbot_tui.wire.scalars import NAMESPACE, PROTOCOL

log = logging.getLogger("talkbot.server")

CONNECT_SECONDS = 5.0
SWEEP_SECONDS = 1.0
STOP_SECONDS = 1.0
RECONNECT_MS = 1000


class PortTaken(OSError):
    """Another program listens there."""


class RunningServer:
    """One server process' worth of server."""

    def __init__(
        self, config: ServerConfig, database: Database, signer: Signer, bus: Bus | None = None
    ) -> None:
        """Put the parts together; nothing runs yet. `bus`: where there may be other servers."""
        self.config = config
        self.metrics = Metrics()
        self.database = database
        self.epoch = ""
        self.port = 0
        self._connected = 0
        self.edge = Edge(
            config.trusted_proxies, config.origins, tls=config.tls_certificate is not None
        )
        self.sio = GuardedServer(config, self.edge, self.metrics)
        self.fanout = Fanout(self.sio, self.metrics, config.send_buffer_bytes)
        self.accounts = Accounts(config, database, self.fanout, signer)
        self.dispatcher = Dispatcher(config, database, self.fanout, self.metrics)
        self.presence = PresenceBook(config, database, self.fanout)
        self.streams = Streams(config, database, self.fanout, self.metrics)
        self.fanout.streams = self.streams
        self.api = HttpApi(
            self.edge, database, self.accounts, self.fanout, self.dispatcher, self.metrics, config
        )
        self.nodes: Nodes | None = None
        if bus is not None:
            self.nodes = Nodes(
                database,
                self.fanout,
                self.presence,
                self.streams,
                self.dispatcher,
                self.accounts,
                self.metrics,
                bus,
            )
        self.patience = Patience(config.handshake_seconds)
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        self._lock: filelock.BaseFileLock | None = None
        self._revocations = 0
        self._draining = False

    @property
    def url(self) -> str:
        """Where it listens."""
        host = self.config.host
        scheme = "https" if self.config.tls_certificate else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def visits(self) -> int:
        """Grows when a person signs in or connects; who signs in is about to connect."""
        return self._connected + self.accounts.handed_out

    def people_online(self) -> int:
        """How many connections people (not bots) have."""
        return sum(1 for c in self.fanout.connections.values() if not c.actor.user.bot)

    async def ensure_bot(self, name: str, display_name: str) -> str:
        """Make sure of a bot's account and return a fresh personal token for it."""
        return await self.accounts.ensure_bot(name, display_name)

    async def start(self) -> None:
        """Prepare the store, then accept connections.

        Raises `PortTaken`, or `OSError` for an address that cannot be used.
        """
        self.epoch = await self.database.write(self._prepare)
        if self.nodes is None:
            await self.database.write(service_messages.fail_orphans)
        else:
            await self.nodes.start(self.epoch)
        self._revocations = await self.database.read(sessions.last_revocation)
        live = LiveHandlers(
            self.config,
            self.database,
            self.fanout,
            self.dispatcher,
            self.accounts,
            self.presence,
            self.streams,
            self.epoch,
        )
        self.dispatcher.handlers = table(live)
        self.sio.accept = self.dispatcher.accept
        self.sio.unsupported = self._unsupported
        self.sio.on("connect", self._connect, namespace=NAMESPACE)
        self.sio.on("disconnect", self._disconnect, namespace=NAMESPACE)
        self.fanout.gone.append(self._gone)
        self.metrics.gauge("connections", lambda: len(self.fanout.connections))
        self.metrics.gauge("people_online", self.presence.online)
        self.metrics.gauge("store_commits", lambda: self.database.writer.commits)
        self.metrics.gauge("store_units", lambda: self.database.writer.units)
        await self._listen()
        others = self.nodes.loops() if self.nodes else ()
        loops = (self._sweep, self._poll, self.presence.run, self.streams.run, *others)
        self._tasks = [asyncio.ensure_future(keep_running(loop)) for loop in loops]

    async def stop(self) -> None:
        """Say goodbye, answer what was taken, close within 5 s; idempotent."""
        if self._draining:
            return
        self._draining = True
        self.api.ready = False
        await self.dispatcher.drain(self.config.drain_seconds)
        for connection in tuple(self.fanout.connections.values()):
            self.fanout.goodbye(connection, GoodbyeCode.DRAINING, RECONNECT_MS)
        await self.fanout.finish()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.nodes is not None:
            await self.nodes.stop()
        await self.sio.end_all()
        if self._runner is not None:
            await self._runner.cleanup()
        self.accounts.hasher.close()
        await asyncio.get_running_loop().run_in_executor(None, self.database.close)
        if self._lock is not None:
            self._lock.release()

    def _prepare(self, tx: Tx) -> str:
        return service_rooms.prepare(tx, self.config)

    async def _listen(self) -> None:
        app = web.Application(middlewares=[self.patience.middleware, self.api.guard])
        app.add_routes(self.api.routes())
        app.on_response_prepare.append(self.edge.mark)
        self.sio.attach(app)
        strangers = logging.Logger("talkbot.http")
        strangers.parent = log
        strangers.addFilter(NoStrangers(lambda: self.metrics.count("http_total", "malformed")))
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=strangers,
            shutdown_timeout=STOP_SECONDS,
            handle_signals=False,
        )
        await self._runner.setup()
        config = self.config
        tls = config.tls_certificate and server_context(config.tls_certificate, config.tls_key)
        site = web.TCPSite(
            self._runner, config.host, config.port, reuse_address=True, ssl_context=tls or None
        )
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(
                    error.errno, f"port {self.config.port} is taken; choose another with --port"
                ) from None
            raise
        self.port = self._runner.addresses[0][1]

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._admit(sid, environ, auth)
        except Refused as error:
            self.metrics.count("handshakes_total", error.code.value)
            body = error.body()
            data: dict[str, Any] = {"retryable": body.retryable}
            if body.retry_after_ms is not None:
                data["retryAfterMs"] = body.retry_after_ms
            raise ConnectionRefusedError(error.code.value, data) from None
        except Exception as error:
            # The library would leave the client waiting for ever.
            if not isinstance(error, TimeoutError):
                log.exception("a handshake failed")
            self.metrics.count("handshakes_total", "failed")
            again = {"retryable": True, "retryAfterMs": RECONNECT_MS}
            raise ConnectionRefusedError(Code.BUSY.value, again) from None

    async def _admit(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        if self._draining:
            raise Refused(Code.BUSY, "The server is stopping.", retry_after_ms=RECONNECT_MS)
        if not isinstance(auth, dict) or "token" not in auth:
            raise Refused(Code.AUTH_REQUIRED, "Sign in first.")
        if auth.get("protocol", PROTOCOL) != PROTOCOL:
            raise Refused(Code.PROTOCOL_UNSUPPORTED, f"This server speaks protocol {PROTOCOL}.")
        try:
            asked = convert_client(auth, Handshake)
        except Refused:
            raise Refused(Code.TOKEN_INVALID, "The handshake is not valid.") from None
        grant = await self.accounts.check(asked.token)
        if len(self.fanout.of_user(grant.user.user_id)) >= self.config.connections_per_user:
            raise Refused(Code.RATE_LIMITED, "Too many connections.", retry_after_ms=10_000)
        eio_sid = self.sio.manager.eio_sid_from_sid(sid, NAMESPACE)
        if not self.sio.is_open(eio_sid):
            # Closed while its token was looked at: no end of it would be told any more.
            raise Refused(Code.BUSY, "The connection is closed.", retry_after_ms=RECONNECT_MS)
        connection = Connection(
            sid=sid,
            eio_sid=eio_sid,
            address=environ["REMOTE_ADDR"],
            actor=Actor(grant.user, grant.session_id),
            expires_at=grant.expires_at,
            out=self.sio.queue_of(eio_sid),
            inbox=asyncio.Queue(self.config.queue_max),
        )
        self.metrics.count("handshakes_total", "ok")
        self._connected += not grant.user.bot
        self.fanout.admit(connection)
        self.presence.came(connection)
        self.dispatcher.start(connection)

    async def _disconnect(self, sid: str, reason: str) -> None:
        connection = self.fanout.connections.get(sid)
        if connection is not None:
            self.fanout.drop(connection)

    def _unsupported(self, sid: str) -> None:
        if sid in self.fanout.connections:
            self.fanout.goodbye(self.fanout.connections[sid], GoodbyeCode.UNSUPPORTED)

    def _gone(self, connection: Connection) -> None:
        if connection.task is not None:
            connection.task.cancel()
        # A receiver that waits for room in the queue must not wait for ever.
        while not connection.inbox.empty():
            connection.inbox.get_nowait()

    async def _sweep(self) -> None:
        """Close connections whose token has ended, and those that ask nothing."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            if self._runner is not None and self._runner.server is not None:
                self.patience.sweep(self._runner.server)
            now = now_ms()
            for connection in tuple(self.fanout.connections.values()):
                if connection.expires_at <= now:
                    self.fanout.goodbye(connection, GoodbyeCode.TOKEN_EXPIRED)

    async def _poll(self) -> None:
        """Close what another process has revoked."""
        while True:
            if self.nodes is None:
                await asyncio.sleep(self.config.poll_seconds)
            else:
                await self.nodes.until_revoked(self.config.poll_seconds)
            above = self._revocations
            for number, user_id, session_id in await self.database.read(
                lambda tx, above=above: sessions.revocations(tx, above)  # type: ignore[misc]  # bound now
            ):
                # "All of theirs" means all up to then: somebody may have signed in since.
                await self.accounts.recheck(user_id, session_id)
                self._revocations = number
            untidy = await self.database.read(messages.index_untidy)
            while untidy:
                untidy = await self.database.write(messages.tidy_index)


async def keep_running(loop: Callable[[], Awaitable[None]], pause: float = 1.0) -> None:
    """Run `loop` until cancelled; one that fails is logged and begins again after `pause` s."""
    while True:
        try:
            await loop()
        except Refused as error:
            # A database that has gone for a while; each request says so, too.
            log.warning("a loop of the server waits: %s", error.message)
        except Exception:
            # Without it nobody would end revoked sessions, or tell who is there.
            log.exception("a loop of the server failed and begins anew")
        await asyncio.sleep(pause)


async def start_server(config: ServerConfig, bus: Bus | None = None) -> RunningServer:
    """Open the store, migrate it, listen.

    bus: to the other servers of a database server, where it is not to be the configured one.
    Raises `StoreProblem`, `BusProblem`, `PortTaken`, `ValueError` for an unusable signing key,
    `OSError`.
    """
    loop = asyncio.get_running_loop()
    database = await loop.run_in_executor(
        None, open_database, config.data_dir, config.database_url, config.database
    )
    try:
        lock = None if config.database_url else _lock(config)
        signer = _signer(config)
        if config.database_url:
            await loop.run_in_executor(None, agree_on_key, database, signer.fingerprints)
            await loop.run_in_executor(None, agree_on_time, database)
            bus = bus or bus_of(config.redis)
        server = RunningServer(config, database, signer, bus)
    except BaseException:
        database.close()
        raise
    server._lock = lock
    try:
        await server.start()
    except BaseException:
        await server.stop()
        raise
    return server


def _signer(config: ServerConfig) -> Signer:
    seconds = config.access_seconds
    if config.secret:
        return Signer(config.secret, seconds)
    key = load_key(config.data_dir)
    return Signer(key, seconds, load_previous(config.data_dir, seconds))


def _lock(config: ServerConfig) -> filelock.BaseFileLock:
    """One server for one folder: a second one would not hear of the first one's messages."""
    lock = filelock.FileLock(config.data_dir / "serve.lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise StoreProblem(
            f"{config.data_dir}: another server uses this folder; stop it or choose another"
        ) from None
    return lock
