"""One profile, two processes: whatever happens, each message is stored once, in order."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from talkbot_tui.core.events import OpenConversation
from talkbot_tui.server.app import RunningServer
from tests.client.test_together import GENEROUS, engine, opened, shown
from tests.proxy import proxied
from tests.serving import register, running_server
from tests.waiting import until

pytestmark = pytest.mark.timeout(120)

COUNT = 40

SENDER = """
import asyncio, sys
from pathlib import Path
from talkbot_tui.client.store import StoreError
from tests.client.test_together import engine, waiting
from tests.waiting import until

async def main(url, token, folder):
    sender = engine(url, token, Path(folder))
    try:
        await sender.start()
    except StoreError as error:
        print(error.code, flush=True)
        return
    print("started", flush=True)
    await until(lambda: sender.session.link.online and not waiting(sender), 30)
    print("sent", flush=True)
    await sender.stop()

asyncio.run(main(*sys.argv[1:]))
"""


@asynccontextmanager
async def sender(url: str, token: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SENDER, url, token, str(folder)), stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def says(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(40):
        return (await process.stdout.readline()).decode().strip()


async def unsent_profile(server: RunningServer, folder: Path) -> tuple[str, str, list[str]]:
    """A profile with `COUNT` messages that were written without a connection; token, room."""
    token = (await register(server, "ana"))["accessToken"]
    first = engine(server.url, token, folder)
    room = await opened(first)
    await first.stop()
    # Nobody listens there.
    offline = engine("http://127.0.0.1:9", token, folder)
    await offline.start()
    offline.dispatch(OpenConversation(room))
    texts = [f"line {number}" for number in range(COUNT)]
    for text in texts:
        offline.send(room, text)
    await offline.stop()
    return token, room, texts


async def stored(server: RunningServer, token: str, room: str) -> list[str]:
    """What a fresh device of the same person is told."""
    reader = engine(server.url, token)
    try:
        await opened(reader)
        await until(lambda: len(shown(reader, room)) >= COUNT)
        return [text for _, text in shown(reader, room)]
    finally:
        await reader.stop()


def in_store(server: RunningServer) -> int:
    return (
        server.database.ask(lambda tx: tx.sql.scalar(sa.text("SELECT count(*) FROM message"))) or 0
    )


async def test_the_second_process_takes_over_what_the_first_one_left(tmp_path: Path) -> None:
    async with running_server(limits=GENEROUS) as server, proxied(server.url) as proxy:
        folder = tmp_path / "profile"
        token, room, texts = await unsent_profile(server, folder)
        async with sender(proxy.url, token, folder) as first:
            assert await says(first) == "started"
            # The path dies under its first messages: it neither gets through nor gives up.
            await until(lambda: in_store(server) >= 3)
            proxy.freeze()
            async with sender(server.url, token, folder) as refused:
                assert await says(refused) == "busy"
            assert in_store(server) < COUNT
            first.kill()
            await first.wait()
        async with sender(server.url, token, folder) as second:
            assert [await says(second), await says(second)] == ["started", "sent"]
        assert await stored(server, token, room) == texts


async def test_two_copies_of_a_profile_send_its_messages_once(tmp_path: Path) -> None:
    """No lock helps where a profile was copied, or lies on a disk whose locks do not work."""
    async with running_server(limits=GENEROUS) as server:
        token, room, texts = await unsent_profile(server, tmp_path / "profile")
        shutil.copytree(tmp_path / "profile", tmp_path / "copy")
        async with (
            sender(server.url, token, tmp_path / "profile") as one,
            sender(server.url, token, tmp_path / "copy") as other,
        ):
            for process in (one, other):
                assert [await says(process), await says(process)] == ["started", "sent"]
        assert await stored(server, token, room) == texts
