"""The two servers under test, and in what each of them knowingly leaves its protocol."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NODE = FOLDER / "node"
COMMANDS = {
    "ours": [sys.executable, "-m", "tests.conformance.ours"],
    "node": ["node", str(NODE / "server.js")],
}
CALM = {"pingInterval": 25.0, "pingTimeout": 20.0, "connectTimeout": 30.0}
QUICK = {"pingInterval": 0.4, "pingTimeout": 0.3, "connectTimeout": 1.0}

DEVIATIONS: dict[str, dict[str, str]] = {
    "binary": {
        "ours": "The contract is JSON. Attachments would be kept until all of them came, so the "
        "first frame of a binary event or answer ends the connection, with `goodbye` and "
        "`unsupported` for who is signed in.",
    },
    "several namespaces": {
        "ours": "There is one namespace, `/chat`; any other is refused, which does no harm to it.",
    },
    "a payload that is missing": {
        "node": "Takes the packet for one without content, and does nothing.",
    },
    "close over a WebSocket": {
        "node": "Is deaf to it; the missing pong ends the session later.",
    },
    "a WebSocket beside one that began as such": {
        "node": "Waits some seconds for its probe before it closes it; the first stays.",
    },
    "an upgrade without a probe": {
        "node": "Takes `5` for the upgrade also where no probe was sent.",
    },
}
"""Rule -> target -> why; what it does instead is asserted where the rule is tested."""


@dataclass(frozen=True)
class Target:
    """A running server: its address, and a token that opens `/chat`."""

    name: str
    url: str
    token: str
    settings: dict[str, float]

    def deviates(self, rule: str) -> bool:
        """Whether it has leave to do otherwise."""
        return self.name in DEVIATIONS[rule]

    def connect(self, token: str = "") -> str:
        """The packet that asks for `/chat`."""
        return "40/chat," + json.dumps({"token": token or self.token})


@contextmanager
def running(name: str, settings: dict[str, float]) -> Iterator[Target]:
    """A server in a process of its own, until the block ends."""
    process = subprocess.Popen(
        [*COMMANDS[name], json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=FOLDER.parents[1],
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, f"{name} did not start"
        ready: dict[str, Any] = json.loads(line)
        yield Target(name, ready["url"], ready["token"], settings)
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()
