"""Ends that nobody chose: the SSH link drops, the machine shuts down."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal
from tests.e2e.test_demo import demo, environment
from tests.e2e.world import PROGRAM
from tests.waiting import until_sync

LEAVE_ALT_SCREEN = b"\x1b[?1049l"


def read_until(handle: int, wanted: bytes, within: float) -> None:
    """Take what comes out of the terminal until `wanted` was in it."""
    seen = b""
    deadline = time.monotonic() + within
    while wanted not in seen:
        assert time.monotonic() < deadline, seen[-500:]
        if select.select([handle], [], [], 0.1)[0]:
            seen += os.read(handle, 65_536)


def ended(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG)[0] == pid


@pytest.mark.parametrize("ignored", [False, True], ids=["usual", "SIGHUP ignored, as by nohup"])
def test_a_terminal_that_is_gone_ends_the_app_and_keeps_the_draft(
    tmp_path: Path, ignored: bool
) -> None:
    command = [*PROGRAM, "demo", "--as", "eva", "--data-dir", str(tmp_path / "data")]
    env = {**environment(tmp_path), "PATH": os.environ["PATH"], "TERM": "xterm-256color"}
    # Only calls that are safe in a forked child, then exec.
    pid, handle = pty.fork()
    if pid == 0:
        if ignored:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.execve(command[0], command, env)
    try:
        read_until(handle, b"TalkBot", 30)
        os.write(handle, b"half a thou")
        read_until(handle, b"thou", 10)
        os.close(handle)
        until_sync(lambda: ended(pid), 10)
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
    with Terminal(command, env=environment(tmp_path)) as terminal:
        terminal.until(
            lambda: any("TalkBot" in line and "✎" in line for line in terminal.lines()), 30
        )
        terminal.write("\x0btalkbot\r")
        terminal.wait("half a thou", 10)


def test_a_shutdown_gives_the_terminal_back(tmp_path: Path) -> None:
    with demo(tmp_path, "--as", "eva") as terminal:
        terminal.wait("Hello eva!", 30)
        terminal._process.kill(signal.SIGTERM)
        terminal.until(lambda: not terminal.alive, 10)
        assert terminal.exit_code == 0
        assert LEAVE_ALT_SCREEN in terminal.raw
