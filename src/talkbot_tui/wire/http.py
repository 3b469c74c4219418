"""The HTTP side of the contract: accounts, sessions and a readable history."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from talkbot_tui.wire.scalars import ClientPayload, Millis, ServerPayload, Token
from talkbot_tui.wire.server_events import UserInfo

Password = Annotated[str, Meta(min_length=8, max_length=1024)]


class RegisterRequest(ClientPayload, frozen=True):
    """Make an account; `invite` where the server asks for one."""

    username: Annotated[str, Meta(min_length=1, max_length=64)]
    password: Annotated[str, Meta(min_length=1, max_length=1024)]
    invite: Annotated[str, Meta(max_length=128)] | None = None


class LoginRequest(ClientPayload, frozen=True):
    """Sign in."""

    username: Annotated[str, Meta(min_length=1, max_length=64)]
    password: Annotated[str, Meta(min_length=1, max_length=1024)]


class RefreshRequest(ClientPayload, frozen=True):
    """Change a refresh token for fresh tokens."""

    refresh_token: Token


class PasswordRequest(ClientPayload, frozen=True):
    """Change one's password; every other session ends."""

    current_password: Annotated[str, Meta(min_length=1, max_length=1024)]
    new_password: Annotated[str, Meta(min_length=1, max_length=1024)]


class TokenRequest(ClientPayload, frozen=True):
    """Make a personal token for scripts."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    expires_in_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class Tokens(ServerPayload, frozen=True, omit_defaults=False):
    """What signing in gives; `expiresAt` is the access token's end, in ms."""

    access_token: str
    refresh_token: str
    expires_at: Millis
    user: UserInfo


class Me(ServerPayload, frozen=True, omit_defaults=False):
    """Who one is."""

    user: UserInfo
    expires_at: Millis


class SessionInfo(ServerPayload, frozen=True, omit_defaults=False):
    """One sign-in of ours."""

    session_id: str
    created_at: Millis
    last_used_at: Millis
    client: str
    current: bool


class SessionsAnswer(ServerPayload, frozen=True, omit_defaults=False):
    """All our sign-ins."""

    items: list[SessionInfo]


class PersonalToken(ServerPayload, frozen=True, omit_defaults=False):
    """A personal token; `token` is shown once, when it is made."""

    token_id: str
    name: str
    created_at: Millis
    expires_at: Millis
    token: str | None = None


class TokensAnswer(ServerPayload, frozen=True, omit_defaults=False):
    """All our personal tokens."""

    items: list[PersonalToken]
