"""From the start of the process to a screen that can be used."""

from __future__ import annotations

from bench.tui.clients import Client
from bench.tui.screen import Replay

PLAYED_BACK = 100
"""Messages that a peer's server plays back, as a bouncer does; ours reads its cache."""

IMPATIENT_S = 0.032
TYPED = "qzjxv"
SETTLED_S = 1.0

Sample = dict[str, list[float]]


def prime(client: Client) -> None:
    """Start once uncounted: whatever a start leaves for the next one is there."""
    client.terminal = client.launch(PLAYED_BACK)
    try:
        client.loop.until(lambda: client.connected, 60, f"{client.name}: connected")
        client.settle(SETTLED_S)
    finally:
        client.stop()


def sample(client: Client) -> Sample:
    """Start twice: once only looking, once typing at once."""
    return {**_look(client), **_type(client)}


def _look(client: Client) -> Sample:
    terminal = client.terminal = client.launch(PLAYED_BACK)
    try:
        client.loop.until(lambda: client.connected, 60, f"{client.name}: connected")
        client.settle(SETTLED_S)
        cpu, resident = terminal.cpu(), terminal.resident()
        replay = Replay(terminal)
        seen = replay.first(lambda: replay.shows(client.newest))
        return {
            "start.newest": [] if seen is None else [seen - terminal.began],
            "start.cpu": [cpu],
            "start.resident": [resident],
            "start.bytes": [terminal.written],
        }
    finally:
        client.stop()


def _type(client: Client) -> Sample:
    terminal = client.terminal = client.launch(PLAYED_BACK)
    try:
        client.loop.run(IMPATIENT_S)
        terminal.write(TYPED.encode())
        client.loop.until(lambda: client.connected, 60, f"{client.name}: connected")
        client.settle(SETTLED_S)
        replay = Replay(terminal)
        seen = replay.first(lambda: replay.shows(TYPED, near_end=True))
        replay.to_end()
        kept = replay.shows(TYPED, near_end=True)
        # Ours would find it again at the next start.
        terminal.write(client.clear)
        client.settle()
        return {
            "start.typed": [] if seen is None else [seen - terminal.began],
            "start.lost": [0.0 if kept else 1.0],
        }
    finally:
        client.stop()
