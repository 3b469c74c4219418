"""The processes of a run: one server, some clients; each can be killed, frozen, started anew."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
START_S = 30.0


@dataclass(slots=True)
class Process:
    """A child that answers on standard output; its errors go to `log`, or to `errors` instead."""

    command: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[tuple[int, int], ...] = ()
    nice: int = 0
    errors: Path | None = None
    child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, as often as wished."""
        with (self.errors or self.log).open("a") as log:
            self.child = await asyncio.create_subprocess_exec(
                *self.command,
                cwd=REPOSITORY,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.env},
                # Only calls that are safe between fork and exec.
                preexec_fn=self._limit if self.limits or self.nice else None,
            )

    def _limit(self) -> None:
        for what, size in self.limits:
            resource.setrlimit(what, (size, size))
        os.nice(self.nice)

    async def answer(self, within: float) -> str:
        """The next line; "" when it has ended. Raises `TimeoutError`."""
        assert self.child is not None
        assert self.child.stdout is not None
        async with asyncio.timeout(within):
            return (await self.child.stdout.readline()).decode().strip()

    def order(self, line: str) -> None:
        """One line on its standard input."""
        assert self.child is not None
        assert self.child.stdin is not None
        with suppress(OSError):
            self.child.stdin.write(line.encode() + b"\n")

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.child is not None and self.child.returncode is None:
            with suppress(ProcessLookupError):
                self.child.send_signal(number)

    async def end(self, number: signal.Signals = signal.SIGKILL, within: float = 15.0) -> int:
        """Send a signal and wait for the end; the exit code."""
        assert self.child is not None
        self.send(number)
        if number is not signal.SIGCONT:
            # A frozen process takes no signal but these.
            self.send(signal.SIGCONT)
        async with asyncio.timeout(within):
            return await self.child.wait()

    def words(self) -> str:
        """The end of what it said about errors."""
        return self.log.read_text(errors="replace")[-2_000:] if self.log.exists() else ""


def python(*arguments: str) -> tuple[str, ...]:
    """A command in this interpreter."""
    return (sys.executable, *arguments)
