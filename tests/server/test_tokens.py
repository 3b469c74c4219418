"""Access tokens that must not pass, and what limits guessing."""

from __future__ import annotations

import base64
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from talkbot_tui.server.limits import Buckets, Failures, Rate
from talkbot_tui.server.passwords import Hasher
from talkbot_tui.server.tokens import Signer, load_key
from talkbot_tui.wire.errors import Refused

KEY = b"k" * 32


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "exp": now + 60,
        "iat": now,
        "sub": "user",
        "sid": "session",
        "jti": "token",
        "iss": "talkbot-tui",
        "aud": "talkbot-tui",
        "typ": "access",
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not ...}


def signed(key: Any = KEY, headers: Any = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm="HS256", headers=headers)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_of_ours_passes() -> None:
    signer = Signer(KEY, 60)
    token, expires_at = signer.make("user", "session")
    found = signer.verify(token)
    assert (found.user_id, found.session_id, found.expires_at) == ("user", "session", expires_at)
    assert signer.verify(signed()).user_id == "user"


GOOD = signed()
HEAD, BODY, SIGNATURE = GOOD.split(".")
FORGED = {
    "empty": "",
    "one part": "abc",
    "other key": signed(key=b"x" * 32),
    "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{BODY}.",
    "alg none with signature": f"{part({'alg': 'none', 'typ': 'JWT'})}.{BODY}.{SIGNATURE}",
    "alg HS512": jwt.encode(claims(), KEY * 2, algorithm="HS512"),
    "changed body": f"{HEAD}.{part(claims(sub='root'))}.{SIGNATURE}",
    "kid": signed(headers={"kid": "../../etc/passwd"}),
    "crit": signed(headers={"crit": ["x"]}),
    "jku": signed(headers={"jku": "https://elsewhere.example"}),
    "padding": GOOD + "=",
    "newline": GOOD + "\n",
    "spare bits": GOOD[:-1] + chr(ord(GOOD[-1]) + 1),
    "too long": signed(jti="x" * 5000),
    "iat in the future": signed(iat=int(time.time()) + 3600, exp=int(time.time()) + 7200),
    "exp text": signed(exp="99999999999"),
    "exp huge": signed(exp=10**300),
    "exp bool": signed(exp=True),
    "exp float": signed(exp=time.time() + 60),
    "sub number": signed(sub=7),
    "sid empty": signed(sid=""),
    "sid with space": signed(sid="a b"),
    "aud list": signed(aud=["talkbot-tui", "x"]),
    "other aud": signed(aud="x"),
    "other iss": signed(iss="x"),
    "other typ": signed(typ="refresh"),
    **{f"without {name}": signed(**{name: ...}) for name in claims()},
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused(name: str) -> None:
    with pytest.raises(Refused) as error:
        Signer(KEY, 60).verify(FORGED[name])
    assert error.value.code.value == "token_invalid"


def test_an_expired_token_is_told_apart() -> None:
    now = int(time.time())
    with pytest.raises(Refused) as error:
        Signer(KEY, 60).verify(signed(iat=now - 100, exp=now - 1))
    assert error.value.code.value == "token_expired"


def test_the_key_is_made_once_private_and_taken_from_the_environment(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    key = load_key(folder, {})
    assert key == load_key(folder, {})
    assert len(key) == 32
    assert stat.S_IMODE((folder / "token.key").stat().st_mode) == 0o600
    assert load_key(folder, {"TALKBOT_SECRET": "s" * 32}) == b"s" * 32
    (tmp_path / "secret").write_text("f" * 40 + "\n")
    assert load_key(folder, {"TALKBOT_SECRET_FILE": str(tmp_path / "secret")}) == b"f" * 40
    with pytest.raises(ValueError, match="at least 32 bytes"):
        load_key(folder, {"TALKBOT_SECRET": "short"})
    os.truncate(folder / "token.key", 3)
    with pytest.raises(ValueError, match="no signing key"):
        load_key(folder, {})


def test_a_bucket_gives_a_burst_then_a_rate() -> None:
    now = 0.0
    buckets = Buckets(lambda: now)
    rate = Rate(burst=3, per_second=2)
    assert [buckets.take("a", rate) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b", rate) == 0
    now = 0.5
    assert buckets.take("a", rate) == 0
    assert buckets.take("a", rate) == 0.5


def test_failures_lock_an_account_for_one_address_and_pass_with_time() -> None:
    now = 0.0
    failures = Failures(2, 60, lambda: now)
    failures.failed(("ana", "a"))
    failures.check(("ana", "a"))
    failures.failed(("ana", "a"))
    with pytest.raises(Refused) as error:
        failures.check(("ana", "a"))
    assert error.value.retry_after_ms == 60_000
    failures.check(("ana", "b"))
    now = 61.0
    failures.check(("ana", "a"))


async def test_passwords_are_argon2id_and_folded() -> None:
    hasher = Hasher(64, 1)
    stored = await hasher.hash("ﬁnancial ångström")
    assert stored.startswith("$argon2id$")
    assert await hasher.verify(stored, "financial ångström")
    assert not await hasher.verify(stored, "financial")
    assert not await hasher.verify(None, "nobody's password")
    assert Hasher(128, 1).outdated(stored)
    for weak in ("short", "x" * 1025):
        with pytest.raises(Refused):
            await hasher.hash(weak)
    hasher.close()
