"""Looking at Node's server: every packet, over every transport, and nothing said by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import astuple
from typing import Any

import pytest

from talkbot_tui.client import addresses
from talkbot_tui.client.inspecting import Inspection
from talkbot_tui.client.inspector import snippets
from talkbot_tui.client.inspector.packets import Packet, Way
from talkbot_tui.client.inspector.pairing import Pairs
from tests.peers.dialects.world import server
from tests.peers.javascript import NODE, program
from tests.waiting import until

PLANS: dict[str, tuple[str, ...]] = {
    "websocket": ("websocket",),
    "polling": ("polling",),
    "upgrade": ("polling", "websocket"),
}
SECRET = "let-me-in-please"


def nothing() -> None:
    """A listener that only turns the tap on."""


@asynccontextmanager
async def inspected(url: str, **options: Any) -> AsyncIterator[Inspection]:
    inspection = Inspection(addresses.parse(url), draw=lambda: 0.0, **options)
    inspection.wire.listen(nothing)
    running = asyncio.ensure_future(inspection.run())
    try:
        yield inspection
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def find(inspection: Inspection, kind: str, **more: object) -> list[Packet]:
    return [
        row
        for row in inspection.tap.rows
        if row.kind == kind and all(getattr(row, name) == value for name, value in more.items())
    ]


@pytest.mark.parametrize("plan", list(PLANS))
async def test_every_packet_is_seen_and_nothing_is_said(plan: str) -> None:
    async with server("fragile") as there, inspected(there.url, transports=PLANS[plan]) as looking:
        await until(lambda: find(looking, "event", event="after the picture"))
        assert len(find(looking, "open")) == 1
        assert len(find(looking, "upgrade", way=Way.OUT)) == (plan == "upgrade")
        assert [row.event for row in looking.tap.rows if row.kind.endswith("event")] == [
            "chat",
            "chat",
            "stats",
            "picture",
            "after the picture",
        ]
        (attachment,) = find(looking, "attachment")
        assert (attachment.size, attachment.sha256[:8]) == (3, "039058c6")
        sent = {row.kind for row in looking.tap.rows if row.way is Way.OUT}
        assert sent - {"probe", "upgrade"} == {"connect"}
        # An event would have ended this server.
        assert there.complaints() == []
        assert not find(looking, "ended")


@pytest.mark.parametrize("plan", list(PLANS))
async def test_what_is_emitted_by_hand_is_answered_and_paired(plan: str) -> None:
    async with (
        server("inspected") as there,
        inspected(there.url, transports=PLANS[plan]) as looking,
    ):
        await until(lambda: find(looking, "event", event="hello"))
        await looking.wire.emit("echo", [{"a": [1, 2.5, "ü"]}, "two"], True)
        await until(lambda: find(looking, "ack"))
        (ack,) = find(looking, "ack")
        assert json.loads(ack.text) == [{"a": [1, 2.5, "ü"]}, "two"]
        pairs = Pairs()
        for row in looking.tap.rows:
            pairs.take(row)
        (asked,) = find(looking, "event", event="echo")
        assert pairs.found[ack.number].number == asked.number
        assert asked.size == ack.size + len('"echo",')


async def test_the_token_opens_a_namespace_and_is_in_no_row() -> None:
    async with server("inspected") as there:
        given = {"namespace": "/members", "auth": {"token": SECRET}}
        async with inspected(there.url, **given) as looking:
            await until(lambda: len(find(looking, "attachment")) == 2)
            (hello,) = find(looking, "event", event="hello")
            assert "olá" in hello.text
            assert SECRET not in json.dumps([astuple(row) for row in looking.tap.rows], default=str)
        async with inspected(there.url, namespace="/members") as looking:
            await until(lambda: find(looking, "refused"))
            (error,) = find(looking, "connect_error")
            assert "members only" in error.text


async def test_a_huge_payload_is_a_row_and_the_connection_goes_on() -> None:
    async with (
        server("inspected") as there,
        inspected(there.url, transports=("websocket",)) as looking,
    ):
        await until(lambda: find(looking, "event", event="hello"))
        await looking.wire.emit("huge", [50_000_000], False)
        await until(lambda: find(looking, "event", event="huge", way=Way.IN), 60)
        (huge,) = find(looking, "event", event="huge", way=Way.IN)
        assert huge.size > 50_000_000
        assert huge.cut
        await looking.wire.emit("echo", [1], True)
        await until(lambda: find(looking, "ack"))
        assert not find(looking, "ended")


async def test_an_end_and_the_next_attempt_are_rows_with_their_reasons() -> None:
    async with server("inspected") as there, inspected(there.url) as looking:
        await until(lambda: find(looking, "event", event="hello"))
        await looking.wire.emit("again", [], False)
        await until(lambda: len(find(looking, "event", event="hello")) == 2)
        kinds = [row.kind for row in looking.tap.rows]
        assert kinds.index("ended") < kinds.index("waiting") < kinds.index("attempt", 1)


async def test_where_nobody_listens_the_failure_says_so() -> None:
    async with inspected("http://127.0.0.1:9", transports=("websocket",)) as looking:
        await until(lambda: len(find(looking, "failed")) >= 2, 30)
        assert find(looking, "failed")[0].text


async def test_pings_are_timed_against_node() -> None:
    async with (
        server("inspected", pingInterval=300, pingTimeout=2000) as there,
        inspected(there.url, transports=("websocket",)) as looking,
    ):
        await until(lambda: len(find(looking, "ping")) >= 4)
        pairs = Pairs()
        for row in looking.tap.rows:
            pairs.take(row)
        assert pairs.interval == 300
        assert len(pairs.trips) >= 3
        # A loop-back's round trip, and what the timers of both are late on a busy machine.
        assert min(pairs.trips) < 200


async def test_the_snippets_work_as_they_are_pasted() -> None:
    async with (
        server("inspected") as there,
        inspected(there.url, transports=("websocket",)) as looking,
    ):
        await until(lambda: find(looking, "event", event="hello"))
        await looking.wire.emit("echo", [{"it's": 'a "quote"'}], True)
        await until(lambda: find(looking, "ack"))
        (asked,) = find(looking, "event", event="echo")
        target = snippets.Target(there.url, "/socket.io")
        script = snippets.javascript(asked, target) + "\nsetTimeout(() => process.exit(), 1500);"
        async with program("node", "--input-type=module", "-e", script, cwd=NODE) as running:
            await running.said("it's")
        script = snippets.curl(asked, target)
        async with program("sh", "-c", script) as running:
            await running.said(f'43{asked.ack_id}[{{"it')
