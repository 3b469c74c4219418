"""The figures of the table: what each is called, its goals, and what came out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bench.measure import Row

OURS, WEECHAT, IRSSI, FIXED = "talkbot-tui", "WeeChat", "irssi", "a fixed number"
USUAL = "the same without it"

Statistic = Literal["p50", "p99"]


@dataclass(frozen=True)
class Goal:
    """At most `limit` times the peer's figure; of `FIXED`, at most `limit` itself."""

    peer: str
    limit: float


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    key: of the samples. scale: from the samples' unit to `unit`.
    """

    key: str
    name: str
    unit: str
    scale: float = 1.0
    statistic: Statistic = "p50"
    goals: tuple[Goal, ...] = ()
    beside: str = ""

    @property
    def slack(self) -> float:
        """How much looser CI is than goal and baseline.

        Bytes, memory and CPU hardly move; times do, as CI shares its cores, and ours more than the
        peers', which are one thread each. Of few samples the 99th percentile is the worst one.
        """
        if self.statistic == "p99":
            # Beside itself without it there are only our own few keys: one hiccup decides.
            return 12.0 if self.beside else 4.0
        counted = self.unit in ("B", "MiB", "") or self.key.endswith(".cpu")
        return 1.3 if counted else 2.0

    @property
    def id(self) -> str:
        """The name of the figure in `baseline.json`."""
        return f"{self.key}.{self.statistic}"


def goals(**limits: float) -> tuple[Goal, ...]:
    """By the peers' short names."""
    names = {"weechat": WEECHAT, "irssi": IRSSI, "fixed": FIXED, "usual": USUAL}
    return tuple(Goal(names[name], limit) for name, limit in limits.items())


FIGURES: tuple[Figure, ...] = (
    Figure("start.newest", "start: newest message on the screen", "ms", 1e3,
           goals=goals(weechat=0.35, irssi=0.8)),
    Figure("start.typed", "start: 5 characters typed at 32 ms on the composer row", "ms", 1e3,
           goals=goals(weechat=1.0)),
    Figure("start.lost", "start: typed characters lost (1: some)", "", goals=goals(fixed=0)),
    Figure("start.cpu", "start: CPU until settled", "ms", 1e3, goals=goals(weechat=2.5)),
    Figure("start.resident", "start: resident memory", "MiB", goals=goals(weechat=1.9)),
    Figure("start.bytes", "start: bytes", "B"),
    Figure("keys.delay", "key → screen p50", "ms", 1e3, goals=goals(weechat=1.1)),
    Figure("keys.delay", "key → screen p99", "ms", 1e3, "p99", goals(weechat=1.0)),
    Figure("keys.cpu", "CPU per key", "ms", 1e3, goals=goals(weechat=1.0)),
    Figure("keys.bytes", "bytes per key", "B", goals=goals(fixed=2)),
    Figure("keys.lost", "keys never seen", "", goals=goals(fixed=0)),
    Figure("messages.delay", "message → screen p50", "ms", 1e3, goals=goals(weechat=0.85)),
    Figure("messages.delay", "message → screen p99", "ms", 1e3, "p99"),
    Figure("messages.cpu", "CPU per message", "ms", 1e3, goals=goals(weechat=0.85)),
    Figure("messages.bytes", "bytes per message", "B", goals=goals(weechat=0.6, irssi=0.85)),
    Figure("messages.lost", "messages never seen", "", goals=goals(fixed=0)),
    Figure("rooms.content", "room switch: new content", "ms", 1e3, goals=goals(weechat=0.6)),
    Figure("rooms.end", "room switch: last byte", "ms", 1e3, goals=goals(weechat=1.0)),
    Figure("rooms.bytes", "room switch: bytes", "B"),
    Figure("pages.end", "page up", "ms", 1e3, goals=goals(weechat=0.8)),
    Figure("pages.bytes", "page up: bytes", "B"),
    Figure("top.time", "page-ups to the first of all messages", "s",
           goals=goals(weechat=1.0, irssi=0.2)),
    Figure("memory.resident", "resident memory with the history", "MiB",
           goals=goals(weechat=0.7)),
    Figure("resize.end", "resize 120×40 ↔ 100×30", "ms", 1e3,
           goals=goals(weechat=2.0, irssi=0.05)),
    Figure("resize.cpu", "resize: CPU", "ms", 1e3),
    Figure("idle.bytes", "idle: bytes a minute", "B", goals=goals(fixed=0)),
    Figure("idle.wakeups", "idle: wake-ups a minute", "", goals=goals(fixed=8)),
    Figure("idle.cpu", "idle: CPU a minute", "ms", 1e3, goals=goals(weechat=0.2)),
    Figure("burst.settled", "burst: newest on the screen", "s", goals=goals(weechat=0.5)),
    Figure("burst.key", "key → screen p50 during it", "ms", 1e3),
    Figure("burst.key", "key → screen p99 during it", "ms", 1e3, "p99", goals(weechat=1.0)),
    Figure("burst.cpu", "burst: CPU per message", "ms", 1e3),
    Figure("stuck.delay", "silent server: key → screen p50", "ms", 1e3,
           goals=goals(usual=1.2), beside="usual.delay"),
    Figure("stuck.delay", "silent server: key → screen p99", "ms", 1e3, "p99",
           goals(usual=1.5), "usual.delay"),
)  # fmt: skip


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


