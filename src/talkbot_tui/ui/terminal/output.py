"""Bytes on their way to the terminal: written at once where it takes them, else kept in order.

Nothing here ever waits: a terminal that is stopped (Ctrl+S), slow or far away costs memory up
to a bound, never the loop.
"""

from __future__ import annotations

import asyncio
import os
import select
import stat
import time
from collections.abc import Callable
from contextlib import suppress

WAITING_MAX = 1 << 20
"""More than that is not kept; frames are not made while anything waits, so only the rest is."""

PIECE = 512
"""Written at a time where the terminal could make us wait after all."""


class Output:
    """Writes to one terminal, in the order given.

    Attributes:
        dropped: bytes that were not kept because `WAITING_MAX` waited already.
        gone: the terminal takes nothing any more, for good.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, fileno: int, drained: Callable[[float], None]
    ) -> None:
        """`fileno`: where the terminal is open.

        drained: called when nothing waits any more, with the seconds for which it did.
        """
        self._loop = loop
        self._given = fileno
        self._drained = drained
        self._own: int | None = None
        self._pending = bytearray()
        self._since: float | None = None
        self._soon: asyncio.Handle | None = None
        self._open = False
        self.dropped = 0
        self.gone = False

    @property
    def waiting(self) -> int:
        """Bytes that the terminal has not taken yet."""
        return len(self._pending)

    @property
    def blocked(self) -> bool:
        """Whether the terminal has refused to take more, and still does."""
        return self._since is not None

    @property
    def blocked_for(self) -> float:
        """Seconds for which it has; 0.0 while it takes what it is given."""
        return 0.0 if self._since is None else self._loop.time() - self._since

    def open(self) -> None:
        """Begin, or begin again after `close`."""
        if not self._open:
            self._open, self.gone = True, False
            self._own = reopened(self._given)

    def write(self, text: str) -> None:
        """Take `text`; it leaves at `flush`, at the latest when the loop comes round."""
        if not self._open or self.gone:
            return
        data = text.encode("utf-8", "replace")
        if self.blocked and len(self._pending) + len(data) > WAITING_MAX:
            self.dropped += len(data)
            return
        self._pending += data
        if self._soon is None and not self.blocked:
            self._soon = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send as much as the terminal takes now."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if not self.blocked and self._pending and not self._send():
            self._since = self._loop.time()
            self._loop.add_writer(self._handle, self._writable)

    def finish(self, seconds: float) -> bool:
        """Send all, waiting for at most so long; False when something is left over."""
        self._unwatch()
        until = time.monotonic() + seconds
        while not self._send():
            left = until - time.monotonic()
            if left <= 0:
                self._pending.clear()
                return False
            poll = select.poll()
            poll.register(self._handle, select.POLLOUT)
            poll.poll(left * 1000)
        return True

    def close(self) -> None:
        """Write no more; what waits is dropped."""
        self._unwatch()
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        self._pending.clear()
        self._open = False
        if self._own is not None:
            with suppress(OSError):
                os.close(self._own)
            self._own = None

    @property
    def _handle(self) -> int:
        return self._given if self._own is None else self._own

    def _unwatch(self) -> None:
        if self._since is not None:
            self._since = None
            self._loop.remove_writer(self._handle)

    def _writable(self) -> None:
        if self._send():
            waited = self.blocked_for
            self._unwatch()
            self._drained(waited)

    def _send(self) -> bool:
        """Whether nothing is left."""
        try:
            while self._pending:
                if self._own is None and not _takes(self._given):
                    return False
                piece = self._pending if self._own is not None else self._pending[:PIECE]
                del self._pending[: os.write(self._handle, piece)]
        except BlockingIOError:
            return False
        except OSError:
            # The terminal is gone; reading from it says so, too, and ends the app.
            self.gone = True
            self._pending.clear()
        return True


def reopened(fileno: int) -> int | None:
    """A descriptor of the same terminal that does not block; None where that cannot be had.

    O_NONBLOCK belongs to what all that inherited the descriptor share, the shell too, which
    would find its terminal not blocking. Opened anew the terminal is ours alone.
    """
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with suppress(OSError):
        return _same(fileno, os.open(os.ttyname(fileno), flags))
    with suppress(OSError):
        # Not listed here (a container's, another user's); only a controlling terminal has a group.
        os.tcgetpgrp(fileno)
        return os.open("/dev/tty", flags)
    return None


def _same(one: int, other: int) -> int:
    """`other`; raises OSError, and closes it, when it is another device than `one`."""
    devices = [os.fstat(fileno).st_rdev for fileno in (one, other)]
    if devices[0] == devices[1] and stat.S_ISCHR(os.fstat(other).st_mode):
        return other
    os.close(other)
    raise OSError("another device")


def _takes(fileno: int) -> bool:
    poll = select.poll()
    poll.register(fileno, select.POLLOUT)
    return any(event & (select.POLLOUT | select.POLLHUP) for _fd, event in poll.poll(0))
