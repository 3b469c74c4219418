"""Keys, one after another as a person types."""

from __future__ import annotations

import random

from bench.tui.clients import Client
from bench.tui.screen import Wanted

LETTERS = "bcdfghjklmnpqrstvwxz"
GAP_S = (0.03, 0.06)
LINE = 40

Sample = dict[str, list[float]]


def type_line(client: Client, count: int, chance: random.Random) -> list[Wanted]:
    """Type `count` letters; each is to be seen with all before it."""
    typed, wanted = "", []
    for _ in range(count):
        letter = chance.choice(LETTERS)
        typed += letter
        wanted.append(client.type(letter.encode(), typed, near_end=True))
        client.loop.run(chance.uniform(*GAP_S))
    return wanted


def sample(client: Client, keys: int, prefix: str = "keys") -> Sample:
    """Lines of up to `LINE` keys; clearing the line between them is not counted."""
    terminal, chance = client.open, random.Random(3)
    replay = client.replay
    wanted: list[Wanted] = []
    written, cpu, left = 0, 0.0, keys
    while left > 0:
        count = min(LINE, left)
        left -= count
        bytes_before, cpu_before = terminal.written, terminal.cpu()
        wanted += type_line(client, count, chance)
        client.settle(0.1)
        written += terminal.written - bytes_before
        cpu += terminal.cpu() - cpu_before
        terminal.write(client.clear)
        client.settle(0.2)
    delays = replay.delays(wanted)
    return {
        f"{prefix}.delay": [delay for delay in delays if delay is not None],
        f"{prefix}.lost": [float(delays.count(None))],
        f"{prefix}.cpu": [cpu / keys],
        f"{prefix}.bytes": [written / keys],
    }
