"""A server process, people with accounts on it, and their apps in ptys."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.terminal import Terminal
from tests.waiting import until_sync

PROGRAM = [sys.executable, "-m", "talkbot_tui"]
PASSWORD = "correct horse battery staple"


def free_port() -> int:
    """A port that nobody uses now, so that a server can come back on it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class World:
    """Everything lives in `folder`; use it as a context, so that nothing is left running."""

    def __init__(self, folder: Path, *, language: str = "en", options: Sequence[str] = ()) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._options = list(options)
        self._server: subprocess.Popen[str] | None = None
        self._terminals: list[Terminal] = []
        self._language = language

    def env(self, person: str) -> dict[str, str]:
        """The environment of one person: a home of their own, no keyring."""
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.folder / person),
            "TALKBOT_HOME": str(self.folder / person / "talkbot"),
            "TALKBOT_RUNTIME": str(self.folder / person / "run"),
            "LANG": "pt_BR.UTF-8" if self._language == "pt_BR" else "C.UTF-8",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "TZ": "UTC",
        }

    def start_server(self) -> None:
        """Start `serve` on our port and wait for its `ready` line."""
        log = (self.folder / "server.log").open("a")
        self._server = subprocess.Popen(
            [
                *PROGRAM,
                "serve",
                "--port",
                str(self.port),
                "--data-dir",
                str(self.folder / "server"),
                "--default-channel",
                "general",
                *self._options,
            ],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=self.env("server"),
        )
        assert self._server.stdout
        line = self._server.stdout.readline()
        assert line.strip() == f"ready {self.url}", line + (self.folder / "server.log").read_text()

    def stop_server(self) -> int:
        """SIGTERM, and the exit code; it has 5 s to drain."""
        assert self._server
        self._server.send_signal(signal.SIGTERM)
        code = self._server.wait(timeout=8)
        assert self._server.stdout
        self._server.stdout.close()
        self._server = None
        return code

    def run(
        self, person: str, *arguments: str, given: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One command as that person."""
        return subprocess.run(
            [*PROGRAM, *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**self.env(person), **(env or {})},
        )

    def sign_up(self, person: str, url: str | None = None) -> None:
        """Make an account; its secret lies in a 0600 file, asked for explicitly."""
        (self.folder / person).mkdir(exist_ok=True)
        done = self.run(
            person,
            "login",
            url or self.url,
            "--user",
            person,
            "--password-stdin",
            "--register",
            "--insecure-storage",
            given=PASSWORD + "\n",
        )
        assert done.returncode == 0, done.stderr

    def open_app(
        self,
        person: str,
        *,
        columns: int = 120,
        rows: int = 40,
        command: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = ("chat",),
    ) -> Terminal:
        """That person's app in a pty; `command` wraps it (ssh)."""
        terminal = Terminal(
            [*command, *PROGRAM, *arguments],
            columns=columns,
            rows=rows,
            env={**self.env(person), **(env or {})},
        )
        self._terminals.append(terminal)
        return terminal

    def log(self, person: str, room: str) -> list[dict[str, Any]]:
        """Every event of a room, as the server has it, by `tail --since 0`."""
        head = next(
            row["headSeq"]
            for row in self.rooms(person)
            if room in (row["name"], row["conversationId"])
        )
        process = subprocess.Popen(
            [*PROGRAM, "tail", room, "--json", "--since", "0"],
            stdout=subprocess.PIPE,
            text=True,
            env=self.env(person),
        )
        events: list[dict[str, Any]] = []
        assert process.stdout is not None
        try:
            while not events or events[-1]["seq"] < head:
                events.append(json.loads(process.stdout.readline()))
        finally:
            process.terminate()
            process.wait(timeout=10)
            process.stdout.close()
        return events

    def rooms(self, person: str) -> list[dict[str, Any]]:
        """That person's rooms."""
        done = self.run(person, "rooms", "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wait_for_messages(self, person: str, room: str, count: int, within: float) -> None:
        """Until the server has at least `count` events in a room."""

        def there() -> bool:
            return any(row["headSeq"] >= count for row in self.rooms(person) if row["name"] == room)

        until_sync(there, within, lambda: f"{self.rooms(person)}")

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_error: object) -> None:
        for terminal in self._terminals:
            terminal.close()
        if self._server:
            self._server.kill()
            self._server.wait()
            if self._server.stdout:
                self._server.stdout.close()
