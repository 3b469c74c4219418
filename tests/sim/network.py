"""Connections: two pipes that keep order, and what a path may do to them.

As TCP is, a connection delays and stalls but never drops from its middle: what it
loses, it loses with its end. Each end learns of the end by itself, at its own time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from tests.sim.world import World

SILENCE_MS = (10_000, 25_000)
"""Pings come every 15 s and wait for 10 s: after so long a silent path is noticed."""

Frame = tuple[Any, ...]


class End(Protocol):
    """Whoever holds one end of a connection."""

    def arrived(self, connection: Connection, frame: Frame) -> None:
        """A frame came in."""

    def ended(self, connection: Connection, code: str) -> None:
        """The connection is no more, as far as this end knows."""


class Pipe:
    """One direction: frames come out in the order in which they went in."""

    def __init__(self, world: World, lag: tuple[int, int], out: Callable[[Frame], None]) -> None:
        self._world = world
        self._lag = lag
        self._out = out
        self._frames: deque[tuple[int, Frame]] = deque()
        self._flowing = False
        self._turn = 0
        self.stalled_until = 0
        self.closed = False

    def put(self, frame: Frame) -> None:
        """Send a frame; nothing happens on a closed pipe."""
        if self.closed:
            return
        due = self._world.now + self._world.lag(*self._lag)
        self._frames.append((due, frame))
        if not self._flowing:
            self._flow()

    def close(self) -> None:
        """Nothing goes in any more, and what is inside is lost."""
        self.closed = True
        self._frames.clear()

    def clear(self) -> None:
        """The path is good again."""
        self.stalled_until = min(self.stalled_until, self._world.now)
        if self._frames:
            self._flow()

    def _flow(self) -> None:
        self._flowing = True
        self._turn += 1
        turn = self._turn
        at = max(self._frames[0][0], self.stalled_until)
        self._world.later(at - self._world.now, lambda: self._next(turn))

    def _next(self, turn: int) -> None:
        if turn != self._turn:
            return
        self._flowing = False
        if self._frames and self.stalled_until <= self._world.now:
            _, frame = self._frames.popleft()
            self._out(frame)
        if self._frames and not self._flowing:
            self._flow()


class Connection:
    """A device's connection to the server, from its handshake on.

    Attributes:
        number: tells connections apart.
        epoch: of the server at the other end.
    """

    def __init__(
        self, world: World, number: int, device: End, server: End, lag: tuple[int, int], epoch: str
    ) -> None:
        self.number = number
        self.epoch = epoch
        self._world = world
        self._device = device
        self._server = server
        self.up = Pipe(world, lag, self._to_server)
        self.down = Pipe(world, lag, self._to_device)
        self._up_done = False
        self._down_done = False

    def hang_up(self) -> None:
        """The device ends it; what it sent before still arrives."""
        self._down_done = True
        self.down.close()
        self.up.put(("fin",))

    def shut(self, code: str) -> None:
        """The server ends it; what it sent before still arrives."""
        self._up_done = True
        self.up.close()
        self.down.put(("fin", code))

    def vanish(self) -> None:
        """The server's end is gone without a word: only silence tells the device."""
        self._up_done = True
        self.up.close()
        self.down.close()
        self._later_silent()

    def cut(self) -> None:
        """Reset: each end loses what was on its way, at its own time."""
        world = self._world
        world.later(world.lag(0, 200), lambda: self._server_ended("lost"))
        world.later(world.lag(0, 200), lambda: self._device_ended("lost"))

    def stall(self, duration: int, *, up: bool, down: bool) -> None:
        """A black hole in one or both directions; what goes in comes out when it closes."""
        world = self._world
        until = world.now + duration
        if up:
            self.up.stalled_until = max(self.up.stalled_until, until)
            world.later(world.lag(*SILENCE_MS), self._up_silent)
        if down:
            self.down.stalled_until = max(self.down.stalled_until, until)
            self._later_silent()

    def clear(self) -> None:
        """The path is good again."""
        self.up.clear()
        self.down.clear()

    # --- inside ------------------------------------------------------------------------

    def _later_silent(self) -> None:
        self._world.later(self._world.lag(*SILENCE_MS), self._down_silent)

    def _down_silent(self) -> None:
        if self.down.closed or self.down.stalled_until > self._world.now:
            if not self._down_done:
                self.up.put(("fin",))
            self._device_ended("silent")

    def _up_silent(self) -> None:
        if self.up.stalled_until > self._world.now and not self._up_done:
            self.down.put(("fin", "lost"))
            self._server_ended("silent")

    def _to_server(self, frame: Frame) -> None:
        if frame[0] == "fin":
            self._server_ended("closed")
        elif not self._up_done:
            self._server.arrived(self, frame)

    def _to_device(self, frame: Frame) -> None:
        if frame[0] == "fin":
            self._device_ended(frame[1])
        elif not self._down_done:
            self._device.arrived(self, frame)

    def _server_ended(self, code: str) -> None:
        if not self._up_done:
            self._up_done = True
            self.up.close()
            self._server.ended(self, code)

    def _device_ended(self, code: str) -> None:
        if not self._down_done:
            self._down_done = True
            self.down.close()
            self._device.ended(self, code)
