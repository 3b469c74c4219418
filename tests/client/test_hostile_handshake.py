"""What a server may put into the first answer, and what becomes of it."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from talkbot_tui.client.transport import Unreachable
from tests.client.test_transport import connector, stub


@pytest.mark.parametrize(
    "sid", ["a\r\nX-Injected: yes", "\x1b]0;title\x07", "a b&rk=other#x", "\u0000"]
)
async def test_a_session_id_of_control_characters_goes_into_no_header(sid: str) -> None:
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        if "sid" not in request.query:
            opened = {"sid": sid, "upgrades": [], "pingInterval": 25_000, "pingTimeout": 20_000}
            return web.Response(text="0" + json.dumps(opened))
        return web.Response(status=400)

    async with stub(answer) as url:
        with pytest.raises(Unreachable):
            await connector(url, "token", transports=("polling",)).connect()
    assert len(asked) > 1
    for request in asked[1:]:
        assert "X-Injected" not in request.headers
        assert (request.path, request.method) in (
            ("/socket.io/", "GET"),
            ("/socket.io/", "POST"),
        )


async def test_more_cookies_than_a_server_needs_end_the_attempt_and_nothing_else() -> None:
    sent_back: list[int] = []

    async def answer(request: web.Request) -> web.Response:
        sent_back.append(len(request.headers.get("Cookie", "")))
        opened = {"sid": "s1", "upgrades": [], "pingInterval": 25_000, "pingTimeout": 20_000}
        response = web.Response(text="0" + json.dumps(opened))
        for number in range(2_000):
            response.headers.add("Set-Cookie", f"c{number}={'x' * 4_000}; Path=/")
        return response

    async with stub(answer) as url:
        with pytest.raises(Unreachable):
            await connector(url, "token", transports=("polling",)).connect()
    # The answer itself is refused: nothing is asked after it, and nothing is given back.
    assert sent_back == [0]
