"""The file of an identity provider's public keys."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from talkbot_tui.server.outside_keys import FILE_BYTES_MAX, KeyFile, read_keys
from tests.certificates import Authority
from tests.server.provider import jwk, jwks, pem, secret


def private_pem() -> bytes:
    found: bytes = secret().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return found


BAD: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "neither PEM nor JSON"),
    "text": ("hello", "neither PEM nor JSON"),
    "bytes": (b"\xff\xfe\x00", "neither PEM nor JSON"),
    "half JSON": ('{"keys": [', "is no JSON"),
    "deep JSON": ('{"keys":' + "[" * 100_000, "is no JSON"),
    "keys of no list": ('{"keys": {}}', "no list of keys"),
    "keys of numbers": ('{"keys": [1]}', "no list of keys"),
    "no key": ('{"keys": []}', "no public key"),
    "keys to encrypt": (jwks(jwk("RS256", use="enc")), "no public key"),
    "a secret": (jwks({"kty": "oct", "k": "AAAA"}), "key 1: is a secret"),
    "a private JWK": (jwks(jwk("RS256", d="AAAA")), "key 1: is a secret"),
    "a private key": (private_pem(), "holds a private key"),
    "a short key": (pem("RS256", 0, 1024), "needs 2048 bits; this has 1024"),
    "another algorithm": (jwks(jwk("RS256", alg="ES256")), "does not fit"),
    "alg none": (jwks(jwk("RS256", alg="none")), "does not fit"),
    "another curve": (jwks({**jwk("ES256"), "crv": "secp256k1"}), "not supported"),
    "off the curve": (jwks({**jwk("ES256"), "x": "AAAA"}), "key 1"),
    "no modulus": (jwks({"kty": "RSA", "e": "AQAB"}), '"n" is missing'),
    "kid number": (jwks(jwk("RS256", kid=7)), '"kid" and "alg" are texts'),
    "broken PEM": (pem().replace(b"M", b"!", 1), "block 1"),
    "half a PEM": (pem()[:80], "no public key"),
    "too large": (b" " * (FILE_BYTES_MAX + 1), "larger than 1024 KiB"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_told_with_its_name_and_what_is_wrong(tmp_path: Path, name: str) -> None:
    text, reason = BAD[name]
    path = tmp_path / "keys.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ValueError, match=r"keys\.json: ") as error:
        read_keys(path)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere: No such file"):
        KeyFile(tmp_path / "nowhere")


def test_several_keys_and_certificates_in_one_pem(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    path = tmp_path / "keys.pem"
    path.write_bytes(b"# ours\n" + pem() + authority.file.read_bytes() + pem("EdDSA"))
    assert [key.algorithms[0] for key in read_keys(path)] == ["RS256", "ES256", "EdDSA"]


def test_keys_for_other_uses_beside_those_for_signatures_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    other = {"kty": "RSA", "use": "enc", "n": "!"}
    path.write_text("\ufeff" + jwks(other, jwk("ES256", kid="a"), jwk("EdDSA")), encoding="utf-8")
    assert [(key.key_id, key.algorithms) for key in read_keys(path)] == [
        ("a", ("ES256",)),
        ("", ("EdDSA",)),
    ]
    path.write_text(json.dumps(jwk("ES256", kid="alone")))
    assert [key.key_id for key in read_keys(path)] == ["alone"]


def test_a_changed_file_is_read_again_and_a_broken_one_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.json"
    path.write_text(jwks(jwk("RS256", 0, kid="old")))
    keys = KeyFile(path)
    assert [key.key_id for key in keys.current()] == ["old"]
    path.write_text(jwks(jwk("RS256", 0, kid="old"), jwk("RS256", 1, kid="new")))
    assert [key.key_id for key in keys.current()] == ["old", "new"]
    with caplog.at_level(logging.ERROR):
        path.write_text("{")
        for _ in range(3):
            assert [key.key_id for key in keys.current()] == ["old", "new"]
    assert len(caplog.records) == 1
    with caplog.at_level(logging.ERROR):
        path.unlink()
        assert [key.key_id for key in keys.current()] == ["old", "new"]
    path.write_text(jwks(jwk("RS256", 1, kid="new")))
    os.utime(path, ns=(1, 1))
    assert [key.key_id for key in keys.current()] == ["new"]
