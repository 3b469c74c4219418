"""Programs in Node beside our server: the official client on strings, and any other script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.waiting import until

NODE = Path(__file__).parents[1] / "conformance" / "node"


class Program:
    """A process with lines out; what it said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip("\n"))

    async def said(self, text: str, count: int = 1) -> None:
        """Wait until so many of its lines hold `text`."""
        await until(
            lambda: sum(text in line for line in self.lines) >= count,
            what=lambda: "\n".join(self.lines),
        )

    async def ended(self) -> int:
        """Its exit code, once it has said all."""
        code = await self.process.wait()
        await self._reading
        return code


@asynccontextmanager
async def program(*command: str, cwd: Path = NODE) -> AsyncIterator[Program]:
    """Run `command` until the block ends; its errors are lines too."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running = Program(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.ended()


class Peer:
    """One official client."""

    def __init__(self, running: Program) -> None:
        self._program = running
        self._asked = 0

    def tell(self, do: str, **more: Any) -> None:
        stdin = self._program.process.stdin
        assert stdin is not None
        stdin.write((json.dumps({"do": do, **more}) + "\n").encode())

    def facts(self, what: str, **more: Any) -> list[dict[str, Any]]:
        """All of one kind, so far."""
        found = [fact for fact in map(json.loads, self._program.lines) if fact["what"] == what]
        return [fact for fact in found if more.items() <= fact.items()]

    async def fact(self, what: str, count: int = 1, **more: Any) -> dict[str, Any]:
        """The `count`th of one kind, once it happened."""
        await until(
            lambda: len(self.facts(what, **more)) >= count,
            what=lambda: "\n".join(self._program.lines),
        )
        return self.facts(what, **more)[count - 1]

    async def connect(self, url: str, token: str, **options: Any) -> dict[str, Any]:
        self.tell("connect", url=url, token=token, options=options)
        return await self.fact("connect")

    async def call(self, name: str, payload: Any) -> dict[str, Any]:
        self._asked += 1
        self.tell("ask", name=name, payload=payload)
        await until(
            lambda: len(self.facts("ack")) + len(self.facts("unanswered")) >= self._asked,
            what=lambda: "\n".join(self._program.lines),
        )
        answer: dict[str, Any] = self.facts("ack")[-1]["answer"]
        return answer

    async def sync(self) -> str:
        """Follow all rooms; the id of the first."""
        answer = await self.call("sync", {"cursors": {}})
        return str(answer["conversations"][0]["conversation"]["conversationId"])

    def texts(self) -> list[str]:
        """Of the messages that came."""
        return [fact["payload"]["text"] for fact in self.facts("event", name="message")]


@asynccontextmanager
async def peer() -> AsyncIterator[Peer]:
    async with program("node", "peer.js") as running:
        yield Peer(running)
