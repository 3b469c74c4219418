from __future__ import annotations

import pytest
from aiohttp import web

from talkbot_tui.client import addresses
from talkbot_tui.client.account_api import AccountApi
from talkbot_tui.client.transport import Unreachable


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, "<html>hello</html>", "not_socketio"),
        (404, "nothing here", "not_socketio"),
        (405, "", "not_socketio"),
        (501, "Unsupported method ('POST')", "not_socketio"),
        (502, "<html>Bad Gateway</html>", "http_error"),
        (503, "", "http_error"),
        (429, "", "limited"),
    ],
)
async def test_a_server_of_another_kind_is_told_from_one_in_trouble(
    status: int, body: str, code: str
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        with pytest.raises(Unreachable) as caught:
            await AccountApi(addresses.parse(url)).login("ana", "any password")
        assert caught.value.code == code
    finally:
        await runner.cleanup()
