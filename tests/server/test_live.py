"""People on real sockets: delivery, membership, revocation, limits, presence, streams."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from socketio.exceptions import ConnectionError as Refusal

from talkbot_tui.server.outcome import Exit
from talkbot_tui.wire.acks import Limits
from talkbot_tui.wire.registry import CLIENT_EVENTS
from talkbot_tui.wire.server_events import ResyncEvent, TypingEvent
from tests.server.peers import Person, fresh, people
from tests.serving import open_store, register, running_server
from tests.waiting import until


async def test_a_message_reaches_the_others_after_its_ack_and_counts_as_unread() -> None:
    async with running_server() as server, people(server, "ana", "bruno") as (ana, bruno):
        room = ana.rooms["general"]
        first = await ana.post(room, "oi @bruno")
        event = await bruno.wait("message")
        assert (event["seq"], event["text"]) == (first["seq"], "oi @bruno")
        assert event["mentions"] == [bruno.user_id]
        mine = (await bruno.sync())["conversations"][0]
        assert (mine["unread"], mine["mentions"], mine["headSeq"]) == (1, 1, first["seq"])
        read = await bruno.ask("read", {"conversationId": room, "seq": first["seq"]})
        assert (read["unread"], read["mentions"]) == (0, 0)
        assert (await ana.wait("read"))["userId"] == bruno.user_id


async def test_the_same_message_again_gets_the_first_ack_and_is_not_sent_twice() -> None:
    async with running_server() as server, people(server, "ana", "bruno") as (ana, bruno):
        room = ana.rooms["general"]
        asked = {"conversationId": room, "text": "um", "clientMsgId": "same"}
        acks = [await ana.ask("message", asked) for _ in range(3)]
        assert acks[0] == acks[1] == acks[2]
        await ana.post(room, "dois")
        await bruno.wait("message", 2)
        assert [event["text"] for event in bruno.got("message")] == ["um", "dois"]
        assert await ana.refused("message", {**asked, "text": "outro"}) == "id_conflict"


async def test_two_hundred_pipelined_messages_keep_their_order() -> None:
    limits = Limits(message_burst=1000)
    async with running_server(limits=limits) as server, people(server, "ana", "bruno") as (ana, bo):
        room = ana.rooms["general"]
        waiting = [
            ana.client.emit(
                "message",
                {"conversationId": room, "text": str(n), "clientMsgId": f"p{n}"},
                namespace="/chat",
            )
            for n in range(200)
        ]
        for emitted in waiting:
            await emitted
        await bo.wait("message", 200)
        events = bo.got("message")
        assert [event["text"] for event in events] == [str(n) for n in range(200)]
        seqs = [event["seq"] for event in events]
        assert seqs == list(range(seqs[0], seqs[0] + 200))


async def test_an_upgrade_from_polling_to_websocket_loses_nothing() -> None:
    async with running_server() as server, people(server, "ana") as (ana,):
        upgraded = Person(server, await register(server, "bruno"))
        await upgraded.client.connect(
            server.url,
            namespaces=["/chat"],
            auth={"token": upgraded.tokens["accessToken"]},
            transports=["polling", "websocket"],
        )
        await upgraded.sync()
        for n in range(10):
            await ana.post(ana.rooms["general"], str(n))
        await upgraded.wait("message", 10)
        assert upgraded.client.transport() == "websocket"
        assert [event["text"] for event in upgraded.got("message")] == [str(n) for n in range(10)]
        await upgraded.client.shutdown()


async def test_after_a_removal_nothing_more_reaches_the_removed_one() -> None:
    async with running_server() as server, people(server, "ana", "bruno", "carla") as crew:
        ana, bruno, carla = crew
        asked = {
            "kind": "group",
            "name": "plano",
            "members": [bruno.user_id, carla.user_id],
            "clientOpId": fresh(),
        }
        room = (await ana.ask("createConversation", asked))["conversation"]["conversationId"]
        await bruno.wait("resync")
        await ana.post(room, "antes")
        await bruno.wait("message")
        await ana.ask(
            "remove", {"conversationId": room, "userId": bruno.user_id, "clientOpId": fresh()}
        )
        seen = len(bruno.events)
        said = await ana.post(room, "depois")
        await ana.emit("typing", {"conversationId": room, "on": True})
        await ana.ask("read", {"conversationId": room, "seq": said["seq"]})
        await carla.wait("typing")
        await until(lambda: len(carla.got("message", room)) == 2)
        # Bruno's own answer comes after whatever was on its way to him.
        assert await bruno.refused("history", {"conversationId": room}) == "not_found"
        later = [event for event in bruno.events[seen:] if event[1].get("conversationId") == room]
        assert [name for name, _ in later] in ([], ["member"])
        unknown = await bruno.refused("history", {"conversationId": "no-such-room"})
        assert unknown == "not_found"


async def test_what_is_queued_for_a_member_goes_with_the_membership() -> None:
    async with running_server() as server, people(server, "ana", "bruno") as (ana, bruno):
        room = ana.rooms["general"]
        told = TypingEvent(conversation_id=room, user_id=ana.user_id, on=True)
        # In one turn of the loop, so that nothing of it is on the wire yet.
        server.fanout.to_room(room, "typing", told)
        server.fanout.deliver([Exit(bruno.user_id, room)])
        server.fanout.to_user(bruno.user_id, "resync", ResyncEvent())
        await bruno.wait("resync")
        await ana.wait("typing")
        assert bruno.got("typing") == []


EVENTS_OF_A_ROOM: dict[str, dict[str, Any]] = {
    "history": {},
    "message": {"text": "x", "clientMsgId": "x"},
    "edit": {"serverMsgId": "x", "text": "x", "baseRevision": 0},
    "delete": {"serverMsgId": "x"},
    "react": {"serverMsgId": "x", "emoji": "👍", "on": True},
    "stop": {"serverMsgId": "x"},
    "read": {"seq": 1},
    "updateConversation": {"topic": "x"},
    "invite": {"userId": "x"},
    "remove": {"userId": "x"},
    "setRole": {"userId": "x", "role": "owner"},
    "join": {},
    "leave": {},
    "members": {},
    "search": {"query": "x"},
}


async def test_a_private_room_and_one_that_does_not_exist_look_the_same_to_strangers() -> None:
    async with running_server() as server, people(server, "ana", "bruno") as (ana, bruno):
        asked = {"kind": "channel", "name": "segredo", "visibility": "private"}
        made = await ana.ask("createConversation", {**asked, "clientOpId": fresh()})
        private = made["conversation"]["conversationId"]
        for name, payload in EVENTS_OF_A_ROOM.items():
            answers = []
            for room in (private, "no-such-room"):
                full = {"conversationId": room, **payload}
                if "client_op_id" in CLIENT_EVENTS[name].payload.__struct_fields__:
                    full["clientOpId"] = fresh()
                answers.append(await bruno.call(name, full))
            assert answers[0] == answers[1], name
            assert answers[0]["error"]["code"] == "not_found", name


async def test_every_event_of_the_contract_gets_exactly_one_answer() -> None:
    async with running_server() as server, people(server, "ana") as (ana,):
        answers: dict[str, int] = {}

        def count(name: str) -> Any:
            def take(*_: Any) -> None:
                answers[name] = answers.get(name, 0) + 1

            return take

        names = [*CLIENT_EVENTS, "no such event"]
        for name in names:
            for payload in ({}, {"conversationId": "x", "nonsense": 1}, None, [1], "text", 7):
                await ana.client.emit(name, payload, namespace="/chat", callback=count(name))
        await ana.ask("heads", {"heads": {}})
        await asyncio.sleep(0)
        assert answers == dict.fromkeys(names, 6)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_logout_closes_the_live_connection(transport: str) -> None:
    async with running_server() as server:
        ana = Person(server, await register(server, "ana"))
        await ana.connect(transport=transport)
        status, _ = await ana.http("POST", "/api/logout")
        assert status == 200
        assert (await ana.wait("goodbye"))["code"] == "session_revoked"
        await until(lambda: ana.closed, within=5)
        with pytest.raises(Refusal):
            await Person(server, ana.tokens).connect()
        await ana.client.shutdown()


async def test_an_expired_token_closes_the_connection_unless_a_fresh_one_came() -> None:
    async with running_server(access_seconds=2) as server, people(server, "ana", "bo") as (ana, bo):
        status, fresh_tokens = await ana.http(
            "POST", "/api/refresh", {"refreshToken": ana.tokens["refreshToken"]}
        )
        assert status == 200
        server.accounts._signer._seconds = 60
        _, later = await ana.http(
            "POST", "/api/refresh", {"refreshToken": fresh_tokens["refreshToken"]}
        )
        await ana.ask("auth", {"token": later["accessToken"]})
        assert (await bo.wait("goodbye"))["code"] == "token_expired"
        await until(lambda: bo.closed, within=5)
        await ana.ask("heads", {"heads": {}})
        assert not ana.got("goodbye")


async def test_another_process_revokes_through_the_store() -> None:
    from talkbot_tui.server.storage import people as store
    from talkbot_tui.server.storage import sessions

    async with running_server(poll_seconds=0.1) as server, people(server, "ana") as (ana,):
        other = open_store(server.config.data_dir)
        try:
            done = other.append(
                [
                    lambda tx: store.disable(tx, ana.user_id),
                    lambda tx: sessions.revoke_all(tx, ana.user_id),
                ]
            )
            assert done == [None, None]
        finally:
            other.close()
        assert (await ana.wait("goodbye"))["code"] == "session_revoked"
        await until(lambda: ana.closed, within=5)


async def test_too_many_messages_are_refused_with_a_time_and_typing_is_limited() -> None:
    limits = Limits(message_burst=3, messages_per_minute=6)
    async with running_server(limits=limits) as server, people(server, "ana") as (ana,):
        room = ana.rooms["general"]
        for _ in range(3):
            await ana.post(room, "x")
        asked = {"conversationId": room, "text": "x", "clientMsgId": fresh()}
        answer = await ana.call("message", asked)
        assert answer["error"]["code"] == "rate_limited"
        assert answer["error"]["retryable"]
        assert 0 < answer["error"]["retryAfterMs"] <= 10_001
        for _ in range(4):
            await ana.emit("typing", {"conversationId": room, "on": True})
        assert (await ana.wait("limited"))["event"] == "typing"


async def test_a_reconnect_within_the_grace_is_no_flap_and_absence_is_told() -> None:
    quick = {"presence_grace_seconds": 0.4, "presence_flush_seconds": 0.05}
    async with running_server(**quick) as server, people(server, "ana", "bruno") as (ana, bruno):
        told = await ana.ask("watch", {"userIds": [bruno.user_id, "nobody"]})
        assert told["presence"] == {bruno.user_id: {"status": "online"}}
        await bruno.ask("presence", {"status": "away", "text": "almoço"})

        def told_of() -> list[tuple[str, str]]:
            events = [(e["status"], e.get("text", "")) for e in ana.got("presence")]
            # Her own arrival may still be on its way when watching begins.
            return events[1:] if events[:1] == [("online", "")] else events

        await until(lambda: told_of() == [("away", "almoço")])
        await bruno.client.disconnect()
        again = Person(server, bruno.tokens)
        await again.connect()
        await again.client.disconnect()
        await until(lambda: told_of() == [("away", "almoço"), ("offline", "")])
        assert ana.got("presence")[-1]["lastSeen"] > 0


async def test_a_bot_streams_and_the_end_is_a_durable_edit() -> None:
    quick = {"stream_flush_seconds": 0.02, "checkpoint_seconds": 0.04}
    async with running_server(**quick) as server, people(server, "ana") as (ana,):
        token = await server.ensure_bot("talkbot", "TalkBot")
        bot = Person(server, {"accessToken": token, "user": {"userId": "bot"}})
        await bot.connect()
        room = ana.rooms["general"]
        ack = await bot.post(room, "Um", streaming=True)
        piece = {"conversationId": room, "serverMsgId": ack["serverMsgId"]}
        await bot.emit("stream", {**piece, "offset": 2, "delta": " dois"})
        await bot.emit("stream", {**piece, "offset": 2, "delta": " falso"})
        event = await ana.wait("stream")
        assert (event["offset"], event["delta"]) == (2, " dois")

        async def saved() -> str:
            answer = await ana.ask("history", {"conversationId": room, "limit": 1})
            return str(answer["events"][0]["text"])

        deadline = time.monotonic() + 5
        while await saved() != "Um dois":
            assert time.monotonic() < deadline
        assert (
            await ana.refused(
                "edit", {**piece, "text": "x", "clientOpId": fresh(), "baseRevision": 0}
            )
            == "forbidden"
        )
        await ana.ask("stop", piece)
        assert (await bot.wait("stop"))["userId"] == ana.user_id
        await bot.ask(
            "edit",
            {
                **piece,
                "text": "Um dois.",
                "clientOpId": fresh(),
                "baseRevision": 0,
                "outcome": "stopped",
            },
        )
        ended = await ana.wait("edit")
        assert (ended["outcome"], ended["text"], ended.get("streaming")) == (
            "stopped",
            "Um dois.",
            None,
        )
        await bot.client.shutdown()


async def test_everything_that_was_acknowledged_is_there_after_a_restart(tmp_path: Any) -> None:
    async with running_server(data_dir=tmp_path) as server, people(server, "ana") as (ana,):
        room = ana.rooms["general"]
        for n in range(5):
            await ana.post(room, f"texto {n}")
        tokens, epoch = ana.tokens, server.epoch
    async with running_server(data_dir=tmp_path) as server:
        ana = Person(server, tokens)
        await ana.connect()
        assert (await ana.sync())["epoch"] == epoch
        events = (await ana.ask("history", {"conversationId": room}))["events"]
        texts = [event["text"] for event in events if event["type"] == "message"]
        assert texts == [f"texto {n}" for n in range(5)]
        found = await ana.ask("search", {"query": "texto 3"})
        assert [hit["text"] for hit in found["hits"]] == ["texto 3"]
        await ana.client.shutdown()


async def test_stopping_with_clients_connected_takes_less_than_five_seconds() -> None:
    async with running_server() as server, people(server, "ana", "bruno") as (ana, bruno):
        polling = Person(server, ana.tokens)
        await polling.connect(transport="polling")
        before = time.monotonic()
        await server.stop()
        assert time.monotonic() - before < 7
        await until(lambda: bruno.closed and polling.closed, within=3)
        assert bruno.got("goodbye")[0]["code"] == "draining"
        await polling.client.shutdown()
