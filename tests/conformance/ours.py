"""Our server as a program: `python -m tests.conformance.ours SETTINGS`, until its input ends.

SETTINGS is JSON: `{pingInterval, pingTimeout, connectTimeout}` in seconds, `port` if not any.
Prints one line of JSON: `{url, token, room}`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.serving import register, running_server


async def main(settings: dict[str, float]) -> None:
    with TemporaryDirectory() as folder:
        async with running_server(
            data_dir=Path(folder),
            port=int(settings.get("port", 0)),
            ping_interval=settings["pingInterval"],
            ping_timeout=settings["pingTimeout"],
            handshake_seconds=settings["connectTimeout"],
            handshakes_per_address=1000,
            address_connections_burst=10_000,
            default_channel="general",
        ) as server:
            tokens = await register(server, "ana")
            ready = {"url": server.url, "token": tokens["accessToken"]}
            print(json.dumps(ready), flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
