"""The driver in a real terminal: what comes in, what ends it, and what it costs at rest."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.terminal import Terminal
from tests.waiting import until_sync

ROOT = Path(__file__).parents[2]


class Probe:
    """The app of `driver_app` in a terminal, and what it wrote down."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.path = folder / "heard.jsonl"
        self.command = [sys.executable, "-m", "tests.ui.driver_app", str(self.path)]
        self.env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **env}

    @contextmanager
    def run(self) -> Iterator[Terminal]:
        with Terminal(self.command, columns=60, rows=12, env=self.env) as terminal:
            self.wait("ready")
            yield terminal

    def heard(self, what: str) -> list[Any]:
        if not self.path.exists():
            return []
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line[what] for line in lines if what in line]

    def wait(self, what: str, count: int = 1) -> Any:
        until_sync(lambda: len(self.heard(what)) >= count, 20, self._all)
        return self.heard(what)[count - 1]

    def state(self, terminal: Terminal) -> dict[str, Any]:
        count = len(self.heard("state")) + 1
        terminal.write("\x1bOQ")
        state: dict[str, Any] = self.wait("state", count)
        return state

    def _all(self) -> str:
        return self.path.read_text()[-2000:] if self.path.exists() else "nothing"


def test_at_rest_there_is_no_thread_and_no_timer(tmp_path: Path) -> None:
    probe = Probe(tmp_path)
    with probe.run() as terminal:
        terminal.write("hello")
        terminal.wait("hello")
        until_sync(
            lambda: probe.state(terminal)["timers"] == 0, 20, lambda: str(probe.heard("state")[-1])
        )
        assert probe.state(terminal)["threads"] == ["MainThread"]


def test_escape_alone_is_a_key_and_a_sequence_in_two_parts_is_one(tmp_path: Path) -> None:
    probe = Probe(tmp_path)
    with probe.run() as terminal:
        terminal.write("\x1b")
        assert probe.wait("key") == "escape"
        terminal.write("\x1b[")
        terminal.write("1;5D")
        assert probe.wait("key", 2) in (
            "ctrl+left",
            "left_square_bracket",
            "alt+left_square_bracket",
        )


def test_bytes_that_are_no_text_end_nothing(tmp_path: Path) -> None:
    probe = Probe(tmp_path)
    with probe.run() as terminal:
        os.write(terminal._process.fd, b"ol\xe1 ")
        os.write(terminal._process.fd, b"\xc3")
        os.write(terminal._process.fd, b"\xa3o")
        until_sync(lambda: probe.state(terminal)["text"] == "ol� ão")


def test_a_paste_of_a_megabyte_is_one_paste(tmp_path: Path) -> None:
    probe = Probe(tmp_path)
    with probe.run() as terminal:
        text = "begin " + "0123456789" * 100_000 + " end"
        data = f"\x1b[200~{text}\x1b[201~".encode()
        while data:
            data = data[os.write(terminal._process.fd, data[:4096]) :]
        assert probe.wait("paste") == [len(text), text[:10], text[-10:]]


def test_it_can_be_stopped_and_goes_on_with_the_whole_screen(tmp_path: Path) -> None:
    probe = Probe(tmp_path)
    with probe.run() as terminal:
        terminal.write("before")
        terminal.wait("before")
        pid = terminal._process.pid
        seen = len(terminal.raw)
        os.kill(pid, signal.SIGTSTP)
        terminal.until(lambda: b"\x1b[?1049l" in terminal.raw[seen:])
        until_sync(lambda: _is_stopped(pid))
        seen = len(terminal.raw)
        os.kill(pid, signal.SIGCONT)
        terminal.until(
            lambda: b"\x1b[?1049h" in terminal.raw[seen:] and b"before" in terminal.raw[seen:]
        )
        terminal.write(" after")
        terminal.wait("before after")


@pytest.mark.parametrize(
    ("answer", "margins"), [("2", True), ("1", True), ("0", False), ("4", False)]
)
def test_margins_are_used_where_the_terminal_answers_for_them(
    tmp_path: Path, answer: str, margins: bool
) -> None:
    probe = Probe(tmp_path)
    with probe.run() as terminal:
        assert b"\x1b[?69$p" in terminal.raw
        assert not probe.state(terminal)["margins"]
        terminal.write("\x1b[?6")
        terminal.write(f"9;{answer}$y")
        terminal.write("k")
        terminal.wait("k")
        assert probe.state(terminal)["margins"] is margins
        assert probe.state(terminal)["text"] == "k"


def test_stopped_by_a_signal_that_nobody_catches_it_still_gives_the_terminal_back(
    tmp_path: Path,
) -> None:
    probe = Probe(tmp_path)
    left = tmp_path / "stty"
    script = f"{shlex.join(probe.command)}; stty -a > {left}; echo done"
    with Terminal(["sh", "-c", script], env=probe.env) as terminal:
        pid = probe.wait("ready")
        os.kill(pid, signal.SIGSTOP)
        until_sync(lambda: _is_stopped(pid))
        seen = len(terminal.raw)
        os.kill(pid, signal.SIGCONT)
        terminal.until(lambda: b"\x1b[?1049h" in terminal.raw[seen:])
        terminal.write("\x1b[21~")
        terminal.wait("done")
    assert {"echo", "icanon", "isig"} <= set(left.read_text().replace(";", "").split())


def test_what_was_typed_before_comes_before_what_is_read(tmp_path: Path) -> None:
    probe = Probe(tmp_path, HOLDS="1")
    with Terminal(probe.command, columns=60, rows=12, env=probe.env) as terminal:
        terminal.write("late")
        probe.wait("ready")
        terminal.wait("early late")


def test_a_terminal_that_takes_nothing_does_not_stop_the_loop(tmp_path: Path) -> None:
    probe = Probe(tmp_path, FLOODS="1")
    # Only calls that are safe in a forked child, then exec.
    pid, handle = pty.fork()
    if pid == 0:
        os.execve(probe.command[0], probe.command, probe.env)
    try:
        # Nobody reads `handle`.
        probe.wait("tick", 5)
        os.write(handle, b"\x1bOQ")
        assert probe.wait("state")["blocked"]
        os.write(handle, b"\x1b[21~")
        until_sync(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid)
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
        os.close(handle)


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def test_alt_and_a_digit_is_a_key_also_without_the_keyboard_protocol(tmp_path: Path) -> None:
    probe = Probe(tmp_path)
    with probe.run() as terminal:
        for count, sequence in enumerate(("\x1b1", "\x1b9", "\x1ba", "\x1b[1;3A"), 1):
            terminal.write(sequence)
            probe.wait("key", count)
        assert probe.heard("key") == ["alt+1", "alt+9", "alt+a", "alt+up"]
