"""Tokens of an outside identity provider that must pass, and the attacks that must not."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import padding

from talkbot_tui.server.outside import issued_by, verify
from talkbot_tui.wire.errors import Refused
from tests.server.provider import (
    AUDIENCE,
    ISSUER,
    claims,
    jwk,
    jwks,
    pem,
    provider,
    secret,
    signed,
)


def part(value: bytes | dict[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def keyed_with_the_public_key() -> str:
    """The classic confusion: HS256, keyed with the bytes of the published RSA key."""
    text = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims())}"
    mac = hmac.HMAC(pem(), hashes.SHA256())
    mac.update(text.encode())
    return f"{text}.{part(mac.finalize())}"


def by_hand(**header: Any) -> str:
    """Well signed, with a header that no library would write; `...` leaves a field out."""
    whole = {"alg": "RS256", **header}
    head = {name: value for name, value in whole.items() if value is not ...}
    text = f"{part(head)}.{part(claims())}"
    return f"{text}.{part(secret().sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def nobody_signed(algorithm: str) -> str:
    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims())}."


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
NOW = int(time.time())
HEAD, _BODY, SIGNATURE = signed().split(".")
ATTACKS = {
    "alg none": nobody_signed("none"),
    "alg NONE": nobody_signed("NONE"),
    "alg empty": nobody_signed(""),
    "no signature": nobody_signed("RS256"),
    "the public key as a secret": keyed_with_the_public_key(),
    "another key": signed(key=secret("RS256", 1)),
    "another kind of key": signed("ES256"),
    "changed body": f"{HEAD}.{part(claims(sub='root'))}.{SIGNATURE}",
    "its own key in the header": signed(
        key=secret("RS256", 1), headers={"jwk": jwk("RS256", 1), "alg": "RS256"}
    ),
    "a key elsewhere": signed(
        key=secret("RS256", 1), headers={"jku": "https://attacker.example/keys"}
    ),
    "crit": signed(headers={"crit": ["exp"]}),
    "b64": by_hand(b64=True),
    "kid of another file": signed(key=secret("RS256", 1), headers={"kid": "../../dev/null"}),
    "typ of something else": signed(headers={"typ": "logout+jwt"}),
    "typ number": by_hand(typ=7),
    "alg missing": by_hand(alg=...),
    "alg missing, as strangers do it": f"{part({'typ': 'JWT'})}.{part({'iss': ISSUER})}.AAAA",
    "alg missing, kid given": by_hand(alg=..., kid="a"),
    "alg null": by_hand(alg=None),
    "alg number": by_hand(alg=256),
    "alg list": by_hand(alg=["RS256"]),
    "alg object": by_hand(alg={"RS256": 1}),
    "kid null": by_hand(kid=None),
    "kid number": by_hand(kid=7),
    "kid list": by_hand(kid=["a"]),
    "kid object": by_hand(kid={"a": 1}),
    "other issuer": signed(iss=ISSUER + "/"),
    "issuer list": signed(iss=[ISSUER]),
    "other audience": signed(aud="elsewhere"),
    "audience that begins so": signed(aud=AUDIENCE + "-admin"),
    "no audience in the list": signed(aud=["a", "b"]),
    "not yet": signed(nbf=NOW + 3600),
    "made in the future": signed(iat=NOW + 3600, exp=NOW + 7200),
    "made after its end": signed(iat=NOW - 10, exp=NOW - 20),
    "lasts a year": signed(exp=NOW + 365 * 24 * 3600),
    "exp text": signed(exp=str(NOW + 60)),
    "exp bool": signed(exp=True),
    "exp huge": signed(exp=10**300),
    "exp NaN": signed(exp=float("nan")),
    "sub empty": signed(sub=""),
    "sub too long": signed(sub="x" * 256),
    "sub number": signed(sub=7),
    "not an object": jwt.PyJWS().encode(b"[1]", secret(), "RS256", headers={"typ": "JWT"}),
    "four parts": signed() + ".x",
    **{
        f"without {name}": signed("RS256", None, None, **{name: ...})
        for name in ("exp", "iat", "sub", "iss", "aud")
    },
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused) as error:
        verify(ATTACKS[name], provider(tmp_path))
    assert error.value.code.value == "token_invalid"


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "RS512", "ES256", "ES384", "EdDSA"])
def test_each_kind_of_key_signs(tmp_path: Path, algorithm: str) -> None:
    kind = "RS256" if algorithm.startswith(("RS", "PS")) else algorithm
    found = verify(
        signed(algorithm, key=secret(kind), aud=["other", AUDIENCE]),
        provider(tmp_path, pem(kind)),
    )
    assert (found.issuer, found.subject, found.wanted_name) == (ISSUER, "f:1234:ana", "ana")
    assert NOW * 1000 < found.expires_at <= (time.time() + 300) * 1000


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_id_tokens_and_access_tokens_are_taken(tmp_path: Path, kind: str) -> None:
    assert verify(signed(headers={"typ": kind}), provider(tmp_path)).subject == "f:1234:ana"


def test_a_token_signed_by_hand_passes(tmp_path: Path) -> None:
    assert verify(by_hand(), provider(tmp_path)).subject == "f:1234:ana"


def test_an_expired_token_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(Refused) as error:
        verify(signed(iat=NOW - 100, exp=NOW - 1), provider(tmp_path))
    assert error.value.code.value == "token_expired"


def test_the_key_named_by_the_token_is_the_one_that_counts(tmp_path: Path) -> None:
    keys = jwks(jwk("RS256", 0, kid="old"), jwk("RS256", 1, kid="new"))
    trusted = provider(tmp_path, keys)
    assert verify(signed(key=secret("RS256", 1), headers={"kid": "new"}), trusted).session_id
    assert verify(signed(key=secret("RS256", 1)), trusted).session_id
    with pytest.raises(Refused):
        verify(signed(key=secret("RS256", 1), headers={"kid": "old"}), trusted)


def test_a_key_made_for_one_algorithm_takes_no_other(tmp_path: Path) -> None:
    trusted = provider(tmp_path, jwks(jwk("RS256", kid="a", alg="RS256")))
    assert verify(signed(headers={"kid": "a"}), trusted).session_id
    with pytest.raises(Refused):
        verify(signed("PS256", key=secret(), headers={"kid": "a"}), trusted)


def test_one_sign_in_is_one_session_and_another_persons_is_not(tmp_path: Path) -> None:
    trusted = provider(tmp_path)
    first = verify(signed(), trusted).session_id
    assert verify(signed(exp=NOW + 999), trusted).session_id == first
    others = [
        verify(signed(sid="sign-in-2"), trusted).session_id,
        verify(signed(sub="f:1234:bia"), trusted).session_id,
        verify(signed(sid=...), trusted).session_id,
        verify(signed(sid=..., exp=NOW + 999), trusted).session_id,
    ]
    assert len({first, *others}) == 5


def test_a_token_that_was_ended_does_not_come_back_in_another_spelling(tmp_path: Path) -> None:
    trusted = provider(tmp_path)
    token = signed(sid=...)
    assert verify(token + "==", trusted).session_id == verify(token, trusted).session_id
    # Whoever has one ECDSA signature can write down a second one.
    curve = provider(tmp_path, pem("ES256"))
    head, _, signature = signed("ES256", sid=...).rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    mirrored = P256_ORDER - int.from_bytes(raw[32:], "big")
    other = f"{head}.{part(raw[:32] + mirrored.to_bytes(32, 'big'))}"
    assert verify(other, curve).session_id == verify(f"{head}.{signature}", curve).session_id


def test_the_name_comes_from_the_claim_that_was_chosen(tmp_path: Path) -> None:
    by_mail = provider(tmp_path, name_claim="email")
    assert verify(signed(email="Bia.Souza@example.org"), by_mail).wanted_name == "Bia.Souza"
    with pytest.raises(Refused) as error:
        verify(signed(), by_mail)
    assert error.value.code.value == "name_invalid"
    assert "email" in error.value.message


def test_only_the_providers_tokens_are_taken_for_its_own(tmp_path: Path) -> None:
    trusted = provider(tmp_path)
    assert issued_by(signed(), trusted)
    for text in ("", "x", "a.b.c", signed(iss="talkbot-tui"), "." * 4000, "tbp_abc"):
        assert not issued_by(text, trusted)
