"""Access tokens: signed, short-lived, strictly checked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import jwt

from talkbot_tui import paths
from talkbot_tui.server.ids import new_id
from talkbot_tui.wire.errors import Code, Refused

ISSUER = "talkbot-tui"
AUDIENCE = "talkbot-tui"
ALGORITHM = "HS256"
LEEWAY_SECONDS = 5
"""By how much the clocks of two nodes may differ (RFC 8725; OWASP ASVS 9.2)."""

SIZE_MAX = 4096
KEY_BYTES = 32
KEY_DIFFERENT = 8
"""Of random bytes, even written in hexadecimal, more than so many are different."""

KEY_FILE = "token.key"
NEW_KEY_FILE = "token.key.new"
OLD_KEY_FILE = "token.key.old"
"""Followed by a dot and the time, in s, of the start that took the key out of use."""

_CLAIMS = ("exp", "iat", "sub", "sid", "jti", "iss", "aud", "typ")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says; `expires_at` in ms."""

    user_id: str
    session_id: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class PreviousKey:
    """A key that signs no more: tokens made up to `made_until` are taken until `until` (s)."""

    key: bytes
    made_until: float
    until: float


class Signer:
    """Makes access tokens with one key, and takes those of the keys before it for a while."""

    def __init__(
        self,
        key: bytes,
        seconds: int,
        previous: Sequence[PreviousKey] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`seconds`: how long a token lives. Raises `ValueError` for a short key."""
        if any(len(one) < KEY_BYTES for one in (key, *(old.key for old in previous))):
            raise ValueError(f"the signing key must have at least {KEY_BYTES} bytes")
        always = PreviousKey(key, math.inf, math.inf)
        self._keys = (always, *previous)
        self._seconds = seconds
        self._clock = clock

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of the key and of those before it; they tell keys apart and give none away."""
        return tuple(
            hmac.new(one.key, b"talkbot-tui signing key", hashlib.sha256).hexdigest()
            for one in self._keys
        )

    def make(self, user_id: str, session_id: str) -> tuple[str, int]:
        """A token and its end in ms."""
        now = int(self._clock())
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
        return jwt.encode(claims, self._keys[0].key, algorithm=ALGORITHM), claims["exp"] * 1000  # type: ignore[operator]  # exp is the int above

    def verify(self, token: str) -> Claims:
        """Check everything; raises `Refused`: token_invalid, token_expired."""
        if len(token) > SIZE_MAX or not _SHAPE.fullmatch(token) or not _canonical(token):
            raise _invalid()
        try:
            header = jwt.get_unverified_header(token)
            if set(header) != {"alg", "typ"} or header != {"alg": ALGORITHM, "typ": "JWT"}:
                raise _invalid()
            claims, key = self._decoded(token)
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError):
            raise _invalid() from None
        return _checked(claims, key, self._clock())

    def _decoded(self, token: str) -> tuple[dict[str, object], PreviousKey]:
        for key in self._keys:
            with suppress(jwt.InvalidSignatureError):
                claims: dict[str, object] = jwt.decode(
                    token,
                    key.key,
                    algorithms=[ALGORITHM],
                    audience=AUDIENCE,
                    issuer=ISSUER,
                    options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False},
                )
                return claims, key
        raise _invalid()


def _checked(claims: Mapping[str, object], key: PreviousKey, now: float) -> Claims:
    exp, iat = claims["exp"], claims["iat"]
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
    if now >= key.until or iat > key.made_until:
        raise _invalid()
    # A connection lives as long as its token: a forged `exp` must not outlast the key.
    return Claims(str(claims["sub"]), str(claims["sid"]), int(min(exp, key.until) * 1000))


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


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes().strip()
    except OSError as error:
        raise ValueError(f"TALKBOT_SECRET_FILE: {file}: {error.strerror or error}") from None


