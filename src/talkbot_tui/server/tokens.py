"""Access tokens: signed, short-lived, strictly checked."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jwt

from talkbot_tui import paths
from talkbot_tui.server.ids import new_id
from talkbot_tui.wire.errors import Code, Refused

ISSUER = "talkbot-tui"
AUDIENCE = "talkbot-tui"
ALGORITHM = "HS256"
LEEWAY_SECONDS = 60
SIZE_MAX = 4096
KEY_BYTES = 32
KEY_FILE = "token.key"
_CLAIMS = ("exp", "iat", "sub", "sid", "jti", "iss", "aud", "typ")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says; `expires_at` in ms."""

    user_id: str
    session_id: str
    expires_at: int


class Signer:
    """Makes and checks access tokens with one key."""

    def __init__(self, key: bytes, seconds: int) -> None:
        """`seconds`: how long a token lives. Raises `ValueError` for a short key."""
        if len(key) < KEY_BYTES:
            raise ValueError(f"the signing key must have at least {KEY_BYTES} bytes")
        self._key = key
        self._seconds = seconds

    def make(self, user_id: str, session_id: str) -> tuple[str, int]:
        """A token and its end in ms."""
        now = int(time.time())
        claims = {
            "exp": now + self._seconds,
            "iat": now,
            "sub": user_id,
            "sid": session_id,
            "jti": new_id(),
            "iss": ISSUER,
            "aud": AUDIENCE,
            "typ": "access",
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM), claims["exp"] * 1000  # type: ignore[operator]  # exp is the int above

    def verify(self, token: str) -> Claims:
        """Check everything; raises `Refused`: token_invalid, token_expired."""
        if len(token) > SIZE_MAX or not _SHAPE.fullmatch(token) or not _canonical(token):
            raise _invalid()
        try:
            header = jwt.get_unverified_header(token)
            if set(header) != {"alg", "typ"} or header != {"alg": ALGORITHM, "typ": "JWT"}:
                raise _invalid()
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError):
            raise _invalid() from None
        return _checked(claims)


def _checked(claims: Mapping[str, object]) -> Claims:
    exp, iat = claims["exp"], claims["iat"]
    now = time.time()
    if type(exp) is not int or type(iat) is not int:
        raise _invalid()
    if not 0 < iat <= now + LEEWAY_SECONDS or not iat < exp < 2**40:
        raise _invalid()
    for name in ("sub", "sid", "jti"):
        value = claims[name]
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise _invalid()
    if claims["typ"] != "access" or claims["aud"] != AUDIENCE:
        raise _invalid()
    if exp <= now:
        raise Refused(Code.TOKEN_EXPIRED, "The access token has expired; refresh it.")
    return Claims(str(claims["sub"]), str(claims["sid"]), exp * 1000)


def _invalid() -> Refused:
    return Refused(Code.TOKEN_INVALID, "The token is not valid.")


def _canonical(token: str) -> bool:
    """One token has one spelling: spare bits at the end of a part must be zero."""
    for part in token.split("."):
        try:
            raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        except (binascii.Error, ValueError):
            return False
        if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
            return False
    return True


def load_key(data_dir: Path, environ: Mapping[str, str] = os.environ) -> bytes:
    """The signing key: `TALKBOT_SECRET`, the file `TALKBOT_SECRET_FILE`, or one in `data_dir`.

    Raises `ValueError` for a key that is too short, `OSError` for a file that cannot be read.
    """
    named = environ.get("TALKBOT_SECRET", "")
    file = environ.get("TALKBOT_SECRET_FILE", "")
    if named or file:
        key = named.encode() if named else Path(file).read_bytes().strip()
        if len(key) < KEY_BYTES:
            source = "TALKBOT_SECRET" if named else file
            raise ValueError(f"{source}: the signing key must have at least {KEY_BYTES} bytes")
        return key
    path = paths.private_folder(data_dir) / KEY_FILE
    if not path.exists():
        paths.write_private(path, secrets.token_bytes(KEY_BYTES))
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise ValueError(f"{path}: is no signing key; remove it and everybody signs in again")
    return key
