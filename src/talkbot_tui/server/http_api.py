"""HTTP beside the sockets: accounts, sessions, tokens, a readable history, health."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from talkbot_tui.server import service_reading
from talkbot_tui.server.auth import Accounts, client_label
from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.dispatcher import Dispatcher
from talkbot_tui.server.edge import Edge
from talkbot_tui.server.fanout import Fanout
from talkbot_tui.server.limits import Buckets, Rate, rates
from talkbot_tui.server.metrics import Metrics
from talkbot_tui.server.outcome import Actor
from talkbot_tui.server.patience import whole_body
from talkbot_tui.server.storage import sessions
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.sessions import Grant
from talkbot_tui.server.strict_json import StrictJson
from talkbot_tui.wire.acks import EmptyAck
from talkbot_tui.wire.client_events import History
from talkbot_tui.wire.codec import convert_client, refused
from talkbot_tui.wire.errors import Code, Refused
from talkbot_tui.wire.http import (
    LoginRequest,
    Me,
    PasswordRequest,
    RefreshRequest,
    RegisterRequest,
    SessionsAnswer,
    TokenRequest,
    TokensAnswer,
)
from talkbot_tui.wire.scalars import ClientPayload

T = TypeVar("T", bound=ClientPayload)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

BODY_MAX = 4096
LIMITED = ("/api/", "/readyz")
"""What costs more than a word."""
STATUS = {
    Code.BAD_REQUEST: 400,
    Code.EMPTY: 400,
    Code.NAME_INVALID: 400,
    Code.PASSWORD_WEAK: 400,
    Code.INVITE_INVALID: 403,
    Code.REGISTRATION_CLOSED: 403,
    Code.FORBIDDEN: 403,
    Code.AUTH_REQUIRED: 401,
    Code.TOKEN_INVALID: 401,
    Code.TOKEN_EXPIRED: 401,
    Code.SESSION_REVOKED: 401,
    Code.BAD_CREDENTIALS: 401,
    Code.NOT_FOUND: 404,
    Code.NAME_TAKEN: 409,
    Code.ID_CONFLICT: 409,
    Code.EDIT_CONFLICT: 409,
    Code.ARCHIVED: 409,
    Code.TOO_LARGE: 413,
    Code.RATE_LIMITED: 429,
    Code.LIMIT: 429,
    Code.BUSY: 503,
    Code.STORAGE_FULL: 507,
}

log = logging.getLogger("talkbot.server")


class HttpApi:
    """The routes under `/api`, and those for operators."""

    def __init__(
        self,
        edge: Edge,
        database: Database,
        accounts: Accounts,
        fanout: Fanout,
        dispatcher: Dispatcher,
        metrics: Metrics,
        config: ServerConfig,
    ) -> None:
        """Share the server's parts."""
        self._buckets = Buckets()
        self._crowd = Rate(config.address_requests_burst, config.address_requests_per_second)
        self._newcomers = Rate(config.registrations_burst, config.registrations_per_second)
        self._rates = {bot: rates(config, bot=bot) for bot in (False, True)}
        self._edge = edge
        self._db = database
        self._accounts = accounts
        self._fanout = fanout
        self._dispatcher = dispatcher
        self._metrics = metrics
        self.ready = True

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [
            web.get("/", self._hello),
            web.get("/healthz", self._hello),
            web.get("/readyz", self._readyz),
            web.get("/metrics", self._numbers),
            web.post("/api/register", self._register),
            web.post("/api/login", self._login),
            web.post("/api/refresh", self._refresh),
            web.post("/api/logout", self._logout),
            web.post("/api/password", self._password),
            web.get("/api/me", self._me),
            web.get("/api/sessions", self._sessions),
            web.delete("/api/sessions/{id}", self._end_session),
            web.get("/api/tokens", self._tokens),
            web.post("/api/tokens", self._make_token),
            web.delete("/api/tokens/{id}", self._end_session),
            web.post("/api/join/{invite}", self._join),
            web.get("/api/conversations/{id}/events", self._events),
        ]

    @web.middleware
    async def guard(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        """Refusals become answers in the shape of a refused ack."""
        if not request.path.startswith(LIMITED):
            return await handler(request)
        status = 200
        try:
            if not self._edge.admits(request):
                raise Refused(Code.FORBIDDEN, "That page may not ask this server.")
            if request.method == "OPTIONS":
                return web.Response(status=204, headers=self._edge.preflight())
            self._take(("crowd", self._edge.address(request)), self._crowd)
            answer = await handler(request)
            status = answer.status
            return answer
        except Refused as error:
            status = STATUS.get(error.code, 500)
            return _refusal(error, status)
        except web.HTTPRequestEntityTooLarge:
            status = 413
            return _refusal(Refused(Code.TOO_LARGE, "The body is too large."), status)
        except web.HTTPException as error:
            status = error.status
            code = Code.NOT_FOUND if status == 404 else Code.BAD_REQUEST
            return _refusal(Refused(code, error.reason), status, error.headers.get("Allow", ""))
        except Exception:
            status = 500
            self._metrics.count("internal_errors_total")
            log.exception("%s %s failed", request.method, request.path)
            return _refusal(Refused(Code.INTERNAL, "Something went wrong here."), status)
        finally:
            self._metrics.count("http_total", str(status))

    async def _hello(self, request: web.Request) -> web.Response:
        return web.Response(text="OK\n")

    async def _readyz(self, request: web.Request) -> web.Response:
        if not self.ready:
            return web.Response(status=503, text="draining\n")
        await self._db.read(sessions.last_revocation)
        return web.Response(text="ready\n")

    async def _numbers(self, request: web.Request) -> web.Response:
        return web.Response(text=self._metrics.text(), content_type="text/plain")

    async def _register(self, request: web.Request) -> web.Response:
        asked = await _body(request, RegisterRequest)
        self._take(("newcomers", self._edge.address(request)), self._newcomers)
        return _json(await self._accounts.register(asked, _client(request)), 201)

    async def _login(self, request: web.Request) -> web.Response:
        asked = await _body(request, LoginRequest)
        address = self._edge.address(request)
        return _json(await self._accounts.login(asked, address, _client(request)))

    async def _refresh(self, request: web.Request) -> web.Response:
        asked = await _body(request, RefreshRequest)
        return _json(await self._accounts.refresh(asked.refresh_token))

    async def _logout(self, request: web.Request) -> web.Response:
        grant = await self._signed_in(request)
        await self._accounts.end_session(Actor(grant.user), grant.session_id)
        return _json(EmptyAck())

    async def _password(self, request: web.Request) -> web.Response:
        grant = await self._signed_in(request)
        asked = await _body(request, PasswordRequest)
        address = self._edge.address(request)
        await self._accounts.change_password(_actor(grant), asked, address)
        return _json(EmptyAck())

    async def _me(self, request: web.Request) -> web.Response:
        grant = await self._signed_in(request)
        return _json(Me(user=grant.user, expires_at=grant.expires_at))

    async def _sessions(self, request: web.Request) -> web.Response:
        grant = await self._signed_in(request)
        user_id, current = grant.user.user_id, grant.session_id
        items = await self._db.read(lambda tx: sessions.of_user(tx, user_id, current))
        return _json(SessionsAnswer(items=items))

    async def _end_session(self, request: web.Request) -> web.Response:
        grant = await self._signed_in(request)
        await self._accounts.end_session(_actor(grant), request.match_info["id"])
        return _json(EmptyAck())

    async def _tokens(self, request: web.Request) -> web.Response:
        grant = await self._signed_in(request)
        user_id = grant.user.user_id
        items = await self._db.read(lambda tx: sessions.personal_of_user(tx, user_id))
        return _json(TokensAnswer(items=items))

    async def _make_token(self, request: web.Request) -> web.Response:
        grant = await self._signed_in(request)
        asked = await _body(request, TokenRequest)
        return _json(await self._accounts.make_token(_actor(grant), asked), 201)

    async def _join(self, request: web.Request) -> web.Response:
        """An account by an invite, as a link gives it."""
        given = await _body(request, LoginRequest)
        asked = convert_client(
            {
                "username": given.username,
                "password": given.password,
                "invite": request.match_info["invite"],
            },
            RegisterRequest,
        )
        self._take(("newcomers", self._edge.address(request)), self._newcomers)
        return _json(await self._accounts.register(asked, _client(request), invited=True), 201)

    async def _events(self, request: web.Request) -> web.Response:
        grant = await self._signed_in(request)
        asked: dict[str, object] = {"conversationId": request.match_info["id"]}
        for name in ("before", "after", "limit"):
            if name in request.query:
                text = request.query[name]
                if not text.isascii() or not text.isdigit() or len(text) > 16:
                    raise Refused(Code.BAD_REQUEST, f"{name} is a number.", field=name)
                asked[name] = int(text)
        payload = convert_client(asked, History)
        actor = _actor(grant)
        answer = await self._dispatcher.look(
            actor.user_id, lambda tx: service_reading.history(tx, actor, payload)
        )
        return _json(answer)

    async def _signed_in(self, request: web.Request) -> Grant:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise Refused(Code.AUTH_REQUIRED, "Sign in first.")
        grant = await self._accounts.check(token.strip())
        rate = "lookup" if request.method == "GET" else "change"
        self._take((rate, grant.user.user_id), self._rates[grant.user.bot][rate])
        return grant

    def _take(self, key: object, rate: Rate) -> None:
        wait = self._buckets.take(key, rate)
        if wait:
            raise Refused(Code.RATE_LIMITED, "Too many; wait.", retry_after_ms=int(wait * 1000) + 1)


def _actor(grant: Grant) -> Actor:
    return Actor(grant.user, grant.session_id)


def _client(request: web.Request) -> str:
    return client_label(request.headers.get("User-Agent", ""))


async def _body(request: web.Request, kind: type[T]) -> T:
    raw = await whole_body(request, BODY_MAX)
    try:
        value = StrictJson.loads(raw.decode())
    except (ValueError, RecursionError):
        raise Refused(Code.BAD_REQUEST, "The body is no JSON object.") from None
    return convert_client(value, kind)


def _json(value: msgspec.Struct, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _refusal(error: Refused, status: int, allow: str = "") -> web.Response:
    """`allow`: the methods that there are, where it was another one (RFC 9110, 15.5.6)."""
    headers = {"Cache-Control": "no-store"}
    if allow:
        headers["Allow"] = allow
    if error.retry_after_ms:
        headers["Retry-After"] = str(max(1, error.retry_after_ms // 1000))
    return web.json_response(refused(error), status=status, headers=headers)
