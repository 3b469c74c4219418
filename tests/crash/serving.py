"""The server's process: the real one, on the run's folder, until it is told to stop or killed."""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path

from talkbot_tui.server.app import start_server
from talkbot_tui.server.config import ServerConfig
from tests.crash.places import SETTINGS, Run
from tests.planted import crash_bugs
from tests.serving import CHEAP

READY = "server.port"


def serve(run: Run, port: int) -> None:
    """Run a server on `port` (0: any); its port is in the file READY once it listens."""
    logging.basicConfig(level=logging.WARNING)
    with crash_bugs.planted(run.bug):
        asyncio.run(_serve(run, port))


def ready_port(folder: Path) -> int:
    """The port of a server that listens; 0 for none yet."""
    path = folder / READY
    return int(path.read_text()) if path.exists() else 0


async def _serve(run: Run, port: int) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    server = await start_server(ServerConfig(data_dir=run.server, port=port, **CHEAP, **SETTINGS))
    written = run.folder / f"{READY}.new"
    written.write_text(str(server.port))
    written.rename(run.folder / READY)
    await told.wait()
    await server.stop()
