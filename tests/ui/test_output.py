"""Bytes leave in order, and a terminal that takes nothing holds up nobody."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import tty
from collections.abc import Iterator

import pytest

from talkbot_tui.ui.terminal.output import WAITING_MAX, Output, reopened
from tests.waiting import until

Pair = tuple[int, int]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A terminal's two ends: ours (raw), and that of whoever looks at it."""
    looker, ours = pty.openpty()
    tty.setraw(ours)
    yield looker, ours
    os.close(looker)
    os.close(ours)


def take(looker: int) -> bytes:
    os.set_blocking(looker, False)
    seen = bytearray()
    try:
        while True:
            seen += os.read(looker, 65_536)
    except (BlockingIOError, OSError):
        return bytes(seen)


def output_on(ours: int, drained: list[int]) -> Output:
    output = Output(asyncio.get_running_loop(), ours, lambda _waited: drained.append(1))
    output.open()
    return output


async def test_what_is_written_leaves_in_order_even_without_a_flush(pair: Pair) -> None:
    output = output_on(pair[1], [])
    for part in ("one ", "two ", "três"):
        output.write(part)
    await until(lambda: not output.waiting)
    assert take(pair[0]) == "one two três".encode()
    output.close()


@pytest.mark.parametrize("own", [True, False], ids=["opened anew", "the one given"])
async def test_a_full_terminal_is_waited_for_by_the_loop_alone(pair: Pair, own: bool) -> None:
    looker, ours = pair
    drained: list[int] = []
    output = output_on(ours, drained)
    if not own:
        assert output._own is not None
        os.close(output._own)
        output._own = None
    text = "".join(f"{number:06}\n" for number in range(40_000))
    output.write(text)
    # Were this to wait, it would wait for ever: nobody reads.
    output.flush()
    assert output.blocked
    assert 0 < output.waiting < len(text)
    seen = bytearray()

    def all_seen() -> bool:
        seen.extend(take(looker))
        return len(seen) == len(text)

    await until(all_seen, what=lambda: f"{len(seen)} of {len(text)}")
    await until(lambda: bool(drained))
    assert bytes(seen) == text.encode()
    assert (output.blocked, output.waiting, output.blocked_for) == (False, 0, 0.0)
    output.close()


async def test_since_when_a_terminal_takes_nothing_is_told(pair: Pair) -> None:
    output = output_on(pair[1], [])
    output.write("x" * 300_000)
    output.flush()
    before = output.blocked_for
    await until(lambda: output.blocked_for > before)
    output.close()


async def test_what_waits_has_a_bound_and_what_is_over_it_is_counted(pair: Pair) -> None:
    output = output_on(pair[1], [])
    output.write("x" * 300_000)
    output.flush()
    for _ in range(3 * WAITING_MAX // 65_536):
        output.write("y" * 65_536)
    assert output.waiting <= WAITING_MAX
    assert output.dropped > 0
    output.close()


async def test_the_end_waits_for_a_moment_and_not_for_ever(pair: Pair) -> None:
    output = output_on(pair[1], [])
    output.write("x" * 300_000)
    output.flush()
    assert not output.finish(0.05)
    output.close()


async def test_the_terminal_of_those_we_share_it_with_goes_on_blocking(pair: Pair) -> None:
    output = output_on(pair[1], [])
    output.write("x")
    output.flush()
    assert not fcntl.fcntl(pair[1], fcntl.F_GETFL) & os.O_NONBLOCK
    output.close()


async def test_a_terminal_that_is_gone_takes_what_it_is_given_to_nowhere() -> None:
    looker, ours = pty.openpty()
    output = output_on(ours, [])
    os.close(looker)
    output.write("x")
    output.flush()
    assert output.gone
    output.write("y")
    assert output.waiting == 0
    output.close()
    os.close(ours)


def test_what_is_no_terminal_is_not_opened_anew() -> None:
    read, write = os.pipe()
    try:
        own = reopened(write)
        # A test run under a terminal has a controlling one; a pipe is never taken for it.
        assert own is None
    finally:
        os.close(read)
        os.close(write)
