"""A program in a real pty, with a screen that remembers what it drew."""

from __future__ import annotations

import os
import signal
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from ptyprocess import PtyProcess

from tests.emulator import ByteStream, Screen
from tests.waiting import until_sync

# Language and size are the test's choice, not those of whoever runs it.
NOT_INHERITED = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", "COLUMNS", "LINES")
PASTE_BEGIN, PASTE_END = "\x1b[200~", "\x1b[201~"


def _heard() -> None:
    """A shell's child hears of Ctrl+C and of its terminal's end, also where we run under nohup."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """One program in a pty of `columns` × `rows`; a thread reads what it draws."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 40,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._screen = Screen(columns, rows)
        self._stream = ByteStream(self._screen)
        self._lines: dict[int, str] = {}
        self._lock = threading.Lock()
        self.raw = bytearray()
        inherited = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED}
        self._process = PtyProcess.spawn(
            list(command),
            dimensions=(rows, columns),
            preexec_fn=_heard,
            env={**inherited, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = self._process.read(65536)
            except (EOFError, OSError, ValueError):
                # Its end, or `close` between two reads.
                return
            with self._lock:
                self.raw += data
                self._stream.feed(data)

    def lines(self) -> list[str]:
        """The screen's rows, without trailing blanks."""
        # pyte's own `display` fails where half of a wide character was overwritten.
        with self._lock:
            for y in self._screen.dirty:
                row = self._screen.buffer[y]
                cells = "".join(row[x].data for x in range(self._screen.columns))
                self._lines[y] = cells.rstrip()
            self._screen.dirty.clear()
            return [self._lines.get(y, "") for y in range(self._screen.lines)]

    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines())

    def shows(self, text: str) -> bool:
        """Whether `text` stands in one row of the screen."""
        return any(text in line for line in self.lines())

    def wait(self, text: str, within: float = 20.0) -> None:
        """Until `text` is on the screen; fails with the screen's picture."""
        self.until(lambda: self.shows(text), within, f"waiting for {text!r}")

    def until(self, condition: Callable[[], object], within: float = 20.0, why: str = "") -> None:
        """Until the condition holds; fails with the screen's picture."""
        until_sync(condition, within, lambda: f"{why}; alive: {self.alive}; screen:\n{self.text()}")

    def write(self, text: str) -> None:
        """Type these characters."""
        self._process.write(text.encode("utf-8", "surrogatepass"))

    def send(self, text: str) -> None:
        """Paste `text` into the composer and press Enter."""
        self.write(PASTE_BEGIN + text + PASTE_END)
        self.write("\r")

    @property
    def alive(self) -> bool:
        """Whether the program still runs."""
        return bool(self._process.isalive())

    @property
    def ended(self) -> bool:
        """Whether the program has ended and all that it wrote has been read."""
        return not (self.alive or self._reader.is_alive())

    @property
    def exit_code(self) -> int | None:
        """The exit code, once it has ended."""
        code: int | None = self._process.exitstatus
        return code

    def attributes(self) -> list[object]:
        """The terminal's attributes, as termios has them."""
        return list(termios.tcgetattr(self._process.fd))

    def resize(self, columns: int, rows: int) -> None:
        """Another window size."""
        with self._lock:
            self._screen.resize(rows, columns)
        self._process.setwinsize(rows, columns)

    def close(self) -> None:
        """End the program, politely first."""
        if self._process.isalive():
            self._process.terminate(force=True)
        self._process.close(force=True)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
