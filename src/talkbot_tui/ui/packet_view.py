"""Which packets the inspector shows, and where in them one is; no widget, tested by values."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice

from talkbot_tui.client.inspector.filters import Test, compiled
from talkbot_tui.client.inspector.packets import Packet
from talkbot_tui.client.inspector.pairing import Pair, Pairs
from talkbot_tui.client.wiretap import Wiretap


class PacketView:
    """The packets that fit the filter, one of them selected.

    Attributes:
        shown: oldest first.
        selected: the number of one, 0 while there is none.
        follows: whether the newest one is selected as it comes.
        paused: whether the list stands still while packets come.
        filter: as it was written.
        pairs: of all packets, not only of those that are shown.
    """

    def __init__(self, tap: Wiretap) -> None:
        self.shown: list[Packet] = []
        self.selected = 0
        self.follows = True
        self.paused = False
        self.filter = ""
        self.pairs = Pairs()
        self._tap = tap
        self._test: Test = compiled("")
        self._seen = 0

    def pull(self) -> bool:
        """Take in what came; False when there was nothing, or the list is paused."""
        if self.paused:
            return False
        fresh = self._tap.last - self._seen
        if not fresh:
            return False
        newest = list(islice(reversed(self._tap.rows), fresh))
        self._seen = self._tap.last
        for packet in reversed(newest):
            self.pairs.take(packet)
            if self._test(packet):
                self.shown.append(packet)
        self._forget()
        self._settle()
        return True

    @property
    def waiting(self) -> int:
        """How many packets came since the pause."""
        return self._tap.last - self._seen

    def narrow(self, text: str) -> None:
        """Another filter; raises `FilterError`, and keeps the one there is."""
        self._test = compiled(text)
        self.filter = text
        rows = (packet for packet in self._tap.rows if packet.number <= self._seen)
        self.shown = [packet for packet in rows if self._test(packet)]
        self._settle()

    def move(self, step: int) -> None:
        """Select another one, so many rows further; at the end, follow it."""
        if self.shown:
            self._select(max(0, min(self.index + step, len(self.shown) - 1)))

    def select(self, number: int) -> None:
        """Select a packet, or the next one that is shown."""
        if self.shown:
            self._select(min(self.place(number), len(self.shown) - 1))

    def find(self, text: str, step: int) -> bool:
        """Select the next packet (`step` 1, or -1 for the one before) that fits; goes round."""
        test, count = compiled(text), len(self.shown)
        for ahead in range(1, count + 1):
            at = (self.index + ahead * step) % count
            if test(self.shown[at]):
                self._select(at)
                return True
        return False

    @property
    def index(self) -> int:
        """Where the selected one is in `shown`."""
        return min(self.place(self.selected), max(0, len(self.shown) - 1))

    @property
    def current(self) -> Packet | None:
        """The selected one."""
        return self.shown[self.index] if self.shown else None

    @property
    def pair(self) -> Pair | None:
        """Of the selected one."""
        return self.pairs.found.get(self.selected)

    def _select(self, index: int) -> None:
        self.selected = self.shown[index].number
        self.follows = index == len(self.shown) - 1

    def place(self, number: int) -> int:
        """Where in `shown` that number is, or would be."""
        return bisect_left(self.shown, number, key=lambda packet: packet.number)

    def _settle(self) -> None:
        if not self.shown:
            self.selected = 0
        elif self.follows or not self.selected:
            self.selected = self.shown[-1].number
        else:
            self.selected = self.shown[self.index].number

    def _forget(self) -> None:
        first = self._tap.rows[0].number
        self.pairs.forget_before(first)
        if self.shown and self.shown[0].number < first:
            del self.shown[: self.place(first)]
