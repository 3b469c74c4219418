"""The HTTP side, over real sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from talkbot_tui.server.passwords import SLOTS
from talkbot_tui.server.storage import people as accounts
from talkbot_tui.server.storage import sessions
from talkbot_tui.server.storage.tx import Tx
from tests.server.peers import Person, fresh, people
from tests.serving import PASSWORD, open_store, register, running_server
from tests.waiting import until


async def post(server: Any, path: str, body: Any, **options: Any) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(server.url + path, json=body, **options) as answer,
    ):
        return answer.status, await answer.json()


async def test_register_login_me_and_wrong_passwords() -> None:
    async with running_server(failures_max=3) as server:
        ana = Person(server, await register(server, "Ana"))
        assert ana.tokens["user"]["name"] == "ana"
        assert ana.tokens["user"]["displayName"] == "Ana"
        for name in ("ana", "АNA", "ANA"):
            status, answer = await post(
                server, "/api/register", {"username": name, "password": PASSWORD}
            )
            assert (status, answer["error"]["code"]) == (409, "name_taken")
        status, tokens = await post(server, "/api/login", {"username": "ANA", "password": PASSWORD})
        assert status == 200
        assert (await ana.http("GET", "/api/me", token=tokens["accessToken"]))[1]["user"] == (
            ana.tokens["user"]
        )
        for name in ("ana", "nobody"):
            status, answer = await post(
                server, "/api/login", {"username": name, "password": "wrong password"}
            )
            assert (status, answer["error"]["code"]) == (401, "bad_credentials")
        for _ in range(2):
            await post(server, "/api/login", {"username": "ana", "password": "wrong password"})
        status, answer = await post(server, "/api/login", {"username": "ana", "password": PASSWORD})
        assert (status, answer["error"]["code"]) == (429, "rate_limited")
        assert answer["error"]["retryAfterMs"] > 0


async def test_passwords_tried_at_once_are_no_more_than_one_after_another() -> None:
    async with running_server(failures_max=3) as server:
        await register(server, "ana")

        async def guess(number: int) -> int:
            tried = {"username": "ana", "password": f"wrong password {number}"}
            return (await post(server, "/api/login", tried))[0]

        tried = await asyncio.gather(*map(guess, range(20)))
        # One that was looked at meanwhile is on its way already.
        assert 3 <= tried.count(401) < 3 + SLOTS
        assert tried.count(401) + tried.count(429) == 20


async def test_many_names_tried_from_one_address_are_slowed_down_too() -> None:
    async with running_server(address_failures_max=3) as server:
        ana = await register(server, "ana")
        tried = {"password": "wrong password"}
        for name in ("ben", "carla", "dan"):
            status, _ = await post(server, "/api/login", {"username": name, **tried})
            assert status == 401
        status, answer = await post(server, "/api/login", {"username": "ana", "password": PASSWORD})
        assert (status, answer["error"]["code"]) == (429, "rate_limited")
        # Whoever is in stays in.
        assert (await Person(server, ana).http("GET", "/api/me"))[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"username": "x", "password": "short"}, 400, "password_weak"),
        ({"username": "a b", "password": PASSWORD}, 400, "name_invalid"),
        ({"username": "admin", "password": PASSWORD}, 400, "name_invalid"),
        ({"username": "x"}, 400, "bad_request"),
        ({"username": "x", "password": PASSWORD, "bot": True}, 400, "bad_request"),
        ({"username": "x", "password": "y" * 5000}, 413, "too_large"),
        ([], 400, "bad_request"),
    ],
)
async def test_bad_sign_ups_are_told_what_is_wrong(body: Any, status: int, code: str) -> None:
    async with running_server() as server:
        got, answer = await post(server, "/api/register", body)
        assert (got, answer["ok"], answer["error"]["code"]) == (status, False, code)


async def test_registration_may_be_closed_or_need_an_invite() -> None:
    from talkbot_tui.server.storage import sessions

    body = {"username": "ana", "password": PASSWORD}
    async with running_server(registration="closed") as server:
        assert (await post(server, "/api/register", body))[1]["error"]["code"] == (
            "registration_closed"
        )
    async with running_server(registration="invite") as server:
        assert (await post(server, "/api/register", body))[0] == 403
        code = await server.database.write(lambda tx: sessions.add_invite(tx, 1, 1))
        # A refused sign-up does not use the invite up.
        taken = {"username": "admin", "password": PASSWORD, "invite": code}
        assert (await post(server, "/api/register", taken))[0] == 400
        assert (await post(server, "/api/register", {**body, "invite": code}))[0] == 201
        again = {"username": "bruno", "password": PASSWORD, "invite": code}
        assert (await post(server, "/api/register", again))[1]["error"]["code"] == "invite_invalid"


async def test_an_invite_as_a_link_makes_an_account() -> None:
    from talkbot_tui.server.storage import sessions

    async with running_server() as server:
        code = await server.database.write(lambda tx: sessions.add_invite(tx, 1, 1))
        body = {"username": "ana", "password": PASSWORD}
        assert (await post(server, "/api/join/guess", body))[1]["error"]["code"] == "invite_invalid"
        status, tokens = await post(server, f"/api/join/{code}", body)
        assert (status, tokens["user"]["name"]) == (201, "ana")
        second = {**body, "username": "bruno"}
        assert (await post(server, f"/api/join/{code}", second))[0] == 403


async def test_refresh_tokens_rotate_forgive_a_lost_answer_and_punish_reuse() -> None:
    async with running_server() as server, people(server, "ana") as (ana,):
        first = ana.tokens["refreshToken"]

        async def refresh(token: str) -> tuple[int, dict[str, Any]]:
            return await post(server, "/api/refresh", {"refreshToken": token})

        _, second = await refresh(first)
        status, lost = await refresh(first)
        assert status == 200
        assert (await refresh(second["refreshToken"]))[0] == 200
        # Nobody who got an answer needs the lost one: whoever uses both is two.
        status, answer = await refresh(lost["refreshToken"])
        assert (status, answer["error"]["code"]) == (401, "session_revoked")
        assert (await refresh(first))[0] == 401
        assert (await ana.http("GET", "/api/me"))[0] == 401
        assert (await ana.wait("goodbye"))["code"] == "session_revoked"
        assert (await refresh("tbr_unknown"))[1]["error"]["code"] == "token_invalid"


async def test_a_new_password_ends_the_other_sessions_only() -> None:
    async with running_server() as server, people(server, "ana") as (ana,):
        _, tokens = await post(server, "/api/login", {"username": "ana", "password": PASSWORD})
        other = Person(server, tokens)
        await other.connect()
        body = {"currentPassword": PASSWORD, "newPassword": "another good password"}
        assert (await ana.http("POST", "/api/password", {**body, "currentPassword": "x" * 8}))[
            0
        ] == 401
        assert (await ana.http("POST", "/api/password", body))[0] == 200
        assert (await other.wait("goodbye"))["code"] == "session_revoked"
        assert not ana.got("goodbye")
        await ana.ask("heads", {"heads": {}})
        login = {"username": "ana", "password": "another good password"}
        assert (await post(server, "/api/login", login))[0] == 200
        await other.client.shutdown()


async def test_sessions_are_listed_and_ended() -> None:
    async with running_server() as server, people(server, "ana", "bruno") as (ana, bruno):
        _, answer = await ana.http("GET", "/api/sessions")
        (mine,) = answer["items"]
        assert mine["current"]
        await bruno.http("DELETE", f"/api/sessions/{mine['sessionId']}")
        assert (await ana.http("GET", "/api/me"))[0] == 200
        await ana.http("DELETE", f"/api/sessions/{mine['sessionId']}")
        assert (await ana.http("GET", "/api/me"))[1]["error"]["code"] == "session_revoked"
        await until(lambda: ana.closed, within=5)


async def test_a_personal_token_signs_in_until_it_is_revoked() -> None:
    async with running_server() as server, people(server, "ana") as (ana,):
        status, made = await ana.http("POST", "/api/tokens", {"name": "script"})
        assert status == 201
        _, listed = await ana.http("GET", "/api/tokens")
        assert [item["token"] for item in listed["items"]] == [None]
        script = Person(server, {**ana.tokens, "accessToken": made["token"]})
        assert (await script.http("GET", "/api/me"))[0] == 200
        await script.connect()
        await ana.http("DELETE", f"/api/tokens/{made['tokenId']}")
        assert (await script.wait("goodbye"))["code"] == "session_revoked"
        assert (await script.http("GET", "/api/me"))[0] == 401
        assert made["token"].encode() not in b"".join(
            path.read_bytes() for path in server.config.data_dir.iterdir()
        )
        await script.client.shutdown()


def test_a_personal_token_that_has_expired_is_listed_no_more(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")

    def unit(tx: Tx) -> list[list[str]]:
        person = accounts.add_person(tx, "ana", "x")
        sessions.add_personal(tx, person.user_id, "short", 1)
        sessions.add_personal(tx, person.user_id, "long", 3)
        later = Tx(tx.sql, tx.now + sessions.DAY_MS)
        return [
            [held.name for held in sessions.personal_of_user(at, person.user_id)]
            for at in (tx, later)
        ]

    (listed,) = store.append([unit])
    store.close()
    assert listed == [["short", "long"], ["long"]]


async def test_history_by_http_is_for_members() -> None:
    async with running_server() as server, people(server, "ana", "bruno") as (ana, bruno):
        asked = {"kind": "group", "name": "x", "clientOpId": fresh()}
        made = await ana.ask("createConversation", asked)
        room = made["conversation"]["conversationId"]
        await ana.post(room, "um")
        path = f"/api/conversations/{room}/events"
        status, page = await ana.http("GET", path + "?after=1&limit=10")
        assert status == 200
        assert [event.get("text") for event in page["events"]] == ["um"]
        assert (await bruno.http("GET", path))[0] == 404
        assert (await ana.http("GET", path + "?limit=x"))[0] == 400
        assert (await ana.http("GET", path, token="forged"))[0] == 401


async def test_the_greeter_talks_to_everybody_new_and_old() -> None:
    async with running_server(greeter="talkbot") as server:
        early = Person(server, await register(server, "ana"))
        await server.ensure_bot("talkbot", "TalkBot")
        late = Person(server, await register(server, "bruno"))
        for person in (early, late):
            await person.connect()
            rooms = (await person.sync())["conversations"]
            kinds = {room["conversation"]["kind"]: room["conversation"] for room in rooms}
            assert set(kinds) == {"channel", "direct"}
            assert kinds["direct"]["peer"]["name"] == "talkbot"
            assert kinds["direct"]["peer"]["bot"]
            await person.client.shutdown()
        status, _ = await post(
            server, "/api/register", {"username": "talkbot", "password": PASSWORD}
        )
        assert status == 400


async def test_operators_can_look() -> None:
    async with running_server() as server, people(server, "ana") as (ana,):
        await ana.post(ana.rooms["general"], "oi")
        async with aiohttp.ClientSession() as http:
            for path, text in (("/", "OK\n"), ("/healthz", "OK\n"), ("/readyz", "ready\n")):
                async with http.get(server.url + path) as answer:
                    assert (answer.status, await answer.text()) == (200, text)
            async with http.get(server.url + "/metrics") as answer:
                numbers = await answer.text()
        assert 'talkbot_events_total{label="message"} 1' in numbers
        assert "talkbot_connections 1" in numbers
