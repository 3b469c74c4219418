"""Messages of others into the room on the screen: one by one, and all at once."""

from __future__ import annotations

import itertools
import random

from bench.tui.clients import Client
from bench.tui.loop import now
from bench.tui.measures.typing import LETTERS
from bench.tui.screen import Wanted
from bench.tui.texts import talk

GAP_S = 0.05
KEY_GAP_S = 0.015
LONGEST_LINE = 40
WITHIN_S = 120.0

Sample = dict[str, list[float]]


class Talk:
    """Texts whose tokens come once only in a run; every client gets the same."""

    def __init__(self) -> None:
        self._next: dict[str, itertools.count[int]] = {}

    def take(self, client: Client, count: int) -> list[str]:
        """The next `count` texts for this client."""
        numbers = self._next.setdefault(client.name, itertools.count())
        first = next(numbers)
        for _ in range(count - 1):
            next(numbers)
        return talk("q", count, seed=11, first=first)


def sample(client: Client, texts: list[str]) -> Sample:
    """One every `GAP_S`; storing and indexing go on meanwhile."""
    terminal = client.open
    replay = client.replay
    written, cpu = terminal.written, terminal.cpu()
    wanted = client.say(texts, GAP_S)
    client.settle()
    cpu, written = terminal.cpu() - cpu, terminal.written - written
    delays = replay.delays(wanted)
    return {
        "messages.delay": [delay for delay in delays if delay is not None],
        "messages.lost": [float(delays.count(None))],
        "messages.cpu": [cpu / len(texts)],
        "messages.bytes": [written / len(texts)],
    }


def burst(client: Client, texts: list[str]) -> Sample:
    """All at once, while somebody types; settled is when the last one is on the screen."""
    terminal, chance = client.open, random.Random(1)
    replay = client.replay
    last = texts[-1].split()[0]
    began = client.burst(texts)
    cpu, written = terminal.cpu(), terminal.written
    wanted: list[Wanted] = [Wanted(began, len(terminal.chunks), last)]
    typed = ""
    seen = len(terminal.chunks)
    while now() < began + WITHIN_S:
        client.loop.run(KEY_GAP_S)
        if len(typed) < LONGEST_LINE:
            typed += chance.choice(LETTERS)
            wanted.append(client.type(typed[-1].encode(), typed, near_end=True))
        # The mark may be drawn in pieces, so the end is looked for on a replayed screen, later;
        # here it is enough that nothing has been drawn for a while.
        elif len(terminal.chunks) == seen and terminal.chunks[-1][0] < now() - 1.0:
            break
        seen = len(terminal.chunks)
    cpu, written = terminal.cpu() - cpu, terminal.written - written
    terminal.write(client.clear)
    client.settle()
    settled, *delays = replay.delays(wanted)
    end = began + (settled if settled is not None else WITHIN_S)
    during = [
        delay
        for delay, one in zip(delays, wanted[1:], strict=True)
        if delay is not None and one.since <= end
    ]
    return {
        "burst.settled": [] if settled is None else [settled],
        "burst.key": during,
        "burst.cpu": [cpu / len(texts)],
        "burst.bytes": [written / len(texts)],
    }
