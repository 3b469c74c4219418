"""A program on a pty: what it wrote and when; it is answered as xterm would answer."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.tui.loop import Loop, now

COLUMNS, ROWS = 120, 40
QUERY = re.compile(
    rb"\x1b\[(?P<attributes>0?c)|\x1b\[>(?P<version>0?c)|\x1b\[\??(?P<cursor>6n)|\x1b\[(?P<status>5n)"
    rb"|\x1b\[\?(?P<mode>\d+)\$p|\x1b\](?P<colour>1[01]);\?(?:\x07|\x1b\\)"
)
LONGEST_QUERY = 48
MODES = {2026: 2, 2048: 0, 69: 2, 2004: 2, 1004: 2, 7: 1, 25: 1}
"""What DECRQM is answered: 0 unknown, 1 set, 2 reset. 69 is left and right margins."""


class Terminal:
    """A program on a pty, read by the loop.

    Attributes:
        chunks: every read, as (when, bytes).
        written: bytes in all.
        began: when it was started.
    """

    def __init__(
        self,
        loop: Loop,
        command: Sequence[str],
        env: Mapping[str, str],
        modes: Mapping[int, int] | None = None,
    ) -> None:
        """`env` is the whole environment but TERM; `modes` overrides `MODES`."""
        self._loop = loop
        self._modes = {**MODES, **(modes or {})}
        self.chunks: list[tuple[float, bytes]] = []
        self.written = 0
        self.alive = True
        self._tail = b""
        whole = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **env}
        self.began = now()
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
                os.execvpe(command[0], list(command), whole)
            finally:
                os._exit(127)
        os.set_blocking(self._file, False)
        loop.add(self._file, self._readable)

    def _readable(self, _mask: int) -> None:
        try:
            data = os.read(self._file, 65536)
        except BlockingIOError:
            return
        except OSError:
            # How Linux tells that the other end has gone.
            data = b""
        if not data:
            self._gone()
            return
        self.chunks.append((now(), data))
        self.written += len(data)
        if b"\x1b" in data or self._tail:
            self._answer(self._tail + data)

    def _answer(self, data: bytes) -> None:
        end = 0
        for found in QUERY.finditer(data):
            end = found.end()
            match found.lastgroup:
                case "attributes":
                    reply = b"\x1b[?62;22c"
                case "version":
                    reply = b"\x1b[>41;354;0c"
                case "cursor":
                    reply = b"\x1b[1;1R"
                case "status":
                    reply = b"\x1b[0n"
                case "mode":
                    mode = int(found["mode"])
                    reply = b"\x1b[?%d;%d$y" % (mode, self._modes.get(mode, 0))
                case _:
                    reply = b"\x1b]%s;rgb:1010/1010/1010\x1b\\" % found["colour"]
            self.write(reply)
        escape = data.rfind(b"\x1b", max(end, len(data) - LONGEST_QUERY))
        self._tail = data[escape:] if escape >= 0 else b""

    def write(self, keys: bytes) -> float:
        """Type these; when that began."""
        began = now()
        while keys and self.alive:
            try:
                keys = keys[os.write(self._file, keys) :]
            except BlockingIOError:
                self._loop.turn(0.001)
        return began

    def resize(self, columns: int, rows: int) -> float:
        """Another window size; when."""
        began = now()
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        return began

    # --- what it costs -----------------------------------------------------------------

    def cpu(self) -> float:
        """Seconds of processor, user and system, of all its threads, to the nanosecond."""
        # How clock_getcpuclockid(3) makes the id of a process's clock.
        return time.clock_gettime((~self.pid << 3) | 2)

    def resident(self) -> float:
        """Resident memory, MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        assert found
        return int(found[1]) / 1024

    def wakeups(self) -> int:
        """How often its threads went to sleep by themselves so far."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                found = re.search(
                    r"\nvoluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text()
                )
            except OSError:
                # A thread that ended meanwhile.
                continue
            total += int(found[1]) if found else 0
        return total

    # --- its end -----------------------------------------------------------------------

    def _gone(self) -> None:
        if self.alive:
            self.alive = False
            self._loop.remove(self._file)
            os.close(self._file)

    def close(self) -> None:
        """End it: SIGTERM, and SIGKILL after 3 s; returns when it is gone."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                break
            end = now() + 3
            while now() < end:
                self._loop.run(0.01)
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    self._gone()
                    return
        self._gone()