def load_key(data_dir: Path, environ: Mapping[str, str] = os.environ) -> bytes:
    """The signing key: `TALKBOT_SECRET`, the file `TALKBOT_SECRET_FILE`, or one in `data_dir`.

    Call it once for each start of a server: a key that `rotate_key` made comes into use here.
    Raises `ValueError` for a key that is too short or a named file that cannot be read,
    `OSError` for a file of our own.
    """
    named = environ.get("TALKBOT_SECRET", "")
    file = environ.get("TALKBOT_SECRET_FILE", "")
    if named or file:
        key = named.encode() if named else _read(file)
        if len(key) < KEY_BYTES:
            source = "TALKBOT_SECRET" if named else file
            raise ValueError(f"{source}: the signing key must have at least {KEY_BYTES} bytes")
        if len(set(key)) < KEY_DIFFERENT:
            source = "TALKBOT_SECRET" if named else file
            raise ValueError(f"{source}: that key can be guessed; make one: openssl rand -hex 32")
        return key
    path = paths.private_folder(data_dir) / KEY_FILE
    _take_new(path)
    if not path.exists():
        paths.write_private(path, secrets.token_bytes(KEY_BYTES))
    return _own(path)


def _own(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise ValueError(f"{path}: is no signing key; remove it and everybody signs in again")
    return key


def _take_new(path: Path) -> None:
    new = path.with_name(NEW_KEY_FILE)
    if not new.exists():
        return
    if path.exists():
        since = int(time.time())
        while (old := path.with_name(f"{OLD_KEY_FILE}.{since}")).exists():
            since += 1
        # A copy: were the start cut short between two moves, the next one would make a key.
        paths.write_private(old, path.read_bytes())
    new.replace(path)


def load_previous(
    data_dir: Path, seconds: int, environ: Mapping[str, str] = os.environ
) -> tuple[PreviousKey, ...]:
    """Keys whose tokens are still taken: `TALKBOT_SECRET_PREVIOUS`, or those before a rotation.

    seconds: how long a token lives, and so an old key. Raises `ValueError` for a short key,
    `OSError` for a file of our own.
    """
    now = time.time()
    named = environ.get("TALKBOT_SECRET_PREVIOUS", "").encode()
    if named:
        if len(named) < KEY_BYTES:
            raise ValueError(
                f"TALKBOT_SECRET_PREVIOUS: the signing key must have at least {KEY_BYTES} bytes"
            )
        # Of several nodes that are restarted in turn, some go on signing with it for a while.
        return (PreviousKey(named, math.inf, now + seconds + LEEWAY_SECONDS),)
    if environ.get("TALKBOT_SECRET") or environ.get("TALKBOT_SECRET_FILE"):
        return ()
    found: dict[bytes, PreviousKey] = {}
    for since, path in sorted(_retired(data_dir)):
        # Where the clock was far ahead at that start, it counts from this one.
        start = min(since, now)
        until = start + seconds + LEEWAY_SECONDS
        if until <= now:
            path.unlink(missing_ok=True)
        else:
            key = _own(path)
            found[key] = PreviousKey(key, start + LEEWAY_SECONDS, until)
    return tuple(found.values())


def _retired(data_dir: Path) -> list[tuple[int, Path]]:
    """The old keys in `data_dir`, each with the start that took it out of use."""
    named = [
        (path.name[len(OLD_KEY_FILE) + 1 :], path)
        for path in data_dir.iterdir()
        if path.name.startswith(f"{OLD_KEY_FILE}.")
    ]
    return [(int(end), path) for end, path in named if re.fullmatch(r"[0-9]{1,12}", end)]


def rotate_key(data_dir: Path) -> Path:
    """Make another key, which the server's next start takes into use.

    Until then a running server signs with the one it has, so that stays where it is, however
    often this is called. Returns the new key's file; raises `FileNotFoundError` where there is
    no key yet.
    """
    (data_dir / KEY_FILE).stat()
    new = data_dir / NEW_KEY_FILE
    paths.write_private(new, secrets.token_bytes(KEY_BYTES))
    return new
