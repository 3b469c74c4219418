"""The public keys of an outside identity provider, from a PEM file or a JWKS file.

Each key is bound to the algorithms of its kind before any token is seen, so a token's header
chooses neither the algorithm nor the kind of key (RFC 8725, 3.1 and 3.2).
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

RSA_BITS_MIN = 2048
"""NIST SP 800-131A; RFC 7518, 3.3."""

FILE_BYTES_MAX = 1024 * 1024
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES: dict[str, tuple[str, ec.EllipticCurve]] = {
    "P-256": ("ES256", ec.SECP256R1()),
    "P-384": ("ES384", ec.SECP384R1()),
    "P-521": ("ES512", ec.SECP521R1()),
}
_ALGORITHM_OF = {curve.name: algorithm for algorithm, curve in _CURVES.values()}
_BLOCK = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----.*?-----END (?P=label)-----", re.DOTALL)

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

log = logging.getLogger("talkbot.server")


@dataclass(frozen=True, slots=True)
class OutsideKey:
    """One public key. `key_id`: the `kid` of its tokens, empty where the file names none."""

    key_id: str
    algorithms: tuple[str, ...]
    key: PublicKey


class KeyFile:
    """The keys of a file, read again when the file has changed: that is how a provider rotates."""

    def __init__(self, path: Path) -> None:
        """Read `path`; raises `ValueError` that names the file and what is wrong with it."""
        self._path = path
        self._stamp, self._keys = _stamp(path), read_keys(path)

    def current(self) -> tuple[OutsideKey, ...]:
        """Those of the file as it is now; of its last good state where it is broken now."""
        try:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                # A broken file is told once, not once for each token.
                self._stamp = stamp
                self._keys = read_keys(self._path)
        except ValueError as error:
            log.error("%s; the keys read before stay in use", error)
        return self._keys


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_keys(path: Path) -> tuple[OutsideKey, ...]:
    """The keys of `path`; raises `ValueError`."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    if len(raw) > FILE_BYTES_MAX:
        raise ValueError(f"{path}: is larger than {FILE_BYTES_MAX // 1024} KiB")
    try:
        text = raw.decode("utf-8-sig").strip()
        keys = _from_jwks(text) if text.startswith("{") else _from_pem(text)
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is neither PEM nor JSON") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if not keys:
        raise ValueError(f"{path}: has no public key for signatures")
    return keys


def _from_pem(text: str) -> tuple[OutsideKey, ...]:
    if "-----BEGIN" not in text:
        raise ValueError("is neither PEM nor JSON")
    if "PRIVATE KEY-----" in text:
        raise ValueError("holds a private key; only the public one belongs here")
    keys = []
    for number, block in enumerate(_BLOCK.finditer(text), 1):
        whole = f"{block[0]}\n".encode()
        try:
            if block["label"] == "CERTIFICATE":
                key: object = x509.load_pem_x509_certificate(whole).public_key()
            else:
                key = load_pem_public_key(whole)
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError(f"block {number} ({block['label']}) is no public key") from None
        keys.append(_bound("", key, ""))
    return tuple(keys)


def _from_jwks(text: str) -> tuple[OutsideKey, ...]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("is no JSON") from None
    entries = found.get("keys") if "keys" in found else [found]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError('"keys" is no list of keys')
    keys = []
    for number, entry in enumerate(entries, 1):
        if entry.get("use", "sig") != "sig" or "verify" not in entry.get("key_ops", ["verify"]):
            continue
        try:
            keys.append(_from_jwk(entry))
        except (TypeError, ValueError, UnsupportedAlgorithm, binascii.Error) as error:
            raise ValueError(f"key {number}: {error}") from None
    return tuple(keys)


def _from_jwk(entry: Mapping[str, Any]) -> OutsideKey:
    kind = entry.get("kty")
    if "d" in entry or kind == "oct":
        raise ValueError("is a secret; only public keys belong here")
    key: PublicKey
    if kind == "RSA":
        key = rsa.RSAPublicNumbers(_number(entry, "e"), _number(entry, "n")).public_key()
    elif kind == "EC" and entry.get("crv") in _CURVES:
        curve = _CURVES[entry["crv"]][1]
        numbers = ec.EllipticCurvePublicNumbers(_number(entry, "x"), _number(entry, "y"), curve)
        key = numbers.public_key()
    elif kind == "OKP" and entry.get("crv") == "Ed25519":
        key = ed25519.Ed25519PublicKey.from_public_bytes(_octets(entry, "x"))
    else:
        raise ValueError(f"the kind {kind!r} with curve {entry.get('crv')!r} is not supported")
    key_id, algorithm = entry.get("kid", ""), entry.get("alg", "")
    if not isinstance(key_id, str) or not isinstance(algorithm, str):
        raise TypeError('"kid" and "alg" are texts')
    return _bound(key_id, key, algorithm)


def _octets(entry: Mapping[str, Any], name: str) -> bytes:
    value = entry.get(name)
    if not isinstance(value, str) or not value.isascii():
        raise TypeError(f'"{name}" is missing')
    return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)


def _number(entry: Mapping[str, Any], name: str) -> int:
    return int.from_bytes(_octets(entry, name), "big")


def _bound(key_id: str, key: object, algorithm: str) -> OutsideKey:
    """`key` with the algorithms of its kind, or with the one that its file names."""
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < RSA_BITS_MIN:
            raise ValueError(f"an RSA key needs {RSA_BITS_MIN} bits; this has {key.key_size}")
        able: tuple[str, ...] = _RSA
    elif isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _ALGORITHM_OF:
        able = (_ALGORITHM_OF[key.curve.name],)
    elif isinstance(key, ed25519.Ed25519PublicKey):
        able = ("EdDSA",)
    else:
        raise ValueError("a key of this kind is not supported")
    if algorithm and algorithm not in able:
        raise ValueError(f"the algorithm {algorithm!r} does not fit the key")
    return OutsideKey(key_id, (algorithm,) if algorithm else able, key)


def key_file(name: str) -> KeyFile:
    """The keys of the file `name`, as an environment variable gives it; raises `ValueError`."""
    return KeyFile(Path(name).expanduser())
