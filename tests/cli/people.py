"""People who use the commands, each with a home of their own, against a server process."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = [sys.executable, "-m", "talkbot_tui"]
PASSWORD = "correct horse battery staple"


class Person:
    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.home = folder / name
        self.home.mkdir(parents=True, exist_ok=True)
        kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ}
        self.env = {
            **kept,
            "HOME": str(self.home),
            "TALKBOT_HOME": str(self.home / "talkbot"),
            "TALKBOT_CONFIG": str(self.home / "config.toml"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }

    def run(
        self, *arguments: str, given: str = "", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            env={**self.env, **(env or {})},
            check=False,
        )

    def ok(self, *arguments: str, given: str = "") -> str:
        done = self.run(*arguments, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sign_up(self, url: str) -> str:
        return self.ok(
            "login",
            url,
            "--user",
            self.name,
            "--password-stdin",
            "--register",
            "--insecure-storage",
            given=PASSWORD + "\n",
        )

    def rooms(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ok("rooms", "--json").splitlines()]

    @contextmanager
    def following(self, *arguments: str) -> Iterator[Following]:
        following = Following(
            subprocess.Popen(
                [*PROGRAM, "tail", *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.env,
            )
        )
        try:
            yield following
        finally:
            following.end()


class Following:
    """A running `tail`, read line by line with a deadline."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._rest = b""

    def has_line(self, within: float) -> bool:
        """Whether a line comes within `within` seconds."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + within
        while b"\n" not in self._rest:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self.process.stdout], [], [], left)[0]:
                return False
            self._rest += os.read(self.process.stdout.fileno(), 65536)
        return True

    def line(self, within: float = 20.0) -> str:
        assert self.process.stdout is not None
        deadline = time.monotonic() + within
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, left))
            assert ready, f"no line within {within} s, only {self._rest!r}"
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, f"tail ended: {self.errors()}"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.line())
        return event

    def errors(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


class ServerProcess:
    """`serve` in a process, on a port that stays its own over restarts."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self.scheme = "https" if "--tls" in options else "http"
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True, parents=True)
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                [
                    *PROGRAM,
                    "serve",
                    "--port",
                    str(self.port),
                    "--data-dir",
                    str(self.folder / "data"),
                    "--default-channel",
                    "general",
                    *self.options,
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "LANG": "C.UTF-8"},
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("ready "), line + (self.folder / "log").read_text()
        self.port = int(line.rsplit(":", 1)[1])

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=15)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None
