"""A bot's growing message: who may go on with it, and that it ends when nobody may."""

from __future__ import annotations

import pytest

from tests.server.peers import Person, fresh, people
from tests.serving import running_server
from tests.waiting import until


@pytest.mark.parametrize("how", ["removed", "left", "archived"])
async def test_what_a_bot_had_begun_ends_where_it_may_write_no_more(how: str) -> None:
    async with running_server(stream_flush_seconds=0.02) as server, people(server, "ana") as (ana,):
        token = await server.ensure_bot("talkbot", "TalkBot")
        bot_id = (await server.accounts.check(token)).user.user_id
        bot = Person(server, {"accessToken": token, "user": {"userId": bot_id}})
        await bot.connect()
        asked = {"kind": "group", "members": [bot_id], "clientOpId": fresh()}
        room = (await ana.ask("createConversation", asked))["conversation"]["conversationId"]
        await bot.wait("resync")
        ack = await bot.post(room, "Um", streaming=True)
        piece = {"conversationId": room, "serverMsgId": ack["serverMsgId"]}
        await bot.ask("stream", {**piece, "offset": 2, "delta": " dois"})
        op = {"conversationId": room, "clientOpId": fresh()}
        match how:
            case "removed":
                await ana.ask("remove", {**op, "userId": bot_id})
            case "left":
                await bot.ask("leave", op)
            case _:
                await ana.ask("updateConversation", {**op, "archived": True})
        refused = "archived" if how == "archived" else "not_found"
        assert await bot.refused("stream", {**piece, "offset": 7, "delta": " três"}) == refused
        ended = await ana.wait("edit")
        assert (ended["outcome"], ended["text"], ended.get("streaming")) == (
            "failed",
            "Um dois",
            None,
        )
        answer = await ana.ask("history", {"conversationId": room})
        (kept,) = (event for event in answer["events"] if event["type"] == "message")
        assert (kept["text"], kept.get("streaming")) == ("Um dois", None)
        await bot.client.shutdown()


async def test_a_bot_goes_on_when_it_was_removed_elsewhere() -> None:
    async with running_server() as server, people(server, "ana") as (ana,):
        token = await server.ensure_bot("talkbot", "TalkBot")
        bot_id = (await server.accounts.check(token)).user.user_id
        bot = Person(server, {"accessToken": token, "user": {"userId": bot_id}})
        await bot.connect()
        room = ana.rooms["general"]
        ack = await bot.post(room, "Um", streaming=True)
        piece = {"conversationId": room, "serverMsgId": ack["serverMsgId"]}
        await bot.ask("stream", {**piece, "offset": 2, "delta": " dois"})
        # Its memberships change, but not here.
        asked = {"kind": "group", "members": [bot_id], "clientOpId": fresh()}
        other = (await ana.ask("createConversation", asked))["conversation"]["conversationId"]
        gone = {"conversationId": other, "userId": bot_id, "clientOpId": fresh()}
        await ana.ask("remove", gone)
        await bot.ask("stream", {**piece, "offset": 7, "delta": " três"})
        assert await bot.refused("stream", {**piece, "offset": 7, "delta": "x"}) == "bad_request"
        await until(lambda: "".join(e["delta"] for e in ana.got("stream", room)) == " dois três")
        await bot.client.shutdown()
