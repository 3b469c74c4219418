"""Servers as processes of their own, that can be killed, frozen, given another clock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.postgres import free_port

SECRET = "one secret for all of the servers of the tests"
READY = "ready "
FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


class NodeProcess:
    """`talkbot-tui serve` on a port of its own."""

    def __init__(
        self, folder: Path, url: str, *options: str, redis: str = "", **environ: str
    ) -> None:
        """Starts it; `wait` for it to be ready."""
        self.port = free_port()
        self.folder = folder
        self._options = options
        self._environ = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "LANG": "C.UTF-8",
            "TALKBOT_SECRET": SECRET,
            "TALKBOT_DATABASE_URL": url,
            **({"TALKBOT_REDIS_URL": redis} if redis else {}),
            **environ,
        }
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, also once more."""
        self.folder.mkdir(exist_ok=True)
        self._err = (self.folder / "stderr").open("w+b")
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "talkbot_tui", "serve", "--port", str(self.port),
                "--data-dir", str(self.folder), *self._options,
            ],
            env=self._environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._err,
            text=True,
        )  # fmt: skip

    def wait(self) -> None:
        """Until it says that it is ready."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith(READY), line + self.said()

    def said(self) -> str:
        """All that it wrote to standard error."""
        self._err.seek(0)
        return self._err.read().decode()

    def ended(self) -> int:
        """Its status, when it has ended by itself."""
        return self.process.wait(30)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> float:
        """End it; the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(30)
        return time.monotonic() - began

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._err.close()
