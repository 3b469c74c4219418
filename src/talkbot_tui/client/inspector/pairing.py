"""Which ack answers which event, how long that took, and how long pings are on their way."""

from __future__ import annotations

import json
from collections import deque
from typing import NamedTuple

from talkbot_tui.client.inspector.packets import Packet, Way

TRIPS_MAX = 240
PENDING_MAX = 10_000


class Pair(NamedTuple):
    """The other packet's number, and the ms between both."""

    number: int
    ms: float


class Pairs:
    """Takes packets in their order.

    A client of Engine.IO 4 cannot time a ping: the server sends it. But the server sends the
    next one `pingInterval` after our pong has come (engine.io and python-engineio both do), so
    that what the time between two pings has more than the interval is one round trip, and
    however late the server's timer was.

    Attributes:
        found: by the packet's number, for events that were answered and for acks.
        trips: of pings, in ms, the newest last.
        interval: between pings, in ms, as the server said; 0 before that.
    """

    def __init__(self) -> None:
        self.found: dict[int, Pair] = {}
        self.trips: deque[float] = deque(maxlen=TRIPS_MAX)
        self.interval = 0.0
        self._waiting: dict[tuple[Way, str, int], Packet] = {}
        self._pinged_at = 0.0

    def take(self, packet: Packet) -> None:
        """The next packet."""
        match packet.kind:
            case "attempt":
                # Whoever has not answered by then never will: ids begin anew.
                self._waiting.clear()
                self._pinged_at = 0.0
            case "open" | "standing":
                self._pinged_at = 0.0
                self.interval = _interval(packet.text)
            case "ping":
                if self._pinged_at and self.interval:
                    self.trips.append(max(0.0, packet.at - self._pinged_at - self.interval))
                self._pinged_at = packet.at
            case "event" | "binary_event":
                self._ask(packet)
            case "ack" | "binary_ack":
                self._answer(packet)

    def forget_before(self, number: int) -> None:
        """Packets before this one are not kept any more."""
        while self.found and (oldest := next(iter(self.found))) < number:
            del self.found[oldest]

    def _ask(self, packet: Packet) -> None:
        if packet.ack_id is not None:
            if len(self._waiting) >= PENDING_MAX:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[packet.way, packet.namespace, packet.ack_id] = packet

    def _answer(self, packet: Packet) -> None:
        if packet.ack_id is None:
            return
        asked = Way.OUT if packet.way is Way.IN else Way.IN
        event = self._waiting.pop((asked, packet.namespace, packet.ack_id), None)
        if event is not None:
            ms = packet.at - event.at
            self.found[event.number] = Pair(packet.number, ms)
            self.found[packet.number] = Pair(event.number, ms)


def _interval(text: str) -> float:
    try:
        told = json.loads(text)
    except ValueError:
        return 0.0
    found = told.get("pingInterval") if isinstance(told, dict) else None
    return float(found) if isinstance(found, (int, float)) else 0.0


BARS = "▁▂▃▄▅▆▇█"
BARS_ASCII = "_.-=+*%#"


def plot(trips: deque[float] | list[float], width: int, *, plain: bool = False) -> str:
    """The last `width` values as one row of bars, the highest full; `plain` for ASCII."""
    shown = list(trips)[-width:] if width > 0 else []
    bars, top = BARS_ASCII if plain else BARS, max(shown, default=0.0)
    if top <= 0:
        return bars[0] * len(shown)
    return "".join(bars[min(len(bars) - 1, int(value / top * len(bars)))] for value in shown)
