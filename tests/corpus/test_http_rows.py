"""Rows H1 to H17: what comes to the HTTP side, from odd JSON to half a request."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.corpus.rows import Row, load
from tests.corpus.stage import Stage, staged
from tests.server.peers import fresh
from tests.serving import PASSWORD, register

ROWS = load("http.jsonl")
GROUPS = {name: list(rows) for name, rows in groupby(ROWS, lambda row: row.id.partition(".")[0])}
WITHIN = 8.0
BODY = "POST /api/login"
ENCODED = {"gzip": "gzip", "deflate": "deflate"}


def test_every_row_of_the_table_has_cases_of_its_own() -> None:
    assert list(GROUPS) == [f"H{number}" for number in range(1, 18)]
    assert len({row.id for row in ROWS}) == len(ROWS) > 150


@pytest.mark.parametrize("name", [name for name in GROUPS if name != "H16"])
async def test_a_bad_request_harms_nobody(name: str) -> None:
    wrong = []
    async with staged() as stage:
        stage.server.patience._idle = 1.0
        for row in GROUPS[name]:
            found = await play(stage, row)
            await stage.unharmed()
            if not found & set(row.expect):
                wrong.append(f"{row.id}: {sorted(found)} instead of {row.expect}")
    assert not wrong, "\n".join(wrong)


async def play(stage: Stage, row: Row) -> set[str]:
    pieces = row.pieces({})
    if row.where in ("raw", "slow"):
        return await _raw(stage.server.url, pieces[0])
    found: set[str] = set()
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        for number, piece in enumerate(pieces):
            found = await _one(http, stage.server.url, row.where, piece, number)
    return found


async def _one(
    http: aiohttp.ClientSession, url: str, where: str, piece: str | bytes, number: int
) -> set[str]:
    headers: dict[str, str] = {}
    data: bytes | None = None
    method, path = "POST", "/api/login"
    if where in ENCODED:
        data = piece if isinstance(piece, bytes) else piece.encode()
        headers = {"Content-Encoding": ENCODED[where]}
    elif where == "multipart":
        data = str(piece).encode()
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
    elif where == "origin":
        method, path = "GET", "/socket.io/?EIO=4&transport=polling"
        headers = {"Origin": str(piece)}
    else:
        method, path, rest = (str(piece) + "  ").split(" ", 2)
        data = rest.strip(" ").encode() if where != "bearer" else None
        if where == "bearer":
            headers = {"Authorization": f"Bearer {rest.strip()}"}
        if where == "forged":
            headers = {"X-Forwarded-For": f"198.51.100.{number}"}
    async with http.request(method, url + path, data=data or None, headers=headers) as answer:
        text = await answer.text()
        assert "Traceback" not in text
        return {str(answer.status), f"{answer.status // 100}xx"}


async def _raw(url: str, request: str | bytes) -> set[str]:
    """The status of the first answer, and whether the server closed."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    data = request if isinstance(request, bytes) else request.encode("latin-1")
    found: set[str] = set()
    seen = b""
    try:
        writer.write(data)
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(WITHIN):
                while b"\r\n" not in seen:
                    more = await reader.read(65536)
                    if not more:
                        break
                    seen += more
        if seen.startswith(b"HTTP/1."):
            status = seen[9:12].decode()
            found = {status, f"{status[0]}xx"}
            # A request that was smuggled in would have been answered, too.
            assert b"talkbot_events_total" not in seen
        elif not seen:
            found = {"closed"}
    except ConnectionError:
        found = {"closed"}
    finally:
        writer.close()
    return found


async def test_a_refresh_token_is_used_once() -> None:
    async with staged() as stage, aiohttp.ClientSession() as http:

        async def refresh(token: str) -> tuple[int, dict[str, Any]]:
            asked = {"refreshToken": token}
            async with http.post(f"{stage.server.url}/api/refresh", json=asked) as answer:
                return answer.status, await answer.json()

        # Old: its successor was used, so this copy is somebody else's, and all of it ends.
        first = await register(stage.server, fresh("rita"))
        _status, second = await refresh(first["refreshToken"])
        _status, third = await refresh(second["refreshToken"])
        assert (await refresh(first["refreshToken"]))[0] == 401
        assert (await refresh(third["refreshToken"]))[0] == 401
        # After logout.
        ended = await register(stage.server, fresh("rita"))
        headers = {"Authorization": f"Bearer {ended['accessToken']}"}
        async with http.post(f"{stage.server.url}/api/logout", headers=headers) as answer:
            assert answer.status == 200
        assert (await refresh(ended["refreshToken"]))[0] == 401
        # Ten at once: a lost answer is forgiven for a minute, so all may win, into one family.
        many = await register(stage.server, fresh("rita"))
        answers = await asyncio.gather(*(refresh(many["refreshToken"]) for _ in range(10)))
        assert {status for status, _body in answers} == {200}
        bodies = [body for _status, body in answers]
        assert len({body["refreshToken"] for body in bodies}) == 10
        assert (await refresh(bodies[0]["refreshToken"]))[0] == 200
        assert (await refresh(many["refreshToken"]))[0] == 401
        assert (await refresh(bodies[1]["refreshToken"]))[0] == 401
        await stage.unharmed()


async def test_one_password_in_two_forms_is_one() -> None:
    async with staged() as stage, aiohttp.ClientSession() as http:
        for given, again in (("caf\u00e9 com leite", "cafe\u0301 com leite"),):
            name = fresh("rita")
            body = {"username": name, "password": given}
            async with http.post(f"{stage.server.url}/api/register", json=body) as answer:
                assert answer.status == 201
            body = {"username": name.upper(), "password": again}
            async with http.post(f"{stage.server.url}/api/login", json=body) as answer:
                assert answer.status == 200
        assert PASSWORD
