"""The connection as its user sees it.

Theory of operation. There is one link per session. Until the first attempt it
is OFFLINE. An attempt is CONNECTING; when the namespace is connected and the
token accepted, the link is SYNCING: the server knows us, but we do not yet know
what we missed, so nothing is sent. The answer to `sync` makes it ONLINE, and
only then do messages leave. A lost link, or an attempt that came to nothing, is
WAITING for the next attempt at `retry_at`. REFUSED means that another attempt
would meet the same refusal (a revoked session, a protocol too old): no attempt
follows until the user acts, and messages written meanwhile stay queued.

Everything that changes the state is in `TRANSITIONS`; a signal that the table
does not have in the present state is an error of the caller and raises.
"""

from __future__ import annotations

from enum import Enum

BANDS = (50, 150, 400, 1000)
"""Upper bounds in ms of the latency bands 0 to 3; band 4 is open."""
SMOOTHING = 0.25
"""A new round trip's share of the latency (RFC 6298 has an eighth; acks are rarer than packets)."""
MARGIN = 0.75
"""A better band is reached only this far below its bound, so that nothing flickers."""


class LinkState(Enum):
    """Where the connection stands."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    ONLINE = "online"
    WAITING = "waiting"
    REFUSED = "refused"


class Signal(Enum):
    """What moves the link."""

    CONNECTING = "connecting"
    UP = "up"
    SYNCED = "synced"
    DOWN = "down"
    REFUSED = "refused"


TRANSITIONS: dict[LinkState, dict[Signal, LinkState]] = {
    LinkState.OFFLINE: {
        Signal.CONNECTING: LinkState.CONNECTING,
        Signal.DOWN: LinkState.WAITING,
        Signal.REFUSED: LinkState.REFUSED,
    },
    LinkState.CONNECTING: {
        Signal.CONNECTING: LinkState.CONNECTING,
        Signal.UP: LinkState.SYNCING,
        Signal.DOWN: LinkState.WAITING,
        Signal.REFUSED: LinkState.REFUSED,
    },
    LinkState.SYNCING: {
        Signal.SYNCED: LinkState.ONLINE,
        Signal.DOWN: LinkState.WAITING,
        Signal.REFUSED: LinkState.REFUSED,
    },
    LinkState.ONLINE: {
        Signal.SYNCED: LinkState.ONLINE,
        Signal.DOWN: LinkState.WAITING,
        Signal.REFUSED: LinkState.REFUSED,
    },
    LinkState.WAITING: {
        Signal.CONNECTING: LinkState.CONNECTING,
        Signal.DOWN: LinkState.WAITING,
        Signal.REFUSED: LinkState.REFUSED,
    },
    LinkState.REFUSED: {
        # The socket of a refused link still closes, which changes nothing.
        Signal.DOWN: LinkState.REFUSED,
        Signal.REFUSED: LinkState.REFUSED,
        Signal.CONNECTING: LinkState.CONNECTING,
    },
}


class LinkError(RuntimeError):
    """A signal that cannot come in the link's present state."""


class Link:
    """The link's state and what is shown beside it.

    Attributes:
        state: where the connection stands.
        reason: why the link is WAITING or REFUSED, in words; "" otherwise.
        code: the stable name of `reason`; "" otherwise.
        retry_at: when the next attempt starts, in ms; 0 when none is planned.
        attempt: attempts since the last success, counted from 1; 0 when online.
        latency_ms: the round trip, smoothed; 0 before the first one of this connection.
        shown_ms: the same in tens, kept until it is off by an eighth.
        band: the latency's band, 0 (best) to 4.
        transport: websocket or polling; "" before the first connection.
    """

    def __init__(self) -> None:
        self.state = LinkState.OFFLINE
        self.reason = ""
        self.code = ""
        self.retry_at = 0
        self.attempt = 0
        self.latency_ms = 0
        self.shown_ms = 0
        self.band = 0
        self.transport = ""

    @property
    def online(self) -> bool:
        """Whether requests may be sent."""
        return self.state is LinkState.ONLINE

    def signal(self, signal: Signal) -> LinkState:
        """Move along the table; raises `LinkError` where it has no entry."""
        try:
            self.state = TRANSITIONS[self.state][signal]
        except KeyError:
            raise LinkError(f"{signal.value} cannot come while {self.state.value}") from None
        if self.state not in (LinkState.WAITING, LinkState.REFUSED):
            self.reason = self.code = ""
            self.retry_at = 0
        if self.state is LinkState.ONLINE:
            self.attempt = 0
        if self.state in (LinkState.WAITING, LinkState.REFUSED, LinkState.CONNECTING):
            self.latency_ms = self.shown_ms = self.band = 0
        return self.state

    def measure(self, ms: int) -> bool:
        """Note a round trip; True when what is shown changes: first one, another band or number."""
        first, before = self.latency_ms == 0, (self.band, self.shown_ms)
        now = ms if first else self.latency_ms + round((ms - self.latency_ms) * SMOOTHING)
        self.latency_ms = max(1, now)
        worse, better = band(self.latency_ms), band(int(self.latency_ms / MARGIN))
        self.band = worse if first or worse > self.band else min(self.band, better)
        if self.band != before[0] or abs(self.latency_ms - self.shown_ms) * 8 > self.shown_ms:
            self.shown_ms = max(10, round(self.latency_ms, -1))
        # In the best bands only the bound is shown.
        return first or self.band != before[0] or (self.band > 1 and self.shown_ms != before[1])


def band(ms: int) -> int:
    """Which latency band `ms` falls into, 0 to 4."""
    return sum(ms >= bound for bound in BANDS)
