"""The HTTP side of accounts: sign in, sign up, renew, sign out."""

from __future__ import annotations

from typing import Any, TypeVar

import aiohttp
import msgspec

from talkbot_tui import __version__
from talkbot_tui.client.addresses import Address
from talkbot_tui.client.connector import no_redirects
from talkbot_tui.client.errors import unreachable
from talkbot_tui.client.transport import Refused, Unreachable
from talkbot_tui.wire.errors import ErrorBody
from talkbot_tui.wire.http import Me, Tokens

PATIENCE_S = 15.0

T = TypeVar("T")


class AccountApi:
    """Talks to one server; every method raises `Refused` and `Unreachable`."""

    def __init__(self, address: Address) -> None:
        """`address` has been checked by `addresses.parse`."""
        self._url = address.url

    async def login(self, user: str, password: str) -> Tokens:
        """Sign in; refused with `bad_credentials`, `rate_limited`."""
        return await self._tokens("/api/login", {"username": user, "password": password})

    async def register(self, user: str, password: str, invite: str = "") -> Tokens:
        """Make an account; refused with `name_taken`, `password_weak`, and more."""
        payload = {"username": user, "password": password}
        if invite:
            payload["invite"] = invite
        return await self._tokens("/api/register", payload)

    async def refresh(self, refresh_token: str) -> Tokens:
        """Fresh tokens; the given one ends when its successor is used."""
        return await self._tokens("/api/refresh", {"refreshToken": refresh_token})

    async def logout(self, access_token: str) -> None:
        """End the session at the server."""
        await self._call("POST", "/api/logout", {}, access_token)

    async def me(self, access_token: str) -> Me:
        """Whose token that is."""
        return _as(await self._call("GET", "/api/me", None, access_token), Me)

    async def _tokens(self, path: str, payload: dict[str, Any]) -> Tokens:
        return _as(await self._call("POST", path, payload), Tokens)

    async def _call(
        self, method: str, path: str, payload: dict[str, Any] | None, token: str = ""
    ) -> bytes:
        headers = {"User-Agent": f"talkbot-tui/{__version__}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S, sock_connect=5)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trace_configs=[no_redirects()]) as session,
                session.request(method, self._url + path, json=payload, headers=headers) as answer,
            ):
                body = await answer.content.read(1 << 20)
                status = answer.status
        except Exception as error:
            raise unreachable(error) from None
        if 200 <= status < 300:
            return body
        raise _refusal(status, body)


class _Answer(msgspec.Struct):
    error: ErrorBody


def _refusal(status: int, body: bytes) -> Exception:
    """Our servers say why; anything else that answers is another kind of server."""
    try:
        error = msgspec.json.decode(body, type=_Answer).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        # 501 is how a plain file server answers a POST.
        ours = status >= 500 and status != 501
        return Unreachable("http_error" if ours else "not_socketio", f"HTTP {status}")
    return Refused(
        error.code,
        error.message,
        retryable=error.retryable,
        retry_after_ms=error.retry_after_ms or 0,
    )


def _as(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreachable("not_socketio", str(error)) from None
