"""Rows R1 to R5: a server that sends anything; the client goes on, and asks for no storm."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from talkbot_tui.client.memory import Answer
from talkbot_tui.core.events import OpenConversation
from talkbot_tui.core.model import Message, SendState
from talkbot_tui.wire.registry import SERVER_EVENTS
from tests.client.script import ANA, BRUNO, ROOM
from tests.client.world import World, running
from tests.waiting import until

JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**63,
    2**200,
    1.5,
    float("inf"),
    "",
    "\x00",
    "\x1b]52;c;x\x07",
    "x" * 10_000,
    [],
    [None],
    {},
    {"__proto__": {}},
)
PLACE = {"conversationId": ROOM, "seq": 1, "ts": 1, "sender": BRUNO}
ROOM_INFO = {"conversationId": ROOM, "kind": "channel", "name": "general"}
SAMPLES: dict[str, dict[str, Any]] = {
    "message": {**PLACE, "serverMsgId": "m1", "clientMsgId": "c1", "text": "hi", "reactions": []},
    "edit": {**PLACE, "serverMsgId": "m1", "text": "ho", "revision": 1},
    "delete": {**PLACE, "serverMsgId": "m1"},
    "reaction": {**PLACE, "serverMsgId": "m1", "emoji": "x", "on": True, "reactions": []},
    "member": {**PLACE, "user": BRUNO, "change": "role", "role": "member"},
    "conversation": {**PLACE, "conversation": ROOM_INFO, "change": "topic"},
    "stream": {"conversationId": ROOM, "serverMsgId": "m1", "offset": 0, "delta": "x"},
    "stop": {"conversationId": ROOM, "serverMsgId": "m1", "userId": "u"},
    "typing": {"conversationId": ROOM, "userId": "u", "on": True},
    "presence": {"userId": "u", "status": "online", "text": "", "lastSeen": 0},
    "read": {"conversationId": ROOM, "userId": "u", "seq": 1, "unread": 0, "mentions": 0},
    "resync": {"conversationIds": [ROOM]},
    "limited": {"event": "message", "retryAfterMs": 1},
    "goodbye": {"code": "slow", "retryAfterMs": 1},
}


def test_every_event_has_a_sample() -> None:
    assert set(SAMPLES) == set(SERVER_EVENTS)


def mutants(sample: dict[str, Any]) -> Iterator[Any]:
    """The sample with each part taken away, or replaced by each kind of junk."""
    yield from JUNK
    for key, value in sample.items():
        yield {name: held for name, held in sample.items() if name != key}
        for junk in JUNK:
            yield {**sample, key: junk}
        if isinstance(value, dict):
            for inner in mutants(value):
                yield {**sample, key: inner}
    yield {**sample, "extra": {"deep": [1]}, "__class__": "x"}


def always(answer: object) -> Answer:
    """An answer to whatever is asked."""
    return lambda _payload: answer


async def still_works(world: World, text: str = "still here") -> None:
    """An honest message goes out, and one comes in."""
    await world.pass_time(30)
    await world.online()
    await world.engine.delivered(world.engine.send(ROOM, text))
    world.server.log = []


@pytest.mark.parametrize("name", SAMPLES)
async def test_no_frame_of_whatever_shape_stops_the_client(name: str) -> None:
    async with running(World()) as world:
        await world.online()
        world.engine.dispatch(OpenConversation(ROOM))
        count = 0
        for payload in mutants(SAMPLES[name]):
            if world.link.closed:
                await world.pass_time(30)
                await world.online()
            world.link.push(name, payload)
            count += 1
            if count % 50 == 0:
                await world.pass_time(1)
        world.link.push(name)
        world.link.push(name, copy.deepcopy(SAMPLES[name]), "more")
        assert count > len(JUNK)
        await still_works(world)
        # Most of it was looked at and refused, and no refusal was an error of ours.
        assert world.engine.counters["malformed"] > count / 3


@pytest.mark.parametrize("event", ["sync", "heads", "history", "members", "presence", "read"])
async def test_no_answer_of_whatever_shape_stops_the_client(event: str) -> None:
    world = World()
    world.server.post("first")
    honest = world.server.answers[event]
    async with running(world):
        await world.online()
        world.engine.dispatch(OpenConversation(ROOM))
        whole = honest({"conversationId": ROOM, "cursors": {}, "heads": {}, "seq": 1, "after": 0})
        assert isinstance(whole, dict)
        for answer in [*mutants(whole), {"ok": False}, {"ok": False, "error": {"code": 7}}]:
            world.server.answers[event] = always(answer)
            world.link.push("resync", {})
            world.link.push("message", {**SAMPLES["message"], "seq": 9})
            await world.pass_time(1)
        world.server.answers[event] = honest
        await world.pass_time(120)
        await still_works(world)


async def test_numbers_that_contradict_themselves_ask_for_no_storm() -> None:
    async with running(World()) as world:
        await world.online()
        world.engine.dispatch(OpenConversation(ROOM))
        for seq in (2**53 - 1, 7, 7, 3, 2**53 - 1, 1_000_000, 1, 1):
            said = {**SAMPLES["message"], "seq": seq, "serverMsgId": f"m{seq}-{id(seq)}"}
            world.link.push("message", said)
        for number in range(200):
            world.link.push("resync", {})
            world.link.push("message", {**SAMPLES["message"], "text": f"other words {number}"})
        await world.pass_time(60)
        asked = sum(link.count(name) for link in links(world) for name in ("history", "sync"))
        assert asked < 60, asked
        await still_works(world)


async def test_an_epoch_that_flips_asks_for_no_storm() -> None:
    world = World()
    honest = world.server.answers["sync"]
    flips = iter(range(10_000))

    def flipping(payload: dict[str, Any]) -> object:
        answer = honest(payload)
        assert isinstance(answer, dict)
        return {**answer, "epoch": f"epoch-{next(flips)}"}

    world.server.answers["sync"] = flipping
    async with running(world):
        await world.online()
        for _turn in range(50):
            world.link.push("resync", {})
            await world.pass_time(1)
        assert next(flips) < 200
        world.server.answers["sync"] = honest
        await still_works(world)


async def test_pages_that_never_end_are_given_up() -> None:
    world = World()
    for number in range(3):
        world.server.post(f"line {number}")
    page = {"ok": True, "events": world.server.log[:1], "headSeq": 10_000, "more": True}
    world.server.answers["history"] = lambda _payload: page
    async with running(world):
        await world.online()
        world.engine.dispatch(OpenConversation(ROOM))
        world.link.push("message", {**SAMPLES["message"], "seq": 5_000})
        await world.pass_time(120)
        asked = sum(link.count("history") for link in links(world))
        assert asked < 120, asked


async def test_an_ack_that_lies_loses_nothing() -> None:
    lies: list[Any] = [
        {"ok": True},
        {"ok": True, "serverMsgId": "m1", "seq": -1, "ts": 1},
        {"ok": True, "serverMsgId": "", "seq": 1, "ts": 1},
        {"ok": "yes"},
        None,
        [],
        "ok",
    ]
    async with running(World()) as world:
        await world.online()
        world.engine.dispatch(OpenConversation(ROOM))
        honest = world.server.answers["message"]
        for lie in lies:
            world.server.answers["message"] = always(lie)
            world.engine.send(ROOM, f"said against {lie!r}"[:60])
            await world.pass_time(2)
        world.server.answers["message"] = honest
        await world.pass_time(400)
        rows = [
            row
            for row in world.engine.session.timeline(ROOM).rows
            if isinstance(row, Message) and row.text.startswith("said against")
        ]
        assert len(rows) == len(lies)
        assert all(row.state in (SendState.SENT, SendState.FAILED) for row in rows), rows


async def test_a_message_that_claims_to_be_ours_is_shown_as_what_came() -> None:
    async with running(World()) as world:
        await world.online()
        world.engine.dispatch(OpenConversation(ROOM))
        claimed = {**SAMPLES["message"], "sender": ANA, "clientMsgId": "never-made", "text": "me?"}
        world.link.push("message", claimed)
        await until(lambda: "me?" in world.texts())
        (row,) = [r for r in world.engine.session.timeline(ROOM).rows if isinstance(r, Message)]
        assert row.state is SendState.SENT
        assert not world.memory.outbox


def links(world: World) -> list[Any]:
    """Every connection that was made."""
    return list(world.connector.transports)
