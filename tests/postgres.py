"""A PostgreSQL cluster of the tests' own: made when first asked for, ended with the process.

The server refuses to run as root, so as root it is another user's. Should the tests be
killed, the kernel ends it.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psycopg

USER = "talkbot"
PASSWORD = "a password of the tests"
TEMPLATE = "talkbot_template"
START_SECONDS = 30.0
_numbers = itertools.count(1)


def binaries() -> Path:
    """Folder of the newest PostgreSQL; Debian keeps it off the path."""
    installed = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    found = sorted(installed, key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    named = shutil.which("postgres")
    assert named, "PostgreSQL is not installed: run .ci/system-packages"
    return Path(named).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Cluster:
    """One PostgreSQL server in a folder of its own, on loopback."""

    def __init__(self, **settings: str) -> None:
        memory = Path("/dev/shm")
        where = memory if os.access(memory, os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="talkbot-pg-", dir=where))
        self._as: list[str] = []
        if os.getuid() == 0:
            self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self.folder, "postgres", "postgres")
        self.port = free_port()
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(
            "initdb", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", f"--username={USER}",
            "--auth=scram-sha-256", f"--pwfile={secret}", "-D", str(self.data),
        )  # fmt: skip
        self.start()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(binaries() / program), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=120, cwd="/"
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        fixed = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "max_connections": "60",
            "deadlock_timeout": "200ms",
            "shared_buffers": "64MB",
        }
        options = [f"-c{name}={value}" for name, value in {**fixed, **self.settings}.items()]
        ward = [*(self._as or ["setpriv"]), "--pdeathsig=INT"] if shutil.which("setpriv") else []
        self._process = subprocess.Popen(
            [*ward, str(binaries() / "postgres"), "-D", str(self.data), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("ab"),
            cwd="/",
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                self.ask("SELECT 1")
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it; SIGQUIT is a crash: nothing is written on the way out."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def freeze(self) -> None:
        """Stop all of its processes where they are."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        main = self._process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for pid in (main, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def remove(self) -> None:
        """End it and take its files away."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres", password: str = PASSWORD) -> str:
        secret = password.replace(" ", "%20")
        return f"postgresql://{USER}:{secret}@127.0.0.1:{self.port}/{database}"

    def ask(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement outside of a transaction."""
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def database(self, template: str = "template1") -> str:
        """Make a database; returns its address."""
        name = f"chat{next(_numbers)}"
        self.ask(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def migrated(self) -> str:
        """The same, with the tables already in it."""
        from talkbot_tui.server.storage.database import open_database

        if not self.ask(f"SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}'"):
            self.ask(f"CREATE DATABASE {TEMPLATE}")
            open_database(Path(), self.url(TEMPLATE)).close()
        return self.database(TEMPLATE)

    def drop(self, url: str) -> None:
        """Take a database away, whoever still uses it."""
        name = url.rpartition("/")[2]
        self.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@cache
def shared() -> Cluster:
    """The cluster of this process."""
    cluster = Cluster()
    atexit.register(cluster.remove)
    return cluster


@contextlib.contextmanager
def own(**settings: str) -> Iterator[Cluster]:
    """A cluster that a test may do anything with."""
    cluster = Cluster(**settings)
    try:
        yield cluster
    finally:
        cluster.remove()
