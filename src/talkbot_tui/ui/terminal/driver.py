"""The terminal, read and written in the event loop: no threads, and no timer but for an Escape.

Bytes that are no UTF-8 are shown as U+FFFD, and end nothing: Textual's own loop decodes
strictly, so one Latin-1 letter of a paste, or a terminal set to another encoding, would
end the app with a traceback (textual 8.2, `linux_driver`).
"""

from __future__ import annotations

import asyncio
import os
import re
import select
import signal
import termios
import tty
from codecs import getincrementaldecoder
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from textual import constants, events
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message

from talkbot_tui.ui.terminal.layer import LayeredApp
from talkbot_tui.ui.terminal.output import Output

READ_MAX = 4_096
TURN_MAX = 32_768
"""Bytes taken in one turn of the loop; a paste of more leaves room for what else happens."""

LEAVING_S = 1.0
"""How long a terminal that takes nothing can hold up the end."""

ALTERNATE_ON, ALTERNATE_OFF = "\x1b[?1049h", "\x1b[?1049l"
CURSOR_ON, CURSOR_OFF = "\x1b[?25h", "\x1b[?25l"
FOCUS_ON, FOCUS_OFF = "\x1b[?1004h", "\x1b[?1004l"
KITTY_ON, KITTY_OFF = "\x1b[>25u", "\x1b[<u"
"""Kitty's keyboard protocol: disambiguate, all keys as sequences, with their text."""

PLAIN_LOOK = "\x1b[m\x1b]8;;\x1b\\"
ASK_MARGINS = "\x1b[?69$p"
MARGINS_ANSWER = re.compile(r"\x1b\[\?69;(\d)\$y")
"""DECRQM and DECRPM for DECLRMM: 1 and 2 mean that it can be set and reset."""


class KeyParser(XTermParser):
    """Textual's parser, to which Alt and a digit are a key and not a letter.

    Textual takes `ESC 2` for the ™ that a Mac would write (textual 8.2, `_ansi_sequences`);
    terminals without the keyboard protocol send it for Alt+2.
    """

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if len(sequence) == 2 and sequence[0] == "\x1b" and sequence[1] in "0123456789":
            return [events.Key(f"alt+{sequence[1]}", None)]
        return super()._sequence_to_key_events(sequence, alt)


