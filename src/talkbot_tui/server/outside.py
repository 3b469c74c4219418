"""Tokens of an outside identity provider: OpenID Connect ID tokens and JWT access tokens.

Checked as RFC 8725 and RFC 9068 ask: issuer and audience compared whole, the algorithm decided by
the key, no key taken from a token, no `crit`, every claim required and in range.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from talkbot_tui.server.outside_keys import KeyFile, OutsideKey, PublicKey
from talkbot_tui.wire.errors import Code, Refused

LEEWAY_SECONDS = 60
"""By how much the provider's clock may differ; it is another organisation's machine."""

LIFE_SECONDS_MAX = 24 * 3600 + LEEWAY_SECONDS
"""A token that lasts longer is refused: nobody could end what it opened."""

TYPES = ("jwt", "at+jwt", "application/at+jwt")
SUBJECT_MAX = 255
_CLAIMS = ["exp", "iat", "sub", "iss", "aud"]


@dataclass(frozen=True, slots=True)
class OutsideProvider:
    """Who else may say who somebody is.

    issuer: the `iss` of its tokens, compared letter by letter. audience: what their `aud` must
    name. keys: its public keys. name_claim: the claim that a new account's name is made from.
    """

    issuer: str
    audience: str
    keys: KeyFile
    name_claim: str = "preferred_username"


@dataclass(frozen=True, slots=True)
class OutsideClaims:
    """What a valid outside token says; `expires_at` in ms.

    session_id: the same for each token of one sign-in at the provider (`sid`), else of one token.
    """

    issuer: str
    subject: str
    wanted_name: str
    session_id: str
    expires_at: int


def issued_by(token: str, provider: OutsideProvider) -> bool:
    """Whether `token` says, unproved, that it is the provider's."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
        return False
    return claims.get("iss") == provider.issuer


def verify(token: str, provider: OutsideProvider) -> OutsideClaims:
    """Check everything; raises `Refused`: token_invalid, token_expired."""
    try:
        header = jwt.get_unverified_header(token)
        claims = _proved(token, header, provider)
        return _checked(token, claims, provider)
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError):
        raise _invalid() from None


def _proved(token: str, header: Mapping[str, Any], provider: OutsideProvider) -> dict[str, Any]:
    kind, algorithm, key_id = header.get("typ", "JWT"), header.get("alg"), header.get("kid", "")
    if "crit" in header or "b64" in header:
        raise _invalid()
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise _invalid()
    if not isinstance(algorithm, str) or not isinstance(key_id, str):
        raise _invalid()
    for candidate in _candidates(algorithm, key_id, provider.keys.current()):
        try:
            found: dict[str, Any] = jwt.decode(
                token,
                candidate,
                algorithms=[algorithm],
                audience=provider.audience,
                issuer=provider.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidSignatureError:
            continue
        return found
    raise _invalid()


def _candidates(algorithm: str, key_id: str, keys: tuple[OutsideKey, ...]) -> list[PublicKey]:
    """The keys that may have signed: of that algorithm, and of that `kid` where one is named."""
    able = [key for key in keys if algorithm in key.algorithms]
    named = [key for key in able if key_id and key.key_id == key_id]
    return [key.key for key in named or able if not key_id or key.key_id in (key_id, "")]


def _checked(token: str, claims: Mapping[str, Any], provider: OutsideProvider) -> OutsideClaims:
    exp, iat, subject = claims["exp"], claims["iat"], claims["sub"]
    now = time.time()
    if not _is_time(exp) or not _is_time(iat) or not 0 < iat <= now + LEEWAY_SECONDS:
        raise _invalid()
    if not iat < exp <= iat + LIFE_SECONDS_MAX:
        raise _invalid()
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_MAX:
        raise _invalid()
    if exp <= now:
        raise Refused(Code.TOKEN_EXPIRED, "The access token has expired; refresh it.")
    name = claims.get(provider.name_claim)
    if not isinstance(name, str) or not name.strip():
        raise Refused(
            Code.NAME_INVALID, f"The token has no claim {provider.name_claim} to make a name from."
        )
    sign_in = claims.get("sid")
    # What is signed has one spelling; a signature has several (padding, the s of ECDSA), and
    # a token that was ended must not come back under another one.
    one = sign_in if isinstance(sign_in, str) and sign_in else token.rpartition(".")[0]
    seed = "\0".join((provider.issuer, subject, one))
    return OutsideClaims(
        provider.issuer,
        subject,
        name.partition("@")[0],
        "o" + hashlib.sha256(seed.encode()).hexdigest()[:40],
        int(exp) * 1000,
    )


def _is_time(value: object) -> bool:
    # NumericDate may have a fraction (RFC 7519, 2); a bool is an int to Python only.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 2**40


def _invalid() -> Refused:
    return Refused(Code.TOKEN_INVALID, "The token is not valid.")
