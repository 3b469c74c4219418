"""A Redis of the tests' own, on a free port of loopback; ended with the process."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.postgres import free_port
from tests.waiting import until_sync


class RedisServer:
    """One redis-server with `options` of its command line, and a file of settings before them."""

    def __init__(self, *options: str, settings: str = "") -> None:
        assert shutil.which("redis-server"), "Redis is not installed: run .ci/system-packages"
        self.folder = Path(tempfile.mkdtemp(prefix="talkbot-redis-"))
        self.port = free_port()
        self.options = options
        self._first: tuple[str, ...] = ()
        if settings:
            (self.folder / "conf").write_text(settings)
            self._first = (str(self.folder / "conf"),)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        ward = ["setpriv", "--pdeathsig=KILL"] if shutil.which("setpriv") else []
        fixed = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        kept = ["--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [*ward, "redis-server", *self._first, *fixed, *kept, *self.options],
            stdin=subprocess.DEVNULL,
            stdout=(self.folder / "log").open("ab"),
            stderr=subprocess.STDOUT,
        )
        port = self._listens()
        until_sync(lambda: _takes(port), what=(self.folder / "log").read_text)

    def _listens(self) -> int:
        """With `--port 0` it speaks TLS only, on the port of the option."""
        tls = self.options.index("--tls-port") + 1 if "--tls-port" in self.options else 0
        return int(self.options[tls]) if tls else self.port

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, by default without a word."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def freeze(self) -> None:
        """It stands still; its connections stay."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def ask(self, *words: str) -> bytes:
        """One command, in the inline form; what comes back within a moment."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
            line.sendall(" ".join(words).encode() + b"\r\n")
            return line.recv(65536)

    def remove(self) -> None:
        with contextlib.suppress(AssertionError):
            self.thaw()
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _takes(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def redis_server(*options: str, settings: str = "") -> Iterator[RedisServer]:
    server = RedisServer(*options, settings=settings)
    try:
        yield server
    finally:
        server.remove()
