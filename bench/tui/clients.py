"""What the rig asks of each client, ours or a peer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from bench.tui.loop import Loop, now
from bench.tui.screen import Replay, Wanted
from bench.tui.terminal import Terminal

ROOM, OTHER = "general", "r01"
ROOMS = [ROOM, *(f"r{number:02d}" for number in range(1, 50))]
OTHER_PREFIX, IN_OTHER = "b", 60
"""The letter of the tokens in `OTHER`, and how many messages it holds."""
SETTLED_S = 0.6


class Client(ABC):
    """A client in a terminal, with `ROOMS`, of which `ROOM` is open.

    Attributes:
        name: as the table calls it.
        newest: the token of the newest message in `ROOM`, which is on the screen after a start.
        page_up, page_down, clear: keys. `clear` empties the composer.
        rooms: the keys that open `ROOM` and `OTHER`.
        to_end: keys that go back to the newest message.
        redraw: a key that draws the whole screen anew.
    """

    name = ""
    page_up = b"\x1b[5~"
    clear = b"\x15"
    rooms = (b"\x1b[1;3A", b"\x1b[1;3B")
    to_end = b""
    redraw = b""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.newest = ""
        self.terminal: Terminal | None = None
        self._replay: Replay | None = None

    @abstractmethod
    def launch(self, history: int) -> Terminal:
        """Start it; `history` is how much a peer's server plays back. Returns at once."""

    @abstractmethod
    def say(self, texts: Sequence[str], gap: float) -> list[Wanted]:
        """Others say this in `ROOM`; when the client was handed each, once it was."""

    @abstractmethod
    def burst(self, texts: Sequence[str]) -> float:
        """Hand the client all of this at once; when that began."""

    @property
    @abstractmethod
    def connected(self) -> bool:
        """Whether the client is in all its rooms."""

    @property
    def open(self) -> Terminal:
        """The terminal it runs in."""
        assert self.terminal is not None
        return self.terminal

    @property
    def replay(self) -> Replay:
        """Its screen now; walks on from where it was left."""
        if self._replay is None:
            self._replay = Replay(self.open)
        self._replay.to_end()
        return self._replay

    def start(self, history: int) -> Terminal:
        """Start it and wait until it is connected and quiet."""
        self.terminal, self._replay = self.launch(history), None
        self.loop.until(lambda: self.connected, 60, f"{self.name}: connected")
        self.settle()
        if self.redraw:
            # irssi draws megabytes as it is played back; to emulate that would take minutes.
            self._replay = Replay(self.terminal, len(self.terminal.chunks))
            self.terminal.write(self.redraw)
            self.settle()
        return self.terminal

    def settle(self, seconds: float = SETTLED_S) -> None:
        """Wait until nothing is drawn any more."""
        self.loop.quiet(self.open, seconds, 60)

    def stop(self) -> None:
        """End it."""
        if self.terminal is not None:
            self.terminal.close()
            self.terminal = self._replay = None

    def wanted(self, text: str, *, near_end: bool = False, since: float = 0.0) -> Wanted:
        """`text` is to be on the screen from now on."""
        return Wanted(since or now(), len(self.open.chunks), text, near_end)

    def type(self, keys: bytes, text: str, *, near_end: bool = False) -> Wanted:
        """Press keys that make `text` visible."""
        wanted = self.wanted(text, near_end=near_end)
        self.open.write(keys)
        return wanted
