"""`talkbot-tui probe`: what it finds out about servers, and what it never does to them."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from aiohttp import web

from talkbot_tui.cli import exit_codes
from talkbot_tui.client.dialects.declaring import parse
from tests.peers.dialects.world import server
from tests.serving import running_server


async def probe(url: str, *options: str) -> tuple[int, str, str]:
    """Its exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "talkbot_tui", "probe", url, "--listen", "0.5", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


SEEN = """\
Engine.IO 4
{ways}
ping every 25000 ms, time-out 20000 ms, payload at most 1000000 bytes
namespace /: open
namespace /chat: refused: Invalid namespace
namespace /news: open
namespace /members: refused: members only
"""


@pytest.mark.parametrize("transports", [["polling", "websocket"], ["polling"], ["websocket"]])
async def test_it_tells_what_a_server_is_and_sends_no_event(transports: list[str]) -> None:
    async with server("fragile", transports=transports) as there:
        code, out, err = await probe(there.url, "--namespace", "/news", "--namespace", "/members")
        assert (code, err) == (exit_codes.OK, "")
        told, draft = out.split("\n\n", 1)
        ways = {name: "yes" if name in transports else "no" for name in ("polling", "websocket")}
        ways["upgrade"] = "yes" if len(transports) == 2 else "no"
        told += "\n"
        line = ", ".join(f"{name}: {works}" for name, works in ways.items())
        assert told.startswith(SEEN.format(ways=line)), told
        for namespace in ("/", "/news"):
            assert f'{namespace} `chat` [{{"user": "eva", "body": "hello"' in told
            assert f'{namespace} `stats` [3, ["a"]] (1 time)' in told
            assert f"{namespace} `after the picture` [] (1 time)" in told
        assert told.count("(2 times)") == 2
        made = parse(draft, "draft.toml")
        rule = made.receive["chat"][0]
        assert rule.kind == "message"
        assert set(rule.fields) == {"author", "text", "id", "time"}
        assert made.send.emit.event == "chat"
        assert not there.heard()


async def test_the_draft_goes_into_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    async with server("basic") as there:
        file = tmp_path / "mine.toml"
        code, out, _err = await probe(there.url, "--draft", str(file))
        assert code == exit_codes.OK
        assert "no event came by itself" in out
        assert out.endswith(f"draft of a dialect: {file}\n")
        assert parse(file.read_text(), "mine.toml").receive["message"][0].kind == "message"
        code, _out, err = await probe(there.url, "--draft", str(file))
        assert code == exit_codes.USAGE
        assert err == f"talkbot-tui: {file} is there already; name another file\n"
        assert not there.heard()


async def test_our_own_server_is_known() -> None:
    async with running_server() as ours:
        code, out, _err = await probe(ours.url)
        assert code == exit_codes.OK
        assert "namespace /chat: refused: auth_required" in out
        assert "it looks like the dialect talkbot/1" in out


# --- other things that listen ---------------------------------------------------------------


async def odd_server(status: int, body: bytes) -> tuple[web.AppRunner, str]:
    """Whatever is asked, this is the answer."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


EIO3 = b'96:0{"sid":"x","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}2:40'


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, EIO3, "speaks Engine.IO 3 (Socket.IO 2 or older); talkbot-tui speaks 4"),
        (200, b"<html>\x1b[2J</html>", "HTTP 200 <html>\ufffd[2J</html>; another --path may help"),
        (404, b"not here", "HTTP 404 not here; another --path may help"),
        (403, b'{"code":4,"message":"Forbidden"}', 'HTTP 403 {"code":4,"message":"Forbidden"}'),
        (200, b"0{", "HTTP 200 0{"),
        (200, b'0{"sid":1}', 'HTTP 200 0{"sid":1}'),
        (200, b"0" + b"[" * 100_000, "HTTP 200 0[[["),
        (200, b"\xff\xfe", "HTTP 200"),
        (200, b"x" * 50_000_000, ""),
        (301, b"", "HTTP 301"),
        (500, b"", "HTTP 500"),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_what_is_no_socket_io_is_told_in_one_line(
    status: int, body: bytes, says: str
) -> None:
    runner, url = await odd_server(status, body)
    try:
        code, out, err = await probe(url)
    finally:
        await runner.cleanup()
    assert (code, out) == (exit_codes.UNREACHABLE, "")
    assert says in err
    assert err.count("\n") == 1


async def test_one_that_answers_nothing_is_told() -> None:
    async with await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0) as mute:
        url = f"http://127.0.0.1:{mute.sockets[0].getsockname()[1]}"
        code, _out, err = await probe(url)
    assert code == exit_codes.UNREACHABLE
    assert err == f"talkbot-tui: {url} does not answer; try again later\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("http://127.0.0.1:1",), "no server answers at http://127.0.0.1:1"),
        (("http://example.org",), "would carry everything unprotected"),
        (("http://127.0.0.1:1", "--path", "x"), "a path and a namespace begin with /"),
        (("http://127.0.0.1:1", "--namespace", "x"), "a path and a namespace begin with /"),
        (("http://127.0.0.1:1", "--listen", "nan"), "a time is a number of seconds up to 86400"),
        (("::::",), "is not a server's address"),
    ],
)
async def test_wrong_words_are_told(arguments: tuple[str, ...], says: str) -> None:
    code, out, err = await probe(*arguments)
    assert code in (exit_codes.USAGE, exit_codes.UNREACHABLE)
    assert out == ""
    assert says in err
    assert err.count("\n") == 1
