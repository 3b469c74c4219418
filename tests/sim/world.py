"""Virtual time: one heap of what will happen, one source of chance, one trace.

All that happens is drawn from the seed, and nothing looks at a real clock, so that
the same seed gives the same run, event for event.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections import Counter
from collections.abc import Callable

from tests.sim.words import words

Action = Callable[[], None]


class World:
    """Time in ms since the run began; chance; what is told of the run.

    Attributes:
        now: the time that passes for everybody, in ms; device clocks differ from it.
        chance: the run's only source of randomness.
        faults: how many faults of each kind were injected.
        healed: no fault is injected from here on.
        telling: every step is told to `trace`.
        trace: the steps, when `telling`.
    """

    def __init__(self, seed: int, *, telling: bool = False) -> None:
        self.now = 0
        self.chance = random.Random(seed)
        self.faults: Counter[str] = Counter()
        self.healed = False
        self.telling = telling
        self.trace: list[str] = []
        self._heap: list[tuple[int, int, Action]] = []
        self._number = 0

    def later(self, delay: int, action: Action) -> None:
        """Do this in `delay` ms, after what was asked for the same time before."""
        self._number += 1
        heapq.heappush(self._heap, (self.now + max(0, delay), self._number, action))

    def run(self, until: int) -> None:
        """Let everything happen that is due before `until`."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, action = heapq.heappop(heap)
            action()
        self.now = max(self.now, until)

    def fault(self, kind: str) -> None:
        """Count a fault that is being injected."""
        self.faults[kind] += 1
        if self.telling:
            self.tell("FAULT", kind)

    def maybe(self, probability: float) -> bool:
        """True with this probability, while there are faults at all; draws nothing else."""
        return not self.healed and probability > 0 and self.chance.random() < probability

    def lag(self, low: int, high: int) -> int:
        """A delay in ms."""
        return low + int(self.chance.random() * (high - low + 1))

    def tell(self, who: str, what: object) -> None:
        """One line of the trace; ask `telling` first, since making the words is slow."""
        self.trace.append(
            f"{self.now:>9} {who:<8} {words(what) if not isinstance(what, str) else what}"
        )

    def digest(self) -> str:
        """A digest of the trace: equal for equal runs."""
        return hashlib.blake2b("\n".join(self.trace).encode(), digest_size=16).hexdigest()
