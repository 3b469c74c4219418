"""The network's libraries come when they are wanted, and nothing is left changed by that."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from types import ModuleType

import pytest

from talkbot_tui.client import late
from talkbot_tui.client.memory import FixedToken
from talkbot_tui.client.transport import Connector, Transport, Unreachable


class NoServer:
    """A connector to nowhere."""

    def __init__(self, tokens: FixedToken) -> None:
        self.tokens = tokens
        self.attempts = 0

    async def connect(self) -> Transport:
        self.attempts += 1
        raise Unreachable("refused")


async def test_nothing_is_made_before_it_may_begin() -> None:
    begin = asyncio.Event()
    tokens = FixedToken("t")
    made = NoServer(tokens)
    given: list[str] = []

    def make(module: ModuleType) -> Connector:
        given.append(module.__name__)
        return made

    connector = late.LateConnector(begin, tokens, make)
    assert connector.tokens is tokens
    attempt = asyncio.create_task(connector.connect())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not given
    begin.set()
    with pytest.raises(Unreachable):
        await attempt
    with pytest.raises(Unreachable):
        await connector.connect()
    assert given == ["talkbot_tui.client.connector"]
    assert made.attempts == 2


ALONE = """
import asyncio, gc, sys
from talkbot_tui.client import late

async def main():
    before = sys.getswitchinterval()
    module = await late.module("{name}", without=("colorsys",))
    same = sys.getswitchinterval() == before
    print(module.__name__, same, gc.isenabled(), "colorsys" in sys.modules)
    try:
        await late.module("colorsys", without=("colorsys",))
    except ImportError:
        print("hidden")
    print((await late.module("colorsys")).__name__)
    try:
        await late.module("talkbot_tui.nothing")
    except ImportError:
        print(sys.getswitchinterval() == before, gc.isenabled())

asyncio.run(main())
"""


def test_an_import_leaves_the_process_as_it_was() -> None:
    assert gc.isenabled()
    done = subprocess.run(
        [sys.executable, "-c", ALONE.format(name="wave")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split("\n")[:4] == [
        "wave True True False",
        "hidden",
        "colorsys",
        "True True",
    ]