class TerminalDriver(LinuxDriver):
    """Textual's driver for Unix, driven by the loop.

    Attributes:
        output: what waits for the terminal, and since when.
    """

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._layer = app if isinstance(app, LayeredApp) else None
        drained = self._layer.terminal_drained if self._layer else lambda _waited: None
        assert self._file is not None
        self.output = Output(self._loop, self._file.fileno(), drained)
        self._parser = KeyParser(debug)
        self._decode = getincrementaldecoder("utf-8")(errors="replace").decode
        self._escape: asyncio.TimerHandle | None = None
        self._reading = False
        self._held = self._layer is not None and self._layer.holds_input
        self._tail: str | None = None
        # As callbacks of the loop they never interrupt a write half done.
        self._loop.add_signal_handler(signal.SIGTSTP, self._sigtstp_application)
        self._loop.add_signal_handler(signal.SIGCONT, self._sigcont_application)

    # --- writing -----------------------------------------------------------------

    def write(self, data: str) -> None:
        """Write `data`, in its turn."""
        self.output.write(data)

    def flush(self) -> None:
        """Send what was written."""
        self.output.flush()

    # --- beginning and ending ----------------------------------------------------

    def start_application_mode(self) -> None:
        """Take the terminal: its other screen, raw input, and what it can report."""
        if not self._in_foreground():
            return
        # Stopped by a signal that nobody can catch we come back with the terminal still ours.
        again = self._reading
        self.output.open()
        self._loop.add_signal_handler(signal.SIGWINCH, self._resized)
        self._send_size()
        if self._layer is None or not self._layer.keeps_screen:
            self.write(ALTERNATE_ON)
        self._enable_mouse_support()
        self._take_raw(again)
        if self._layer is not None and self._layer.taken_over is not None:
            self.attrs_before = self._layer.taken_over()
        self.write(CURSOR_OFF + FOCUS_ON)
        if not constants.DISABLE_KITTY_KEY and not again:
            self.write(KITTY_ON)
        self._reading = True
        if not self._held:
            self._loop.add_reader(self.fileno, self._readable)
        self._ask()
        self._enable_bracketed_paste()
        self._disable_line_wrap()
        # iTerm 3.5.0 wants to be told again (textual 8.2, `linux_driver`).
        self._enable_mouse_support()
        self.flush()
        if self._must_signal_resume or again:
            self._must_signal_resume = False
            self._app.post_message(self.SignalResume())

    def disable_input(self) -> None:
        """Read no more."""
        if not self._reading:
            return
        self._reading = False
        self._loop.remove_reader(self.fileno)
        self._loop.remove_signal_handler(signal.SIGWINCH)
        if self._escape is not None:
            self._escape.cancel()
            self._escape = None
        self._disable_mouse_support()
        with suppress(termios.error):
            termios.tcflush(self.fileno, termios.TCIFLUSH)

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was."""
        self._disable_bracketed_paste()
        self._enable_line_wrap()
        self._disable_in_band_window_resize()
        self.disable_input()
        if self.attrs_before is not None:
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        # The keyboard protocol belongs to the screen: first its end, then the screen's.
        self.write(PLAIN_LOOK + KITTY_OFF + ALTERNATE_OFF + CURSOR_ON + FOCUS_OFF)
        self.output.finish(LEAVING_S)

    def close(self) -> None:
        """Write no more."""
        self.output.finish(LEAVING_S)
        self.output.close()

    def _in_foreground(self) -> bool:
        """Whether the terminal is ours to change; else we have been stopped meanwhile.

        A program sent to the background that is woken may not touch it: the change of
        nothing tells before anything is written.
        """
        if not os.isatty(self.fileno):
            return True
        stops = (signal.SIGTTOU, signal.SIGTTIN)
        for number in stops:
            signal.signal(number, lambda *_: os.kill(os.getpid(), signal.SIGSTOP))
        try:
            attrs = termios.tcgetattr(self.fileno)
            termios.tcsetattr(self.fileno, termios.TCSANOW, attrs)
        except termios.error:
            return False
        finally:
            for number in stops:
                signal.signal(number, signal.SIG_DFL)
        return True

    def _take_raw(self, again: bool) -> None:
        """Set what keys need; what was set is kept for the end, and is not what we had set."""
        if not again:
            self.attrs_before = None
        with suppress(termios.error):
            if not again:
                self.attrs_before = termios.tcgetattr(self.fileno)
            attrs = termios.tcgetattr(self.fileno)
            attrs[tty.LFLAG] = self._patch_lflag(attrs[tty.LFLAG])
            attrs[tty.IFLAG] = self._patch_iflag(attrs[tty.IFLAG])
            # Where this is shared with the end-of-file character it may be 4.
            attrs[tty.CC][termios.VMIN] = 1
            termios.tcsetattr(self.fileno, termios.TCSANOW, attrs)

    def _ask(self) -> None:
        self._request_terminal_sync_mode_support()
        self._query_in_band_window_resize()
        # Apple's Terminal writes the end of questions that it does not know.
        if self.input_tty and os.environ.get("TERM_PROGRAM", "") != "Apple_Terminal":
            self._tail = ""
            self.write(ASK_MARGINS)

    # --- the window --------------------------------------------------------------

    def _resized(self) -> None:
        if not self._in_band_window_resize:
            self._send_size()

    def _send_size(self) -> None:
        size = Size(*self._get_terminal_size())
        self._app.post_message(events.Resize(size, size))

    # --- reading -----------------------------------------------------------------

    def feed_early(self, data: bytes) -> None:
        """Take `data` as if it were read now; it was typed before we read.

        Ends the wait of an app that `holds_input`.
        """
        if data:
            self._take(self._decode(data))
        if self._held:
            self._held = False
            if self._reading:
                self._loop.add_reader(self.fileno, self._readable)

    def _readable(self) -> None:
        """Take all that is there: one turn, one picture."""
        taken = 0
        while taken < TURN_MAX:
            try:
                data = os.read(self.fileno, READ_MAX)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                data = b""
            if not data:
                # The terminal is gone. Where no signal says so (SIGHUP ignored), this ends us.
                self._loop.remove_reader(self.fileno)
                self._app.exit(0)
                return
            taken += len(data)
            self._take(self._decode(data))
            if not self._reading or not _more(self.fileno):
                return

    def _take(self, text: str) -> None:
        if not text:
            return
        if self._tail is not None:
            self._find_margins(text)
        for event in self._parser.feed(text):
            self.process_message(event)
        self._time_escape()

    def _find_margins(self, text: str) -> None:
        """The answer about margins, which Textual does not know; it may come in two parts."""
        seen = (self._tail or "") + text
        answer = MARGINS_ANSWER.search(seen)
        self._tail = None if answer else seen[-16:]
        if answer and answer[1] in "12" and self._layer is not None:
            self._layer.has_margins()

    def _time_escape(self) -> None:
        """A sequence that has begun may be Escape alone: look again when its time is over."""
        until = self._parser._timeout_time
        if self._escape is not None:
            self._escape.cancel()
            self._escape = None
        if until is not None:
            self._escape = self._loop.call_later(max(0.0, until - get_time()), self._escaped)

    def _escaped(self) -> None:
        self._escape = None
        for event in self._parser.tick():
            self.process_message(event)
        self._time_escape()

    def send_message(self, message: Message) -> None:
        """Hand an event to the app; a key may be on the screen already when it has it."""
        if self._layer is None or not self._layer.taken(message):
            self._app.post_message(message)


def _more(fileno: int) -> bool:
    poll = select.poll()
    poll.register(fileno, select.POLLIN)
    return bool(poll.poll(0))
