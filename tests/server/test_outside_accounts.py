"""People whom an outside identity provider vouches for, on a real server."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import socketio.exceptions

from talkbot_tui.server.app import RunningServer
from tests.server.peers import Person, people
from tests.server.provider import ISSUER, jwk, jwks, provider, secret, signed
from tests.serving import running_server
from tests.waiting import until


@asynccontextmanager
async def serving(folder: Path, text: Any = None, **config: Any) -> AsyncIterator[RunningServer]:
    async with running_server(outside=provider(folder, text), **config) as server:
        yield server


async def me(server: RunningServer, token: str) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{server.url}/api/me", headers=headers) as answer,
    ):
        return answer.status, await answer.json()


@asynccontextmanager
async def outsider(server: RunningServer, token: str) -> AsyncIterator[Person]:
    status, answer = await me(server, token)
    assert status == 200, answer
    person = Person(server, {"accessToken": token, "user": answer["user"]})
    try:
        await person.connect()
        yield person
    finally:
        await person.client.shutdown()


async def test_somebody_from_outside_has_an_account_at_once_and_keeps_it(tmp_path: Path) -> None:
    async with serving(tmp_path, registration="closed") as server:
        async with outsider(server, signed()) as ana:
            posted = await ana.post(ana.rooms["general"], "oi")
            assert posted["seq"] > 0
        async with outsider(server, signed(sid="sign-in-2", preferred_username="renamed")) as again:
            assert again.user_id == ana.user_id
        assert (await me(server, signed()))[1]["user"]["name"] == "ana"


async def test_a_name_that_somebody_has_is_never_taken_over(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, people(server, "ana") as (local,):
        _status, found = await me(server, signed())
        assert found["user"]["name"] == "ana2"
        assert found["user"]["userId"] != local.user_id
        _status, other = await me(server, signed(sub="f:1234:other"))
        assert other["user"]["name"] == "ana3"


@pytest.mark.parametrize("name", ["talkbot", "system", "a b", "\u202eana", "x" * 60])
async def test_a_name_that_nobody_may_have_is_refused_or_cut(tmp_path: Path, name: str) -> None:
    async with serving(tmp_path) as server:
        status, answer = await me(server, signed(preferred_username=name))
        if name == "x" * 60:
            assert answer["user"]["name"] == "x" * 32
        else:
            assert (status, answer["error"]["code"]) == (400, "name_invalid")
            _status, users = await me(server, signed(preferred_username="bia"))
            assert users["user"]["name"] == "bia"


async def test_a_token_of_nobody_is_refused_over_both_doors(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        forged = signed(key=secret("RS256", 1))
        assert (await me(server, forged))[0] == 401
        person = Person(server, {"accessToken": forged, "user": {"userId": ""}})
        with pytest.raises(socketio.exceptions.ConnectionError):
            await person.connect()
        await person.client.shutdown()


async def test_a_header_that_names_no_algorithm_is_no_error_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path) as server:
        parts = [{"typ": "JWT"}, {"iss": ISSUER}]
        coded = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in parts]
        stranger = ".".join((*(one.rstrip("=") for one in coded), "AAAA"))
        status, answer = await me(server, stranger)
        assert (status, answer["error"]["code"]) == (401, "token_invalid")
        person = Person(server, {"accessToken": stranger, "user": {"userId": ""}})
        with pytest.raises(socketio.exceptions.ConnectionError):
            await person.connect()
        await person.client.shutdown()
        assert server.metrics.value("handshakes_total", "token_invalid") == 1
        assert "Traceback" not in caplog.text


async def test_without_a_provider_its_tokens_are_worth_nothing() -> None:
    async with running_server() as server:
        assert (await me(server, signed()))[1]["error"]["code"] == "token_invalid"


async def test_the_connection_ends_with_its_token_unless_a_fresh_one_comes(tmp_path: Path) -> None:
    def short() -> str:
        now = int(time.time())
        return signed(iat=now - 10, exp=now + 3)

    async with (
        serving(tmp_path) as server,
        outsider(server, short()) as ana,
        outsider(server, short()) as bia,
    ):
        await bia.ask("auth", {"token": signed()})
        await until(lambda: ana.closed, within=10)
        assert ana.got("goodbye") == [{"code": "token_expired"}]
        assert not bia.closed
        await bia.ask("heads", {"heads": {}})


async def test_a_fresh_token_of_somebody_else_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, outsider(server, signed()) as ana:
        other = signed(sub="f:1234:bia", preferred_username="bia")
        assert await ana.refused("auth", {"token": other}) == "token_invalid"


async def test_a_session_that_was_ended_stays_ended_for_its_later_tokens(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, outsider(server, signed()) as ana:
        _status, listed = await ana.http("GET", "/api/sessions")
        (session,) = listed["items"]
        assert session["client"].startswith("https://id.example.org")
        assert session["current"]
        await ana.http("POST", "/api/logout")
        await until(lambda: ana.closed, within=5)
        later = signed(exp=int(time.time()) + 999)
        assert (await me(server, later))[1]["error"]["code"] == "session_revoked"
        assert (await me(server, signed(sid="sign-in-2")))[0] == 200


async def test_a_provider_that_rotates_its_keys_locks_nobody_out(tmp_path: Path) -> None:
    async with serving(tmp_path, jwks(jwk("RS256", 0, kid="a"))) as server:
        assert (await me(server, signed(headers={"kid": "a"})))[0] == 200
        new = signed(key=secret("RS256", 1), headers={"kid": "b"})
        assert (await me(server, new))[0] == 401
        (tmp_path / "keys").write_text(jwks(jwk("RS256", 0, kid="a"), jwk("RS256", 1, kid="b")))
        assert (await me(server, new))[0] == 200
        (tmp_path / "keys").write_text(jwks(jwk("RS256", 1, kid="b")))
        assert (await me(server, signed(headers={"kid": "a"})))[0] == 401
