"""Real processes that are killed: forked with everything imported, then traced by strace.

A forked child needs no second to import the program again, so a run of a whole
conversation with its kill and its restart takes a fraction of one.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PR_SET_PTRACER = 0x59616D61
ANYBODY = ctypes.c_ulong(-1)
ATTACH_S = 20.0


class PtraceRefused(RuntimeError):
    """This machine does not let one process trace another: no point can be tried."""


class Stuck(AssertionError):
    """A process did not end in its time."""


class Child:
    """A forked process; `ended` waits for it."""

    def __init__(self, work: Callable[[], None], log: Path) -> None:
        """Run `work` in a process of its own, its words in `log`; it begins at `go`."""
        self._gate, gate = os.pipe()
        self.log = log
        self._status: int | None = None
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(gate)
            _become(work, log, self._gate)
        os.close(self._gate)
        self._open_gate = gate
        self._pidfd = os.pidfd_open(self.pid)

    def go(self) -> None:
        """Let it begin."""
        os.write(self._open_gate, b"!")
        os.close(self._open_gate)
        self._open_gate = -1

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self._status is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def ended(self, within: float) -> int:
        """Its exit code, or minus the number of the signal that killed it; raises `Stuck`."""
        if self._status is None:
            if not select.select([self._pidfd], [], [], within)[0]:
                raise Stuck(f"not ended within {within} s; {self.words()}")
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self._pidfd)
            if self._open_gate >= 0:
                os.close(self._open_gate)
        return self._status

    def running(self) -> bool:
        """Whether it has not ended."""
        return self._status is None and not select.select([self._pidfd], [], [], 0)[0]

    def end(self) -> None:
        """Make sure that it has ended."""
        self.signal(signal.SIGKILL)
        self.ended(60)

    def words(self) -> str:
        """The end of what it said, for a failure's report."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        last = text.strip().splitlines()[-3:]
        return f"its last words: {' | '.join(last)}"


class Tracer:
    """strace on a child that waits for its `go`, or runs already."""

    def __init__(self, child: Child, options: list[str], output: Path | None = None) -> None:
        """Attach; raises `PtraceRefused`."""
        strace = shutil.which("strace")
        if strace is None:
            raise PtraceRefused("strace is not installed (see .ci/system-packages)")
        written = str(output) if output else os.devnull
        self._process = subprocess.Popen(
            [strace, "-f", "-o", written, *options, "-p", str(child.pid)],
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        said = self._first_words()
        if "attached" not in said:
            self._process.kill()
            self._process.wait()
            raise PtraceRefused(
                f"strace cannot attach to a process of ours ({said.strip() or 'no answer'}); "
                "crash points need ptrace: allow it (CAP_SYS_PTRACE, or no seccomp filter)"
            )

    def ended(self, within: float = 60.0) -> None:
        """Wait until all that was traced has ended, and the log is complete."""
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise Stuck("strace did not end") from None
        finally:
            assert self._process.stderr is not None
            self._process.stderr.close()

    def _first_words(self) -> str:
        assert self._process.stderr is not None
        ready = select.select([self._process.stderr], [], [], ATTACH_S)[0]
        return os.read(self._process.stderr.fileno(), 4096).decode() if ready else ""


def _become(work: Callable[[], None], log: Path, gate: int) -> None:
    """The child's whole life; does not return."""
    code = 1
    try:
        words = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        os.dup2(words, 1)
        os.dup2(words, 2)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        # Yama lets only ancestors trace, unless the process itself says who else may.
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANYBODY, 0, 0, 0)
        if os.read(gate, 1):
            work()
            code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
