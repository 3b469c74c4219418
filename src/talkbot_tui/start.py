"""The entry point: the last known screen first, then the program.

Importing what draws takes some hundred times as long as showing what was on the
screen last. So a plain start writes that, takes keys and echoes them, and only
then goes on to the command line. Until the app takes the terminal over it is
given back as it was, whatever happens.

Nothing may be imported here that is not needed to write the first byte.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the public one brings enum
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from talkbot_tui.last_screen import Screen

PLAIN: tuple[list[str], ...] = ([], ["chat"])
"""Command lines for which the last screen is that of the next start."""

OTHERWISE = ("TALKBOT_TOKEN", "SSLKEYLOGFILE", "COLUMNS", "LINES")
"""Variables with which another account is opened, a warning written or another size assumed."""

ENTER = "\x1b[?1049h\x1b[?7l\x1b[?2004h\x1b[?25l\x1b[m\x1b[H\x1b[J"
LEAVE = "\x1b[m\x1b[?2004l\x1b[?7h\x1b[?1049l\x1b[?25h"
"""The other screen, line wrap, bracketed paste (a pasted line must not count as Enter), cursor."""

SWITCH_S = 0.001
"""How long an echo waits for its turn while modules are imported."""

HELD_MAX = 1024 * 1024
DELETE = (0x7F, 0x08)
FIRST_TWO, LAST_TWO = 0xC3, 0xC9
"""First bytes of Latin letters with two bytes: of one column everywhere."""


class Opening:
    """The terminal from the first byte until the app takes it over.

    Attributes:
        screen: what was written to the terminal; None for nothing.
        left: what stood there at the app's end, for the next start.
    """

    def __init__(self) -> None:
        self.screen: Screen | None = None
        self.left: Screen | None = None
        self._ours = False
        self._attrs: list[Any] = []
        self._switch = 0.0
        self._typed = bytearray()
        self._echo: _Echo | None = None

    def paint(self, screen: Screen) -> None:
        """Take the terminal and write `screen` there."""
        import termios

        self._attrs = termios.tcgetattr(0)
        for number in (_signal.SIGHUP, _signal.SIGTERM, _signal.SIGTSTP):
            # One that is ignored, as by nohup, stays so.
            if _signal.signal(number, self._ended) == _signal.SIG_IGN:
                _signal.signal(number, _signal.SIG_IGN)
        self._ours = True
        self.screen = screen
        termios.tcsetattr(0, termios.TCSANOW, raw(self._attrs))
        rows = [f"\x1b[{y}H\x1b[m{row}" for y, row in enumerate(screen.rows, 1)]
        x, y = screen.cursor
        write("".join([ENTER, *rows, f"\x1b[m\x1b[{y + 1};{x + 1}H\x1b[?25h"]))
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        self._echo = _Echo(screen, self._typed)

    def typed(self) -> bytes:
        """All that was typed until now and was not asked for yet; the echo ends."""
        if self._echo is not None:
            self._echo.stop()
            self._echo = None
        typed = bytes(self._typed)
        self._typed.clear()
        return typed

    def take_over(self) -> list[Any]:
        """From now on the caller gives the terminal back; its attributes before we came."""
        self._ours = False
        return self._attrs

    def done(self) -> None:
        """The app's own screen is there."""
        if self._switch:
            sys.setswitchinterval(self._switch)
        # What was made until now stays until the end: it need never be looked through.
        gc.freeze()
        gc.enable()

    def give_back(self) -> None:
        """Leave the terminal as it was, unless the app has taken it over."""
        if self._echo is not None:
            self._echo.stop()
            self._echo = None
        if not self._ours:
            return
        import termios

        self._ours = False
        self.screen = None
        try:
            write(LEAVE)
            termios.tcsetattr(0, termios.TCSANOW, self._attrs)
        except (OSError, termios.error):
            # It is gone; whoever ended us so needs nothing back.
            return

    def _ended(self, number: int, _frame: object) -> None:
        """A signal that ends or stops us does so, once the terminal is as it was."""
        self.give_back()
        _signal.signal(number, _signal.SIG_DFL)
        os.kill(os.getpid(), number)


