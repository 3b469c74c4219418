"""Access tokens that must not pass, how their key changes, and what limits guessing."""

from __future__ import annotations

import base64
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from talkbot_tui.server.limits import Buckets, Failures, Rate
from talkbot_tui.server.passwords import Hasher
from talkbot_tui.server.tokens import PreviousKey, Signer, load_key, load_previous, rotate_key
from talkbot_tui.wire.errors import Refused
from tests.server.peers import Person, people
from tests.serving import running_server

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


def test_a_key_file_that_is_not_there_is_told_with_what_names_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="TALKBOT_SECRET_FILE: /nope: No such file"):
        load_key(tmp_path, {"TALKBOT_SECRET_FILE": "/nope"})


def test_the_key_is_made_once_private_and_taken_from_the_environment(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    key = load_key(folder, {})
    assert key == load_key(folder, {})
    assert len(key) == 32
    assert stat.S_IMODE((folder / "token.key").stat().st_mode) == 0o600
    assert load_key(folder, {"TALKBOT_SECRET": "0123456789ab" * 3}) == b"0123456789ab" * 3
    (tmp_path / "secret").write_text("from file" * 5 + "\n")
    assert load_key(folder, {"TALKBOT_SECRET_FILE": str(tmp_path / "secret")}) == b"from file" * 5
    with pytest.raises(ValueError, match="at least 32 bytes"):
        load_key(folder, {"TALKBOT_SECRET": "short"})
    with pytest.raises(ValueError, match="can be guessed"):
        load_key(folder, {"TALKBOT_SECRET": "x" * 40})
    os.truncate(folder / "token.key", 3)
    with pytest.raises(ValueError, match="no signing key"):
        load_key(folder, {})


def started(folder: Path, clock: Callable[[], float] = time.time) -> Signer:
    """What a server that starts in `folder` signs and checks with."""
    key = load_key(folder, {})
    return Signer(key, 60, load_previous(folder, 60, {}), clock)


def test_a_rotated_key_is_taken_as_long_as_its_tokens_live(tmp_path: Path) -> None:
    now = time.time()
    running = started(tmp_path)
    old_key = load_key(tmp_path, {})
    path = rotate_key(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    token, _ends = running.make("user", "session")
    signer = started(tmp_path, lambda: now)
    (old,) = tmp_path.glob("token.key.old.*")
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    assert signer.verify(token).user_id == "user"
    # New tokens are of the new key.
    key = load_key(tmp_path, {})
    assert key != old_key
    assert Signer(key, 60).verify(signer.make("user", "session")[0]).session_id == "session"
    with pytest.raises(Refused):
        Signer(key, 60).verify(token)
    old.rename(tmp_path / f"token.key.old.{int(now) - 100}")
    assert load_previous(tmp_path, 60, {}) == ()
    assert not list(tmp_path.glob("token.key.old*"))


def test_a_rotated_key_ends_while_the_server_runs(tmp_path: Path) -> None:
    now = int(time.time())
    old_key = load_key(tmp_path, {})
    rotate_key(tmp_path)
    then = float(now)
    signer = started(tmp_path, lambda: then)
    # Whoever has the old key writes into a token what they like.
    forged = signed(old_key, iat=now - 1, exp=now + 10**6)
    assert signer.verify(forged).expires_at <= (now + 70) * 1000
    then = now + 70
    with pytest.raises(Refused) as error:
        signer.verify(forged)
    assert error.value.code.value == "token_invalid"


def test_what_the_old_key_signs_after_the_start_is_refused(tmp_path: Path) -> None:
    now = int(time.time())
    old_key = load_key(tmp_path, {})
    rotate_key(tmp_path)
    signer = started(tmp_path, lambda: now + 30)
    assert signer.verify(signed(old_key, iat=now)).user_id == "user"
    with pytest.raises(Refused) as error:
        signer.verify(signed(old_key, iat=now + 20))
    assert error.value.code.value == "token_invalid"


def test_the_key_in_use_outlives_a_late_restart_and_rotations_before_it(tmp_path: Path) -> None:
    running = started(tmp_path)
    first = rotate_key(tmp_path)
    # It was twenty minutes ago, and the server has signed with the old key all the time.
    for path in tmp_path.iterdir():
        os.utime(path, (time.time() - 1200,) * 2)
    before = first.read_bytes()
    rotate_key(tmp_path)
    token, _ends = running.make("user", "session")
    assert started(tmp_path).verify(token).user_id == "user"
    with pytest.raises(Refused):
        started(tmp_path).verify(signed(before))


def test_each_key_has_its_own_end(tmp_path: Path) -> None:
    tokens = []
    for _ in range(3):
        tokens.append(started(tmp_path).make("user", "session")[0])
        rotate_key(tmp_path)
    last = started(tmp_path)
    assert {last.verify(token).user_id for token in tokens} == {"user"}
    oldest, *_others = sorted(tmp_path.glob("token.key.old.*"))
    oldest.rename(tmp_path / f"token.key.old.{int(time.time()) - 100}")
    last = started(tmp_path)
    with pytest.raises(Refused):
        last.verify(tokens[0])
    assert {last.verify(token).user_id for token in tokens[1:]} == {"user"}


def test_a_start_cut_short_between_two_keys_is_begun_again(tmp_path: Path) -> None:
    running = started(tmp_path)
    rotate_key(tmp_path)
    key = (tmp_path / "token.key").read_bytes()
    (tmp_path / f"token.key.old.{int(time.time()) - 20}").write_bytes(key)
    token = running.make("user", "session")[0]
    assert started(tmp_path).verify(token).user_id == "user"
    # A clock that was ahead at the start must not keep a key alive.
    (ahead, _other) = sorted(tmp_path.glob("token.key.old.*"))
    ahead.rename(tmp_path / f"token.key.old.{2**39}")
    assert all(old.until <= time.time() + 65 for old in load_previous(tmp_path, 60, {}))


def test_there_is_no_key_to_rotate_before_the_first_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        rotate_key(tmp_path)


async def test_nobody_is_signed_out_by_a_rotation(tmp_path: Path) -> None:
    async with running_server(data_dir=tmp_path) as server, people(server, "ana") as (ana,):
        rotate_key(tmp_path)
        rotate_key(tmp_path)
        asked = {"refreshToken": ana.tokens["refreshToken"]}
        _status, tokens = await ana.http("POST", "/api/refresh", asked)
    async with running_server(data_dir=tmp_path) as server:
        again = Person(server, tokens)
        await again.connect()
        assert (await again.http("GET", "/api/me"))[0] == 200
        await again.client.shutdown()


def test_a_previous_key_may_come_from_the_environment(tmp_path: Path) -> None:
    given = {"TALKBOT_SECRET": "n" * 32, "TALKBOT_SECRET_PREVIOUS": KEY.decode()}
    (previous,) = load_previous(tmp_path, 60, given)
    now = time.time()
    assert previous.key == KEY
    assert now + 60 < previous.until <= now + 65
    assert Signer(b"n" * 32, 60, (previous,)).verify(signed()).user_id == "user"
    with pytest.raises(Refused):
        Signer(b"n" * 32, 60, (PreviousKey(KEY, now, now),)).verify(signed())
    assert load_previous(tmp_path, 60, {"TALKBOT_SECRET": "n" * 32}) == ()
    with pytest.raises(ValueError, match="TALKBOT_SECRET_PREVIOUS"):
        load_previous(tmp_path, 60, {"TALKBOT_SECRET_PREVIOUS": "short"})


@pytest.mark.parametrize(("ahead", "taken"), [(3, True), (30, False)])
def test_a_clock_may_be_a_little_ahead(ahead: int, taken: bool) -> None:
    token = signed(iat=int(time.time()) + ahead)
    if taken:
        assert Signer(KEY, 60).verify(token).user_id == "user"
    else:
        with pytest.raises(Refused):
            Signer(KEY, 60).verify(token)


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
