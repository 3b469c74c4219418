"""What one server's client does, another server's clients see: over Redis, and without it."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest

from talkbot_tui.server.app import RunningServer
from talkbot_tui.server.nodes.bus import MemoryHub
from tests.nodes.world import World, texts, two, world
from tests.redis_server import RedisServer
from tests.server.peers import Person, fresh
from tests.serving import PASSWORD
from tests.waiting import until

WITHIN = 5.0


@pytest.fixture(params=["redis", "database"])
def over(request: pytest.FixtureRequest) -> RedisServer | None:
    """The Redis between the servers; None where they have only the database."""
    if request.param == "database":
        return None
    server: RedisServer = request.getfixturevalue("redis")
    return server


async def test_messages_reach_members_on_another_server_in_order(
    url: str, over: RedisServer | None
) -> None:
    async with two(url, over) as (_, ana, bruno):
        room = ana.rooms["general"]
        said = []
        for turn in range(20):
            for who in (ana, bruno):
                said.append(f"{turn} {who.user_id}")
                await who.post(room, said[-1])
        began = time.monotonic()
        for who in (ana, bruno):
            await until(partial(_has, who, room, 40), WITHIN)
            assert texts(who, room) == said
            seqs = [event["seq"] for event in who.got("message", room)]
            assert seqs == sorted(seqs)
        if over is not None:
            assert time.monotonic() - began < 1.0


async def test_a_new_conversation_and_a_removal(url: str, over: RedisServer | None) -> None:
    async with two(url, over) as (_, ana, bruno):
        asked = {"kind": "group", "members": [bruno.user_id], "clientOpId": fresh()}
        room = (await ana.ask("createConversation", asked))["conversation"]["conversationId"]
        await until(lambda: bruno.got("resync"), WITHIN)
        await ana.post(room, "oi")
        await until(lambda: texts(bruno, room) == ["oi"], WITHIN)
        gone = {"conversationId": room, "userId": bruno.user_id, "clientOpId": fresh()}
        await ana.ask("remove", gone)
        await ana.post(room, "sem ele")
        await until(lambda: bruno.got("member", room), WITHIN)
        assert bruno.got("member", room)[-1]["change"] == "removed"
        await ana.post(room, "ainda sem ele")
        assert await bruno.refused("history", {"conversationId": room}) == "not_found"
        # What follows in another room comes after whatever might have come of this one.
        await ana.post(ana.rooms["general"], "fim")
        await until(lambda: "fim" in texts(bruno), WITHIN)
        assert texts(bruno, room) == ["oi"]
        back = {"conversationId": room, "userId": bruno.user_id, "clientOpId": fresh()}
        await ana.ask("invite", back)
        await until(lambda: len(bruno.got("resync")) >= 2, WITHIN)
        await ana.post(room, "de volta")
        await until(lambda: texts(bruno, room) == ["oi", "de volta"], WITHIN)


@pytest.mark.parametrize("lost", [False, True])
async def test_who_was_taken_out_here_while_let_in_there_receives_nothing(
    url: str, lost: bool
) -> None:
    hub = MemoryHub()
    async with world(url) as made:
        here, there = [await made.start(hub.bus()) for _ in range(2)]
        ana, bruno = await made.person(here, "ana"), await made.person(here, "bruno")
        elsewhere = await made.again(there, ana)
        asked = {"kind": "group", "clientOpId": fresh()}
        room = (await ana.ask("createConversation", asked))["conversation"]["conversationId"]
        hub.lost = lost
        for turn in range(10):
            about = {"conversationId": room, "userId": bruno.user_id}
            await elsewhere.ask("invite", {**about, "clientOpId": fresh()})
            await ana.ask("remove", {**about, "clientOpId": fresh()})
            await ana.emit("typing", {"conversationId": room, "on": True})
            await ana.post(room, f"sem ele {turn}")
            await ana.post(ana.rooms["general"], f"fim {turn}")
            await until(partial(_has, bruno, ana.rooms["general"], turn + 1), WITHIN)
        assert not bruno.got("typing", room)
        assert not bruno.got("message", room)
        assert bruno.got("member", room)[-1]["change"] == "removed"


async def test_edits_reactions_and_deletions(url: str, over: RedisServer | None) -> None:
    async with two(url, over) as (_, ana, bruno):
        room = ana.rooms["general"]
        ack = await ana.post(room, "um")
        mine = {"conversationId": room, "serverMsgId": ack["serverMsgId"]}
        await until(lambda: texts(bruno, room) == ["um"], WITHIN)
        edit = {**mine, "text": "dois", "clientOpId": fresh(), "baseRevision": 0}
        await ana.ask("edit", edit)
        await ana.ask("react", {**mine, "emoji": "👍", "on": True, "clientOpId": fresh()})
        await until(lambda: bruno.got("reaction", room), WITHIN)
        assert bruno.got("edit", room)[0]["text"] == "dois"
        await ana.ask("delete", {**mine, "clientOpId": fresh()})
        await until(lambda: bruno.got("delete", room), WITHIN)


async def test_read_marks(url: str, over: RedisServer | None) -> None:
    async with two(url, over) as (made, ana, bruno):
        room = ana.rooms["general"]
        other = await made.again(made.servers[1], ana)
        first = await ana.post(room, "um")
        await until(lambda: texts(bruno, room) == ["um"], WITHIN)
        if over is None:
            # What marks there were is learnt in the first look.
            await asyncio.sleep(4.5)
        await bruno.ask("read", {"conversationId": room, "seq": first["seq"]})
        await until(lambda: ana.got("read", room), WITHIN)
        assert ana.got("read", room)[0]["userId"] == bruno.user_id
        if over is not None:
            await bruno.post(room, "dois")
            seen = await ana.wait("message", 2)
            await ana.ask("read", {"conversationId": room, "seq": seen["seq"]})
            await until(lambda: any(e.get("unread") == 0 for e in other.got("read", room)), WITHIN)


async def test_presence(url: str, over: RedisServer | None) -> None:
    async with two(url, over) as (_, ana, bruno):

        def told() -> list[str]:
            return [e["status"] for e in ana.got("presence") if e["userId"] == bruno.user_id]

        answer = await ana.ask("watch", {"userIds": [bruno.user_id]})
        if answer["presence"][bruno.user_id]["status"] != "online":
            await until(lambda: told() == ["online"], WITHIN)
        await bruno.ask("presence", {"status": "away", "text": "almoço"})
        await until(lambda: told()[-1:] == ["away"], 2 * WITHIN)
        assert ana.got("presence")[-1]["text"] == "almoço"
        await bruno.client.shutdown()
        await until(lambda: told()[-1:] == ["offline"], 20)
        assert ana.got("presence")[-1]["lastSeen"] > 0


async def test_ending_sessions_closes_connections_everywhere(
    url: str, over: RedisServer | None
) -> None:
    async with two(url, over) as (made, ana, bruno):
        for who, path, body in (
            (ana, "/api/logout", None),
            (
                bruno,
                "/api/password",
                {"currentPassword": PASSWORD, "newPassword": "another good one"},
            ),
        ):
            others = [server for server in made.servers if server is not who.server]
            devices = [await made.again(server, who) for server in others]
            if path == "/api/password":
                # The session that changes it stays; devices of other sessions end.
                devices = [await _signed_in_again(made, others[0], who)]
            began = time.monotonic()
            status, _ = await who.http("POST", path, body)
            assert status == 200
            for device in devices:
                await until(lambda device=device: device.closed, WITHIN)  # type: ignore[misc]  # bound now
                assert device.got("goodbye")[-1]["code"] == "session_revoked"
            assert time.monotonic() - began < (1.0 if over else WITHIN)


async def test_typing_and_growing_text_over_redis(url: str, redis: RedisServer) -> None:
    async with two(url, redis) as (made, ana, bruno):
        room = ana.rooms["general"]
        await ana.emit("typing", {"conversationId": room, "on": True})
        await until(lambda: bruno.got("typing", room), WITHIN)
        assert bruno.got("typing", room)[0]["userId"] == ana.user_id
        assert not ana.got("typing", room)
        bot = await _bot(made)
        ack = await bot.post(room, "Um", streaming=True)
        piece = {"conversationId": room, "serverMsgId": ack["serverMsgId"]}
        await bot.ask("stream", {**piece, "offset": 2, "delta": " dois"})
        for who in (ana, bruno):
            await until(lambda who=who: who.got("stream", room), WITHIN)  # type: ignore[misc]  # bound now
            assert who.got("stream", room)[0]["delta"] == " dois"
        await bruno.ask("stop", piece)
        await until(lambda: bot.got("stop", room), WITHIN)
        done = {**piece, "text": "Um dois", "clientOpId": fresh(), "baseRevision": 0}
        await bot.ask("edit", {**done, "outcome": "stopped"})
        await until(lambda: bruno.got("edit", room), WITHIN)
        assert bruno.got("edit", room)[0]["outcome"] == "stopped"


def _has(who: Person, room: str, count: int) -> bool:
    return len(texts(who, room)) >= count


async def _signed_in_again(made: World, server: RunningServer, who: Person) -> Person:
    """Another session of the same person."""
    name = who.tokens["user"]["name"]
    _, tokens = await who.http("POST", "/api/login", {"username": name, "password": PASSWORD})
    return await made.again(server, Person(server, tokens))


async def _bot(made: World) -> Person:
    """A bot on the first server."""
    server = made.servers[0]
    token = await server.ensure_bot("talkbot", "TalkBot")
    bot_id = (await server.accounts.check(token)).user.user_id
    return await made.again(
        server, Person(server, {"accessToken": token, "user": {"userId": bot_id}})
    )
