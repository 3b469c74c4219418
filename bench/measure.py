"""Alternated runs of ours and a peer, and the ratio of the two, pair by pair."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measure: ours to the peer's; `goal` bounds the ratio, above or below."""

    name: str
    peer: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    goal: float
    higher_is_better: bool

    @property
    def met(self) -> bool:
        """Whether the ratio is on the right side of the goal."""
        return self.ratio >= self.goal if self.higher_is_better else self.ratio <= self.goal

    def within(self, slack: float) -> bool:
        """Whether the goal, made looser by `slack`, is met: for machines that share their cores."""
        if self.higher_is_better:
            return self.ratio >= self.goal / slack
        return self.ratio <= self.goal * slack


def compare(
    name: str,
    peer: str,
    ours: Callable[[], float],
    theirs: Callable[[], float],
    *,
    unit: str,
    goal: float,
    higher_is_better: bool,
    runs: int,
) -> Row:
    """Run both in turn, `runs` times after one that is not counted; medians and median ratio."""
    ours()
    theirs()
    pairs = [(ours(), theirs()) for _ in range(runs)]
    return Row(
        name,
        peer,
        statistics.median(mine for mine, _ in pairs),
        statistics.median(other for _, other in pairs),
        unit,
        statistics.median(mine / other for mine, other in pairs),
        goal,
        higher_is_better,
    )


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| measure | ours | peer | ratio | goal | met |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        sign = "≥" if row.higher_is_better else "≤"
        lines.append(
            f"| {row.name} | {row.ours:,.3g} {row.unit} | {row.theirs:,.3g} {row.unit} "
            f"({row.peer}) | {row.ratio:.2f} | {sign} {row.goal:g} | {'yes' if row.met else 'no'} |"
        )
    return "\n".join(lines)
