"""Lean mode: what a slow link or terminal is spared, in a fixed order.

Two things are measured: the server's round trip (`core.link`) and how long the
terminal takes what is written to it. The worse of the two decides. What is shed is
comfort; messages, their states and what the user types are never touched.
"""

from __future__ import annotations

from enum import IntEnum

from talkbot_tui.core.link import MARGIN

TERMINAL_MS = (50, 200, 1000)
"""From so long a wait of a frame in front of the terminal on, level 1, 2 and 3."""
LINK_BANDS = (0, 0, 1, 2, 3)
"""The level of each latency band."""
SMOOTHING = 0.25


class Extra(IntEnum):
    """What is shed; the value is the level from which on it is.

    TYPING: who is writing, theirs and ours.
    PRESENCE: who is there.
    DECORATION: answers while they grow, hyperlinks, the window's title.
    """

    TYPING = 1
    PRESENCE = 2
    DECORATION = 3


class Lean:
    """Decides what there is room for.

    Attributes:
        forced: everything is shed, whatever was measured.
        level: 0 (nothing is shed) to 3.
    """

    def __init__(self, *, forced: bool = False) -> None:
        """`forced` by the user."""
        self.forced = forced
        self.level = len(Extra) if forced else 0
        self._link = 0
        self._terminal = 0
        self._waited_ms = 0.0

    def sheds(self, extra: Extra) -> bool:
        """Whether there is no room for that."""
        return self.level >= extra

    def link(self, band: int) -> bool:
        """The latency's band now; True when the level changed."""
        self._link = LINK_BANDS[band]
        return self._settle()

    def terminal(self, waited_ms: float) -> bool:
        """How long the last frame waited for the terminal, in ms; True when the level changed."""
        self._waited_ms += (waited_ms - self._waited_ms) * SMOOTHING
        worse = sum(self._waited_ms >= bound for bound in TERMINAL_MS)
        better = sum(self._waited_ms / MARGIN >= bound for bound in TERMINAL_MS)
        self._terminal = worse if worse > self._terminal else min(self._terminal, better)
        return self._settle()

    def _settle(self) -> bool:
        before = self.level
        if not self.forced:
            self.level = max(self._link, self._terminal)
        return self.level != before
