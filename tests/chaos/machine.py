"""Kinds of faults of the machine itself: its disk, its clock, its limits, its processors."""

from __future__ import annotations

import asyncio
import resource
import shutil
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from pathlib import Path

from tests.chaos.processes import Process
from tests.chaos.world import World

FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
UNLIMITED = -1
CLOCKS: Mapping[str, tuple[str, ...]] = {
    "server": ("+3600", "-3600", "+25", "+0"),
    # The token's own times would end a session; its renewal is tested elsewhere.
    "client": ("+315360000", "-315360000", "+86400", "+0"),
}


class NotHere(RuntimeError):
    """This machine does not permit the fault; the run counts as not executed."""


def _limit(process: Process, what: int, size: int) -> None:
    child = process.child
    assert child is not None
    _soft, hard = resource.prlimit(child.pid, what)
    resource.prlimit(child.pid, what, (hard if size < 0 else size, hard))


def _largest(folder: Path) -> int:
    return max((path.stat().st_size for path in folder.rglob("*") if path.is_file()), default=0)


async def _full(world: World, process: Process, folder: Path) -> None:
    """No file of the process may grow for a while, which is how a full disk looks to it."""
    _limit(process, resource.RLIMIT_FSIZE, _largest(folder) + 4_096)
    world.done["disk full"] += 1
    await asyncio.sleep(0.6 + world.dice.random())
    _limit(process, resource.RLIMIT_FSIZE, UNLIMITED)


async def full_server(world: World) -> None:
    """The server's disk is full, twice; everything goes on without a restart."""
    for _ in range(2):
        await asyncio.sleep(0.4 + 0.6 * world.dice.random())
        await _full(world, world.server, world.folder / "server")


async def full_clients(world: World) -> None:
    """A client's disk is full: what cannot be saved is given back, never shown as pending."""
    for name in world.clients:
        await asyncio.sleep(0.3 + 0.4 * world.dice.random())
        await _full(world, world.clients[name], world.folder / name)


async def no_files(world: World) -> None:
    """The server may open no more files for a while; new connections wait or are refused."""
    for _ in range(2):
        await asyncio.sleep(0.3 + 0.4 * world.dice.random())
        _limit(world.server, resource.RLIMIT_NOFILE, 3)
        world.done["no files"] += 1
        for proxy in world.proxies.values():
            proxy.reset_all()
        await asyncio.sleep(0.8 + world.dice.random())
        _limit(world.server, resource.RLIMIT_NOFILE, UNLIMITED)


async def locked(world: World) -> None:
    """Another program holds the server's database for some seconds."""
    for seconds in (0.5, 2.5):
        await asyncio.sleep(0.4 * world.dice.random())
        with closing(sqlite3.connect(world.database, timeout=5, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            world.done["locked"] += 1
            await asyncio.sleep(seconds)
            db.execute("ROLLBACK")


async def pinned(world: World) -> None:
    """A program reads the server's database all the time: its log cannot be folded in."""
    for _ in range(2):
        with closing(sqlite3.connect(world.database, isolation_level=None)) as db:
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM message").fetchone()
            world.done["pinned"] += 1
            await asyncio.sleep(2.0)


def _told(trace: Path) -> int:
    """How many calls were made to fail."""
    return trace.read_text().count("(INJECTED)")


async def fsync_fails(world: World) -> None:
    """The disk says of some writes that they could not be made safe."""
    if shutil.which("strace") is None:
        raise NotHere("strace is not installed: apt-get install strace")
    for _ in range(2):
        child = world.server.child
        assert child is not None
        await asyncio.sleep(0.3 + 0.4 * world.dice.random())
        tracer = await asyncio.create_subprocess_exec(
            *("strace", "-f", "-qq", "-o", str(world.folder / "strace"), "-p", str(child.pid)),
            *("-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=3+7"),
            stderr=asyncio.subprocess.PIPE,
        )
        await asyncio.sleep(1.0 + world.dice.random())
        if tracer.returncode is not None:
            assert tracer.stderr is not None
            raise NotHere((await tracer.stderr.read()).decode().strip())
        tracer.send_signal(signal.SIGINT)
        await tracer.wait()
        world.done["fsync failed"] += _told(world.folder / "strace")


def log_is_full(world: World) -> None:
    """Nothing that the server logs can be written, and it logs much."""
    world.server.errors = Path("/dev/full")
    world.server.command = (*world.server.command, "--log-level", "debug")


async def starved(world: World) -> None:
    """Others keep both processors busy; nobody is taken for dead."""
    command = (sys.executable, "-c", "while True: pass")
    busy = [await asyncio.create_subprocess_exec(*command) for _ in range(4)]
    world.done["busy loop"] += len(busy)
    try:
        await asyncio.sleep(4.0)
    finally:
        for process in busy:
            process.kill()
            await process.wait()


def clock(whose: str) -> tuple[Callable[[World], None], Callable[[World], Awaitable[None]]]:
    """`prepare` and `deal` for wall clocks that step; the monotonic one goes on."""

    def file_of(world: World) -> Path:
        return world.folder / f"{whose}.clock"

    def prepare(world: World) -> None:
        if not FAKETIME:
            raise NotHere("libfaketime is not installed: apt-get install libfaketime")
        file_of(world).write_text("+0\n")
        env = {
            "LD_PRELOAD": str(FAKETIME[0]),
            "FAKETIME_TIMESTAMP_FILE": str(file_of(world)),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        if whose == "server":
            world.server.env = env
        else:
            world.client_env = env

    async def deal(world: World) -> None:
        for step in CLOCKS[whose]:
            await asyncio.sleep(0.8 + 0.6 * world.dice.random())
            file_of(world).write_text(f"{step}\n")
            world.done["clock step"] += 1
        await asyncio.sleep(1.2)

    return prepare, deal