@dataclass
class Samples:
    """What was measured: by client and key, a list for each round."""

    held: dict[str, dict[str, list[list[float]]]] = field(default_factory=dict)

    def add(self, client: str, sample: Mapping[str, list[float]]) -> None:
        """One round of one client."""
        for key, values in sample.items():
            self.held.setdefault(client, {}).setdefault(key, []).append(values)

    def value(self, client: str, key: str, statistic: Statistic) -> float | None:
        """Of all rounds: the median of their medians, or the 99th percentile of all together."""
        rounds = [one for one in self.held.get(client, {}).get(key, []) if one]
        if not rounds:
            return None
        if statistic == "p99":
            return percentile([value for one in rounds for value in one], 0.99)
        return statistics.median(statistics.median(one) for one in rounds)

    def ratio(self, figure: Figure, client: str, key: str) -> float | None:
        """Ours to `key` of `client`: the median round by round; of p99, all rounds together."""
        mine = self.held.get(OURS, {}).get(figure.key, [])
        theirs = self.held.get(client, {}).get(key, [])
        if figure.statistic == "p99":
            one = self.value(OURS, figure.key, "p99")
            other = self.value(client, key, "p99")
            return None if one is None or not other else one / other
        pairs = [
            statistics.median(one) / statistics.median(other)
            for one, other in zip(mine, theirs, strict=False)
            if one and other and statistics.median(other)
        ]
        return statistics.median(pairs) if pairs else None

    def rows(self, figure: Figure) -> list[Row]:
        """A row for each goal of the figure; a measure that failed misses its goal."""
        mine = self.value(OURS, figure.key, figure.statistic)
        found = []
        for goal in figure.goals:
            if goal.peer == FIXED:
                # A ratio to zero means nothing: what is compared is the figure itself.
                theirs, ratio = goal.limit, math.inf if mine is None else mine
            elif goal.peer == USUAL:
                theirs = self.value(OURS, figure.beside, figure.statistic) or math.nan
                ratio = self._or_missed(mine, self.ratio(figure, OURS, figure.beside))
            else:
                theirs = self.value(goal.peer, figure.key, figure.statistic) or math.nan
                ratio = self._or_missed(mine, self.ratio(figure, goal.peer, figure.key))
            value = math.nan if mine is None else mine * figure.scale
            found.append(
                Row(figure.name, goal.peer, value, theirs * figure.scale, figure.unit, ratio,
                    goal.limit, False)
            )  # fmt: skip
        return found

    @staticmethod
    def _or_missed(mine: float | None, ratio: float | None) -> float:
        """Without a figure of ours every goal is missed; without the peer's none can be judged."""
        if ratio is not None:
            return ratio
        return math.inf if mine is None else math.nan
