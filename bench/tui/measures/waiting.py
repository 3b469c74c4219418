"""Nothing happens, or the server says nothing."""

from __future__ import annotations

from collections.abc import Sequence

from bench.tui.clients import Client
from bench.tui.loop import Loop
from bench.tui.measures import typing
from bench.tui.ours import Ours

Sample = dict[str, list[float]]
BEFORE_S = 5.0


def idle(loop: Loop, clients: Sequence[Client], seconds: float) -> dict[str, Sample]:
    """All side by side; figures of a minute."""
    loop.run(BEFORE_S)
    before = [(one.open.cpu(), one.open.written, one.open.wakeups()) for one in clients]
    loop.run(seconds)
    minutes = seconds / 60
    found: dict[str, Sample] = {}
    for one, (cpu, written, wakeups) in zip(clients, before, strict=True):
        terminal = one.open
        found[one.name] = {
            "idle.cpu": [(terminal.cpu() - cpu) / minutes],
            "idle.bytes": [(terminal.written - written) / minutes],
            "idle.wakeups": [(terminal.wakeups() - wakeups) / minutes],
        }
    return found


def stuck(client: Ours, keys: int) -> Sample:
    """Keys while the server takes connections and never answers, beside the same without that."""
    usual = typing.sample(client, keys, "usual")
    client.relay.freeze()
    client.loop.run(2.0)
    silent = typing.sample(client, keys, "stuck")
    client.relay.thaw()
    client.wait_online()
    return {**usual, **silent}
