"""An outside identity provider: keys of each kind, its published files, and its tokens."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from talkbot_tui.server.outside import OutsideProvider
from talkbot_tui.server.outside_keys import KeyFile

ISSUER = "https://id.example.org/realms/casa"
AUDIENCE = "talkbot"
ENCODERS: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


def secret(algorithm: str = "RS256", number: int = 0, bits: int = 2048) -> Any:
    """A private key; the same for the same arguments."""
    return _secret(algorithm, number, bits)


@cache
def _secret(algorithm: str, number: int, bits: int) -> Any:
    if algorithm.startswith(("RS", "PS")):
        return rsa.generate_private_key(65537, bits)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "ES384":
        return ec.generate_private_key(ec.SECP384R1())
    return ed25519.Ed25519PrivateKey.generate()


def pem(algorithm: str = "RS256", number: int = 0, bits: int = 2048) -> bytes:
    public = secret(algorithm, number, bits).public_key()
    found: bytes = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return found


def jwk(algorithm: str, number: int = 0, **more: Any) -> dict[str, Any]:
    encoder = ENCODERS[algorithm]
    found = json.loads(encoder.to_jwk(secret(algorithm, number).public_key()))
    return {**found, "use": "sig", **more}


def jwks(*entries: dict[str, Any]) -> str:
    return json.dumps({"keys": list(entries)})


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a good token; `...` leaves one out."""
    now = int(time.time())
    whole = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "f:1234:ana",
        "exp": now + 300,
        "iat": now,
        "sid": "sign-in-1",
        "preferred_username": "ana",
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not ...}


def signed(
    algorithm: str = "RS256",
    key: Any = None,
    headers: Any = None,
    **changes: Any,
) -> str:
    # Below the library's own checks, which would refuse to make some of the attacks.
    body = json.dumps(claims(**changes)).encode()
    return jwt.PyJWS().encode(body, key or secret(algorithm), algorithm, headers=headers)


def provider(folder: Path, text: str | bytes | None = None, **changes: Any) -> OutsideProvider:
    """One whose keys are in a file of `folder`."""
    path = folder / "keys"
    whole = pem() if text is None else text
    path.write_bytes(whole.encode() if isinstance(whole, str) else whole)
    settings = {"issuer": ISSUER, "audience": AUDIENCE, **changes}
    return OutsideProvider(keys=KeyFile(path), **settings)