class _Echo:
    """Reads what is typed, in a thread, and shows it where it will stand.

    Only text at the end of the line is shown: from the first key that does
    something else on, keys are kept and nothing is shown.
    """

    def __init__(self, screen: Screen, typed: bytearray) -> None:
        import _thread

        self._screen = screen
        self._typed = typed
        self._x = screen.cursor[0]
        self._showing = True
        self._rest = b""
        self._waker, self._stopper = os.pipe()
        self._ended = _thread.allocate_lock()
        self._ended.acquire()
        _thread.start_new_thread(self._run, ())

    def stop(self) -> None:
        """Read no more; returns when nothing more will be read."""
        os.write(self._stopper, b".")
        # Not for ever: a signal's handler may have come between.
        self._ended.acquire(True, 1.0)
        os.close(self._waker)
        os.close(self._stopper)

    def _run(self) -> None:
        import select

        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self._waker, select.POLLIN)
        try:
            while len(self._typed) < HELD_MAX:
                if self._waker in [handle for handle, _event in poll.poll()]:
                    return
                data = os.read(0, 4096)
                if not data:
                    return
                self._typed += data
                self._show(data)
        except OSError:
            return
        finally:
            self._ended.release()

    def _show(self, data: bytes) -> None:
        """Echo `data`, as far as it is plain."""
        out, start = bytearray(), self._x
        data, self._rest = self._rest + data, b""
        at = 0
        while self._showing and at < len(data):
            byte = data[at]
            size = 2 if FIRST_TWO <= byte <= LAST_TWO else 1
            if at + size > len(data):
                self._rest = data[at:]
                break
            char = data[at : at + size]
            if byte in DELETE and self._x > self._screen.cursor[0]:
                self._x -= 1
                out += b"\b \b"
            elif (0x20 <= byte < 0x7F or size == 2) and self._x + 1 < self._screen.edge:
                self._x += 1
                out += char
            else:
                self._showing = False
            at += size
        size_now = os.get_terminal_size(2)
        if tuple(size_now) != (self._screen.columns, self._screen.lines):
            self._showing = False
        elif out:
            look = f"\x1b[0;{self._screen.look}m" if self._screen.look else "\x1b[m"
            place = f"\x1b[{self._screen.cursor[1] + 1};{start + 1}H"
            write(place + look + out.decode("utf-8", "replace") + "\x1b[m")


def raw(attrs: list[Any]) -> list[Any]:
    """Terminal attributes: each key at once and unechoed; of the signals only Ctrl+C's."""
    import termios

    changed = [*attrs[:6], list(attrs[6])]
    changed[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON | termios.IXOFF)
    changed[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
    none = bytes([os.fpathconf(0, "PC_VDISABLE") & 0xFF])
    changed[6][termios.VSUSP] = changed[6][termios.VQUIT] = none
    changed[6][termios.VMIN], changed[6][termios.VTIME] = 1, 0
    return changed


def write(text: str) -> None:
    """All of `text` to the terminal."""
    data = text.encode()
    while data:
        data = data[os.write(2, data) :]


def begin(opening: Opening, environ: dict[str, str]) -> None:
    """Show the last screen where there is one for this start, this terminal and this moment."""
    from talkbot_tui import last_screen

    if any(name in environ for name in OTHERWISE) or environ.get("TERM", "") in ("", "dumb"):
        return
    try:
        one = len({os.fstat(handle).st_rdev for handle in (0, 1, 2)}) == 1
        if one and all(map(os.isatty, (0, 1, 2))) and os.tcgetpgrp(0) == os.getpgrp():
            columns, lines = os.get_terminal_size(2)
            opening.paint(last_screen.read(environ, (columns, lines)))
    except Exception:
        # There is none that fits, or the terminal is odd: the app will be there soon enough.
        opening.give_back()


def main() -> None:
    """Run the command line and exit with its code."""
    opening = None
    if os.name == "posix" and sys.argv[1:] in PLAIN:
        # Imports leave no garbage worth looking for; `done` turns it on again.
        gc.disable()
        opening = Opening()
        begin(opening, dict(os.environ))
    try:
        from talkbot_tui.cli import main as run

        code = run(opening=opening)
    finally:
        if opening is not None:
            opening.give_back()
    sys.exit(code)


if __name__ == "__main__":
    main()
