"""The demo's server: one process for all demos of a user, found through a private file."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from talkbot_tui import i18n, paths
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.problems import Problem

_ = i18n.Domain("cli")

IDLE_SECONDS = "30"
PREFIX = "talkbot-demo-"
HEALTH_SECONDS = 2.0
DRAIN_SECONDS = 10.0
START_SECONDS = 60.0
SECRET = "demo.secret"
PEOPLE = "people"
SERVER = "server"
LOG = "server.log"


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo server.

    secret: from which everybody's password is made. folder: where it all lies.
    temporary: the folder goes when the server does. pid: the server's process.
    """

    url: str
    secret: str
    folder: str
    temporary: bool
    pid: int


class DemoServer:
    """Finds the server of this user's demos, or starts it.

    Use it as a context around `begin` and `ready`: inside, no other demo looks or
    starts.
    """

    def __init__(self, data_dir: Path | None) -> None:
        """`data_dir` is kept; without one everything lies in a temporary folder."""
        self._data_dir = data_dir.absolute() if data_dir else None
        self._process: subprocess.Popen[str] | None = None
        self._started: Demo | None = None
        name = "demo"
        if self._data_dir:
            name += "-" + hashlib.sha256(str(self._data_dir).encode()).hexdigest()[:12]
        self._runtime = paths.private_folder(paths.runtime_folder())
        self._file = self._runtime / f"{name}.json"
        self._lock = self._runtime / f"{name}.lock"

    def __enter__(self) -> DemoServer:
        import filelock

        paths.private_file(self._lock)
        self._held = filelock.FileLock(self._lock, timeout=60, mode=0o600)
        self._held.acquire()
        return self

    def __exit__(self, *_error: object) -> None:
        self._held.release()

    def begin(self) -> None:
        """Look for a server; where there is none, start one and go on at once."""
        found = self._find()
        if found is not None:
            self._started = found
            return
        folder = self._data_dir or Path(tempfile.mkdtemp(prefix=PREFIX))
        paths.private_folder(folder)
        # The server before may still be closing; one that stays is told by the new one.
        _in_use(folder, DRAIN_SECONDS)
        demo = Demo("", _secret(folder), str(folder), temporary=self._data_dir is None, pid=0)
        # -P: a file in the current folder must not pass for a module of ours.
        command = [sys.executable, "-P", "-m", "talkbot_tui", "--lang", i18n.language(), "serve"]
        # A demo must not write to the database of a real server.
        command += ["--port", "0", "--data-dir", str(folder / SERVER), "--own-file"]
        command += ["--exit-when-idle", os.environ.get("TALKBOT_DEMO_IDLE", IDLE_SECONDS)]
        if demo.temporary:
            command += ["--remove-at-end", str(folder)]
        # Held open until the server is ready: one that fails removes its folder and the log.
        self._log = paths.private_file(folder / LOG).open("a+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        self._started = demo

    def ready(self) -> Demo:
        """Wait until the server takes connections; raises `Problem` when it does not start."""
        assert self._started is not None
        demo = self._started
        if self._process is None:
            return demo
        assert self._process.stdout is not None
        # Ended, it closes its output, and the reading below ends with it.
        overdue = threading.Timer(START_SECONDS, self._process.kill)
        overdue.start()
        line = self._process.stdout.readline()
        overdue.cancel()
        self._process.stdout.close()
        with self._log:
            if not line.startswith("ready "):
                self._process.wait()
                raise Problem(_why(self._log), exit_codes.FAILURE)
        demo = replace(demo, url=line.split()[1], pid=self._process.pid)
        paths.write_private(self._file, json.dumps(asdict(demo)).encode())
        return demo

    def _find(self) -> Demo | None:
        try:
            demo = Demo(**json.loads(self._file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        lives = _in_use(Path(demo.folder))
        if lives:
            try:
                if _ready(demo.url):
                    return demo
            except TimeoutError:
                text = _("the demo's server does not answer; try again, or end its process {pid}")
                raise Problem(text.format(pid=demo.pid), exit_codes.UNREACHABLE) from None
        elif demo.temporary and Path(demo.folder).name.startswith(PREFIX):
            # Its server was killed and could not tidy up.
            shutil.rmtree(demo.folder, ignore_errors=True)
        return None


def _in_use(folder: Path, wait_s: float = 0.0) -> bool:
    """Whether a server still runs in `folder` after `wait_s`; its lock goes even when killed."""
    import filelock

    path = folder / SERVER / "serve.lock"
    if not path.exists():
        return False
    try:
        with filelock.FileLock(path, timeout=wait_s, mode=0o600):
            return False
    except filelock.Timeout:
        return True


def _why(log: IO[str]) -> str:
    log.seek(0)
    lines = log.read().splitlines()
    reason = lines[-1] if lines else _("it said nothing")
    return _("the demo's server did not start: {reason}").format(reason=reason)


def _secret(folder: Path) -> str:
    path = folder / SECRET
    if not path.exists():
        paths.write_private(path, secrets.token_hex(32).encode())
    return path.read_text(encoding="ascii").strip()


def _ready(url: str) -> bool:
    """Whether it takes people, and is not about to end; raises `TimeoutError` when silent."""
    parts = urlsplit(url)
    if parts.hostname is None:
        return False
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=HEALTH_SECONDS)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException):
            return False
