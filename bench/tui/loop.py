"""One selector loop and one clock for everything that the rig touches."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.tui.terminal import Terminal

now = time.perf_counter
Handler = Callable[[int], None]


class TooLate(Exception):
    """What was waited for did not come in time."""


class Loop:
    """Calls the handlers of files that are ready, for as long as somebody waits."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, file: int, handler: Handler, *, writes: bool = False) -> None:
        """Call `handler` with the mask whenever `file` can be read, or written too."""
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if writes else 0)
        known = self._selector.get_map().get(file)
        if known is None:
            self._selector.register(file, mask, handler)
        elif known.events != mask or known.data != handler:
            self._selector.modify(file, mask, handler)

    def remove(self, file: int) -> None:
        """Forget a file; one that is not known is no error."""
        if file in self._selector.get_map():
            self._selector.unregister(file)

    def turn(self, seconds: float) -> None:
        """Wait up to `seconds` and handle what is ready."""
        for key, mask in self._selector.select(max(0.0, seconds)):
            # A handler before this one may have closed the file.
            if key.fd in self._selector.get_map():
                key.data(mask)

    def run(self, seconds: float) -> None:
        """Handle what comes for `seconds`."""
        end = now() + seconds
        while True:
            self.turn(end - now())
            if now() >= end:
                return

    def until(
        self, condition: Callable[[], object], within: float, what: str, step: float = 0.002
    ) -> None:
        """Until the condition holds; raises `TooLate`."""
        end = now() + within
        while not condition():
            if now() >= end:
                raise TooLate(what)
            self.turn(step)

    def quiet(self, terminal: Terminal, seconds: float, within: float = 20.0) -> float:
        """Until the terminal has been written nothing for `seconds`; when the last bytes came."""
        end = now() + within
        seen, since = len(terminal.chunks), now()
        while now() < end and terminal.alive:
            self.turn(min(0.01, seconds))
            if len(terminal.chunks) != seen:
                seen, since = len(terminal.chunks), now()
            elif now() - since >= seconds:
                break
        return terminal.chunks[-1][0] if terminal.chunks else since
