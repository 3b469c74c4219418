"""The HTTP side of accounts: sign in, sign up, renew, sign out."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from talkbot_tui import __version__
from talkbot_tui.client import late
from talkbot_tui.client.addresses import Address
from talkbot_tui.client.transport import Refused, Unreachable, of_status
from talkbot_tui.wire.codec import in_words
from talkbot_tui.wire.errors import ErrorBody
from talkbot_tui.wire.http import (
    Me,
    PersonalToken,
    SessionInfo,
    SessionsAnswer,
    Tokens,
    TokensAnswer,
)

T = TypeVar("T")


class AccountApi:
    """Talks to one server; every method raises `Refused` and `Unreachable`."""

    def __init__(self, address: Address) -> None:
        """`address` has been checked by `addresses.parse`."""
        self._url = address.url
        self._through_proxy = address.through_proxy

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

    async def sessions(self, access_token: str) -> list[SessionInfo]:
        """One's sign-ins that still count, the one used last first."""
        answer = await self._call("GET", "/api/sessions", None, access_token)
        return _as(answer, SessionsAnswer).items

    async def personal_tokens(self, access_token: str) -> list[PersonalToken]:
        """One's personal tokens that still count, without their text."""
        return _as(await self._call("GET", "/api/tokens", None, access_token), TokensAnswer).items

    async def make_token(self, access_token: str, name: str, days: int) -> PersonalToken:
        """Make a personal token for `days`; the only time that its text is told."""
        payload = {"name": name, "expiresInDays": days}
        return _as(await self._call("POST", "/api/tokens", payload, access_token), PersonalToken)

    async def end(self, access_token: str, session_id: str) -> None:
        """End a sign-in or a personal token of one's own; ending it twice is no error."""
        await self._call(
            "DELETE", f"/api/sessions/{quote(session_id, safe='')}", None, access_token
        )

    async def change_password(self, access_token: str, current: str, fresh: str) -> None:
        """Change the password; refused with `bad_credentials`, `password_weak`, `rate_limited`."""
        payload = {"currentPassword": current, "newPassword": fresh}
        await self._call("POST", "/api/password", payload, access_token)

    async def _tokens(self, path: str, payload: dict[str, Any]) -> Tokens:
        return _as(await self._call("POST", path, payload), Tokens)

    async def _call(
        self, method: str, path: str, payload: dict[str, Any] | None, token: str = ""
    ) -> bytes:
        headers = {"User-Agent": f"talkbot-tui/{__version__}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        calls = await late.module("talkbot_tui.client.http_calls")
        status, body = await calls.call(
            method, self._url + path, payload, headers, through_proxy=self._through_proxy
        )
        if 200 <= status < 300:
            return bytes(body)
        raise _refusal(status, body)


class _Answer(msgspec.Struct):
    error: ErrorBody


def _refusal(status: int, body: bytes) -> Exception:
    """Our servers say why; anything else that answers is another kind of server."""
    try:
        error = in_words(msgspec.json.decode(body, type=_Answer).error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # 501 is how a plain file server answers a POST.
        code = "not_socketio" if status == HTTPStatus.NOT_IMPLEMENTED else of_status(status)
        return Unreachable(code, f"HTTP {status}")
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
