"""Chat servers of other houses, in Node and Python: two people talk, in each server's dialect."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest

from talkbot_tui.client.connect import open_foreign
from talkbot_tui.client.dialects.foreign import ForeignDialect
from talkbot_tui.client.dialects.loading import load
from talkbot_tui.client.lookups import LookupFailed
from talkbot_tui.core.events import (
    DeleteMessage,
    EditMessage,
    JumpTo,
    OpenConversation,
    ReachedTop,
    React,
    ReadUpTo,
    SetPresence,
    StopStream,
    Typed,
    WatchUsers,
)
from talkbot_tui.core.link import LinkState
from talkbot_tui.core.model import Presence, SendState
from tests.e2e.world import free_port
from tests.peers.dialects.world import ROOMS, TRANSPORTS, people, person, server
from tests.proxy import proxied
from tests.waiting import until

pytestmark = pytest.mark.parametrize("house", ["node", "python"])
OUTCOME = {
    "basic": SendState.SENT,
    "talkbot-mvp": SendState.SENT,
    "socketio-chat": SendState.UNCONFIRMED,
}
"""What is known of a message of ours in the end: by an echo, by an ack, not at all."""


@pytest.mark.parametrize("transports", TRANSPORTS.values(), ids=TRANSPORTS)
@pytest.mark.parametrize("dialect", ROOMS)
async def test_two_people_talk(house: str, dialect: str, transports: tuple[str, ...]) -> None:
    async with (
        server(dialect, house=house) as there,
        people(there.url, dialect, "ana", "bruno", transports=transports) as (ana, bruno),
    ):
        said = []
        for n in range(5):
            for who, other in ((ana, bruno), (bruno, ana)):
                said.append(f"olá {n} 🦉 {who.engine.session.me.name}")
                who.say(said[-1])
                await who.sees(*said)
                await other.sees(*said)
        await until(
            lambda: ana.states() == bruno.states() == [OUTCOME[dialect]] * 5,
            what=lambda: str(ana.states()),
        )
        assert ana.notes()[0] == "begins"
        assert ana.engine.counters == {}


@pytest.mark.parametrize("transports", TRANSPORTS.values(), ids=TRANSPORTS)
@pytest.mark.parametrize("dialect", ROOMS)
async def test_a_server_that_comes_back(
    house: str, dialect: str, transports: tuple[str, ...]
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(AsyncExitStack())
        await there.enter_async_context(server(dialect, port, house=house))
        both = people(url, dialect, "ana", "bruno", transports=transports)
        ana, bruno = await stack.enter_async_context(both)
        ana.say("before")
        await bruno.sees("before")
        await there.aclose()
        await until(lambda: LinkState.ONLINE not in (ana.link, bruno.link))
        ana.say("meanwhile")
        await until(lambda: ana.texts() == ["before", "meanwhile"])
        assert ana.states() == [OUTCOME[dialect], SendState.QUEUED]
        again = await stack.enter_async_context(server(dialect, port, house=house))
        await bruno.back()
        await ana.back()
        await bruno.sees("before", "meanwhile")
        ana.say("after")
        await bruno.sees("before", "meanwhile", "after")
        await until(lambda: ana.states() == [OUTCOME[dialect]] * 3)
        assert [note for note in bruno.notes() if note in ("begins", "missed")] == [
            "begins",
            "missed",
        ]
        sends = SENDS[dialect]
        assert sum(name == sends for name, _ in again.heard()) == 2


SENDS = {"basic": "message", "talkbot-mvp": "message", "socketio-chat": "new message"}
SHAPES: dict[str, dict[str, list[Any]]] = {
    "basic": {"join": ["general"], "message": [{"room": "general", "text": "hi"}]},
    "talkbot-mvp": {
        "joinRoom": [{"conversationId": "general"}],
        "message": [{"conversationId": "general", "text": "hi", "clientMsgId": "…"}],
        "typing": [{"conversationId": "general", "on": True}],
    },
    "socketio-chat": {"add user": ["ana"], "new message": ["hi"], "typing": [], "stop typing": []},
}


@pytest.mark.parametrize("dialect", ROOMS)
async def test_nothing_goes_out_that_is_not_in_the_dialect(house: str, dialect: str) -> None:
    async with (
        server(dialect, house=house) as there,
        person(there.url, dialect, "ana") as ana,
        person(there.url, dialect, "bruno") as bruno,
    ):
        engine, room = ana.engine, ana.room
        ana.engine.dispatch(Typed(room, on=True))
        ana.say("hi")
        await bruno.sees("hi")
        for deed in (
            EditMessage(room, "x", "y", "op"),
            DeleteMessage(room, "x", "op"),
            React(room, "x", "👍", True, "op"),
            StopStream(room, "x"),
            ReadUpTo(room, 1),
            SetPresence(Presence.AWAY, "lunch"),
            WatchUsers(("bruno",)),
            ReachedTop(room),
            JumpTo(room, 1),
        ):
            engine.dispatch(deed)
        engine.stream(room, "x", 0, "delta")
        for ask in (
            engine.lookups.search("hi"),
            engine.lookups.leave(room),
            engine.lookups.open_direct("bruno"),
            engine.lookups.create_channel("x"),
        ):
            with pytest.raises(LookupFailed, match="not_offered"):
                await ask
        ana.say("last")
        await bruno.sees("hi", "last")
        for name, arguments in there.heard():
            shape = SHAPES[dialect][name]
            assert [shaped(one, like) for one, like in zip(arguments, shape, strict=False)] == [
                True
            ] * len(shape), (name, arguments)


def shaped(value: object, like: object) -> bool:
    if isinstance(like, dict):
        return isinstance(value, dict) and set(value) == set(like)
    return type(value) is type(like)


async def test_a_lost_ack_is_asked_for_again_where_the_server_knows_ids(house: str) -> None:
    async with (
        server("talkbot-mvp", house=house) as there,
        people(there.url, "talkbot-mvp", "ana", "bruno") as (ana, bruno),
    ):
        ana.say("lose the ack")
        await bruno.sees("lose the ack")
        await until(lambda: ana.states() == [SendState.SENT], what=lambda: f"{ana.states()}")
        await ana.online()
        ana.say("after")
        await bruno.sees("lose the ack", "after")
        await ana.sees("lose the ack", "after")


async def test_a_refused_message_says_why_and_the_next_ones_go(house: str) -> None:
    async with (
        server("talkbot-mvp", house=house) as there,
        person(there.url, "talkbot-mvp", "ana") as ana,
    ):
        ana.say("forbidden")
        ana.say("fine")
        await until(lambda: sorted(s.value for s in ana.states()) == ["failed", "sent"])
        failed = next(m for m in ana.messages() if m.state is SendState.FAILED)
        assert failed.error == "refused_there: that word is not allowed"


async def test_a_refused_room_is_told_and_not_tried_again(house: str) -> None:
    speaks = ForeignDialect(load("talkbot-mvp"), "ana", ["closed"])
    async with server("talkbot-mvp", house=house) as there:
        engine = open_foreign(there.url, speaks)
        await engine.start()
        try:
            link = engine.session.link
            await until(lambda: link.state is LinkState.REFUSED, what=lambda: str(link.state))
            assert (link.code, link.reason) == ("refused_there", "this room is closed")
        finally:
            await engine.stop()


async def test_who_comes_goes_and_types_is_seen(house: str) -> None:
    async with (
        server("socketio-chat", house=house) as there,
        person(there.url, "socketio-chat", "ana") as ana,
    ):
        async with person(there.url, "socketio-chat", "bruno") as bruno:
            await until(lambda: "joined" in ana.notes())
            bruno.engine.dispatch(Typed(bruno.room, on=True))
            await until(lambda: [u.name for u in ana.engine.session.typing("chat")] == ["bruno"])
            bruno.engine.dispatch(Typed(bruno.room, on=False))
            await until(lambda: not ana.engine.session.typing("chat"))
            assert {m.user.name for m in ana.engine.session.roster("chat")} == {"ana", "bruno"}
        await until(lambda: "left" in ana.notes())


async def test_the_wrong_dialect_is_told_and_harms_nobody(house: str) -> None:
    speaks = ForeignDialect(load("socketio-chat"), "ana")
    async with server("basic", house=house) as there:
        engine = open_foreign(there.url, speaks, step_s=0.5)
        await engine.start()
        try:
            link = engine.session.link
            await until(lambda: link.code == "no_answer", what=lambda: f"{link.code} {link.state}")
            assert link.reason == "login did not come after add user; is this the right dialect?"
            assert there.heard()[0] == ("add user", ["ana"])
        finally:
            await engine.stop()


async def test_rooms_are_entered_and_left_from_within(house: str) -> None:
    async with (
        server("talkbot-mvp", house=house) as there,
        people(there.url, "talkbot-mvp", "ana", "bruno") as (ana, bruno),
    ):
        for who in (ana, bruno):
            assert [c.name for c in await who.engine.lookups.channels("Team")] == ["Team"]
            await who.engine.lookups.join("Team")
            await until(lambda: len(ana.engine.session.rooms()) >= 2)
            who.engine.dispatch(OpenConversation("Team"))
            who.room = "Team"
        ana.say("in the team")
        await bruno.sees("in the team")
        assert [u.name for u in await ana.engine.lookups.users("B")] == ["bruno"]
        with pytest.raises(LookupFailed, match="this room is closed"):
            await ana.engine.lookups.join("closed")
        await ana.engine.lookups.leave("Team")
        await until(
            lambda: [r.conversation.name for r in ana.engine.session.rooms()] == ["general"]
        )
        bruno.say("alone")
        await bruno.has_sent("alone")
        assert ("leaveRoom", [{"conversationId": "Team"}]) in there.heard()
        with pytest.raises(LookupFailed, match="not_offered"):
            await ana.engine.lookups.leave("general")


async def test_where_one_cannot_leave_a_room_another_connection_is_made(house: str) -> None:
    async with (
        server("basic", house=house) as there,
        people(there.url, "basic", "ana", "bruno") as (ana, bruno),
    ):
        await ana.engine.lookups.join("other")
        await until(lambda: [r.conversation.name for r in ana.engine.session.rooms()] == ["other"])
        ana.engine.dispatch(OpenConversation("other"))
        ana.room = "other"
        bruno.say("not for ana")
        await bruno.has_sent("not for ana")
        ana.say("only here")
        await ana.has_sent("only here")
        assert ana.texts() == ["only here"]
        assert bruno.texts() == ["not for ana"]


async def test_what_was_missed_comes_where_the_server_keeps_it(house: str) -> None:
    dialect = "socketio-tutorial"
    async with (
        server(dialect, house=house) as there,
        proxied(there.url) as way,
        person(way.url, dialect, "ana") as ana,
        person(there.url, dialect, "bruno") as bruno,
    ):
        ana.say("first")
        await bruno.sees("first")
        await ana.has_sent("first")
        await way.stop()
        await until(lambda: ana.link is not LinkState.ONLINE)
        bruno.say("missed")
        await bruno.has_sent("missed")
        ana.say("written offline")
        await until(lambda: "written offline" in ana.texts())
        await way.start()
        await ana.back()
        await ana.sees("first", "missed", "written offline")
        await bruno.sees("first", "missed", "written offline")
        ana.say("lose the ack")
        await bruno.sees("first", "missed", "written offline", "lose the ack")
        await ana.has_sent("lose the ack")
        ana.say("last")
        await ana.has_sent("last")
        whole = ["first", "missed", "written offline", "lose the ack", "last"]
        await bruno.sees(*whole)
        assert ana.texts() == whole
        assert ana.notes() == bruno.notes() == []
        async with person(there.url, dialect, "carla") as carla:
            await carla.sees(*whole)
