"""Requests by docs/openapi.yaml, and against it: `python -m tests.fuzz.http --examples 100`.

A real server answers. Each operation is asked what the document allows and what it does not; no
answer may be an error of the server's or differ from the document.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from talkbot_tui.server.app import RunningServer
from tests.server.peers import Person
from tests.serving import register, running_server

ROOT = Path(__file__).parents[2]
# What the document allows may still be refused: a name that is taken, a password too weak.
NOT_CHECKED = "positive_data_acceptance"
LEAST = 10
"""Requests of a run: fewer would mean that nothing was asked."""

CONFIG = """\
[checks.negative_data_rejection]
# 413 among them: a body is measured before it is read.
expected-statuses = ["4xx"]
"""
IN_ROOM = """
[[operations]]
include-path = "/api/conversations/{{id}}/events"
parameters = {{ "path.id" = "{room}" }}
"""
EVENTS = "/api/conversations/{id}/events"
LOGOUT = "/api/logout"


async def main() -> int:
    """Return 1 where something was found, or could not be asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.http", description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="of each operation")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if find_spec("schemathesis") is None:
        print("NOT EXECUTED: schemathesis is not installed")
        return 1
    limits = {"failures_max": 10**9, "events_per_second": 1e9, "events_burst": 10**9}
    async with running_server(access_seconds=86_400, **limits) as server:
        with tempfile.TemporaryDirectory(prefix="talkbot-http-") as folder:
            asks = _Asks(server, Path(folder), asked.examples, asked.seed)
            room = await _room(server)
            wrong = [
                await asks.ask("all", "--exclude-path", LOGOUT),
                # It ends the session that asks, so it has one of its own.
                await asks.ask("logout", "--include-path", LOGOUT),
                await asks.ask("room", "--include-path", EVENTS, config=IN_ROOM.format(room=room)),
            ]
        errors = server.metrics.value("internal_errors_total")
    print(f"http: {errors} internal errors, {sum(wrong)} of {len(wrong)} runs with findings")
    return 1 if any(wrong) or errors else 0


class _Asks:
    """Runs schemathesis, each time as somebody new."""

    def __init__(self, server: RunningServer, folder: Path, examples: int, seed: int) -> None:
        self._server = server
        self._folder = folder
        self._examples = examples
        self._seed = seed

    async def ask(self, name: str, *chosen: str, config: str = "") -> bool:
        """Whether something is wrong."""
        tokens = await register(self._server, f"asker-{name}")
        file = self._folder / f"{name}.toml"
        file.write_text(CONFIG + config, encoding="utf-8")
        command = [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("--config-file", str(file), "--no-color", "run", str(ROOT / "docs/openapi.yaml")),
            *("--url", self._server.url),
            *("--header", f"Authorization: Bearer {tokens['accessToken']}"),
            *("--phases", "coverage,fuzzing", "--max-examples", str(self._examples)),
            *("--exclude-checks", NOT_CHECKED, "--continue-on-failure"),
            *("--warnings", "off", "--seed", str(self._seed), *chosen),
        ]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=self._folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        out, _ = await process.communicate()
        text = out.decode(errors="replace")
        made = re.search(r"(\d+) generated", text)
        count = int(made[1]) if made else 0
        print(f"http {name}: {count} requests, exit {process.returncode}", flush=True)
        if process.returncode or count < LEAST:
            print(text)
            return True
        return False


async def _room(server: RunningServer) -> str:
    """The default channel, with something in it; its members may look."""
    person = Person(server, await register(server, "host"))
    await person.connect()
    room = next(iter(person.rooms.values()))
    for number in range(5):
        message = await person.post(room, f"line {number}")
        await person.ask(
            "react",
            {
                "conversationId": room,
                "serverMsgId": message["serverMsgId"],
                "clientOpId": f"op-{number}",
                "emoji": "👍",
                "on": True,
            },
        )
    await person.client.disconnect()
    return room


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
