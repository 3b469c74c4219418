"""Another room, older messages, another window size."""

from __future__ import annotations

import statistics

from bench.tui.clients import IN_OTHER, OTHER_PREFIX, Client
from bench.tui.loop import now
from bench.tui.screen import Wanted
from bench.tui.terminal import COLUMNS, ROWS
from bench.tui.texts import token

SMALL = (100, 30)
AT_A_TIME = 20
SAME_MAX = 4
FIRST = token("h", 0)
TOP_WITHIN_S = 600.0

Sample = dict[str, list[float]]


def rooms(client: Client, switches: int) -> Sample:
    """To and fro between two rooms."""
    terminal = client.open
    replay = client.replay
    written = terminal.written
    wanted: list[Wanted] = []
    ends: list[float] = []
    others_newest = token(OTHER_PREFIX, IN_OTHER - 1)
    for number in range(switches):
        other = number % 2 == 0
        text = others_newest if other else client.newest
        one = client.type(client.rooms[other], text)
        ends.append(client.loop.quiet(terminal, 0.15) - one.since)
        wanted.append(one)
    written = terminal.written - written
    delays = replay.delays(wanted)
    return {
        "rooms.content": [delay for delay in delays if delay is not None],
        "rooms.lost": [float(delays.count(None))],
        "rooms.end": ends,
        "rooms.bytes": [written / switches],
    }


def pages(client: Client, count: int) -> Sample:
    """Page up, and when its last byte came; then back to the end."""
    terminal = client.open
    written, cpu = terminal.written, terminal.cpu()
    ends = []
    for _ in range(count):
        began = terminal.write(client.page_up)
        chunks = len(terminal.chunks)
        end = client.loop.quiet(terminal, 0.15)
        if len(terminal.chunks) > chunks:
            ends.append(end - began)
    written, cpu = terminal.written - written, terminal.cpu() - cpu
    back(client)
    return {
        "pages.end": ends,
        "pages.bytes": [written / count],
        "pages.cpu": [cpu / count],
    }


def top(client: Client) -> Sample:
    """Twenty page-ups at a time until the first message of all is on the screen.

    The time is that from each write to the last byte that followed it.
    """
    terminal = client.open
    replay = client.replay
    cpu, total, same, deadline = terminal.cpu(), 0.0, 0, now() + TOP_WITHIN_S
    while not replay.shows(FIRST) and same < SAME_MAX and now() < deadline:
        chunks = len(terminal.chunks)
        began = terminal.write(client.page_up * AT_A_TIME)
        end = client.loop.quiet(terminal, 0.05)
        if len(terminal.chunks) > chunks:
            total += end - began
            same = 0
        else:
            same += 1
        replay.to_end()
    cpu = terminal.cpu() - cpu
    found = replay.shows(FIRST)
    back(client)
    return {"top.time": [total] if found else [], "top.cpu": [cpu] if found else []}


def back(client: Client) -> None:
    """To the newest message."""
    client.open.write(client.to_end)
    client.settle()


def resize(client: Client, count: int) -> Sample:
    """Smaller and back; the last byte that followed."""
    terminal = client.open
    ends, cpu = [], terminal.cpu()
    for _ in range(count):
        for size in (SMALL, (COLUMNS, ROWS)):
            began = terminal.resize(*size)
            chunks = len(terminal.chunks)
            end = client.loop.quiet(terminal, 0.3)
            if len(terminal.chunks) > chunks:
                ends.append(end - began)
    cpu = terminal.cpu() - cpu
    return {
        "resize.end": [statistics.median(ends)] if ends else [],
        "resize.cpu": [cpu / (2 * count)],
    }
