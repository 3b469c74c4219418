"""TalkBot tells nobody more than the server would tell them itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

from talkbot_tui.core.events import OpenConversation
from talkbot_tui.core.model import Kind
from tests.bots.test_talkbot import person, serving, talkbot
from tests.waiting import until


async def test_who_was_removed_since_asking_is_told_nothing(tmp_path: Path) -> None:
    async with (
        serving(tmp_path) as server,
        person(server, "ana") as ana,
        person(server, "bruno") as bruno,
    ):
        bots = await talkbot(server, tmp_path)
        bot_id = next(user.user_id for user in await ana.engine.lookups.users("talkbot"))
        made = await ana.engine.lookups.create_channel("plan", private=True)
        room = made.conversation_id
        for user_id in (bot_id, bruno.engine.session.me.user_id):
            await ana.engine.lookups.invite(room, user_id)
        await until(lambda: bruno.engine.session.room(room))
        ana.engine.dispatch(OpenConversation(room))
        ana.engine.send(room, "@talkbot time")
        await ana.sees(room, "UTC")
        await bots.stop()

        # Asked while the bot was away; removed before it came back.
        for question in ("@talkbot catchup", "@talkbot search secret"):
            await bruno.engine.delivered(bruno.engine.send(room, question))
        await ana.engine.lookups.remove(room, bruno.engine.session.me.user_id)
        for text in ("@bruno the secret?", "@talkbot roll 1d6"):
            await ana.engine.delivered(ana.engine.send(room, text))
        bots = await talkbot(server, tmp_path)
        await ana.sees(room, "🎲 6")
        direct = await bruno.look_at(Kind.DIRECT)
        bruno.engine.send(direct, "roll 1d6")
        await bruno.sees(direct, "🎲 6")
        told = [text for where in (direct, room) for text in bruno.texts(where)]
        assert not [text for text in told if "secret?" in text]
        assert not [text for text in ana.texts(room) if "with “secret”" in text]
        await bots.stop()


async def test_an_address_in_a_message_is_not_visited(tmp_path: Path) -> None:
    visits = 0

    def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        writer.close()

    trap = await asyncio.start_server(visited, "127.0.0.1", 0)
    port = trap.sockets[0].getsockname()[1]
    async with trap, serving(tmp_path) as server, person(server, "ana") as ana:
        bots = await talkbot(server, tmp_path)
        direct = await ana.look_at(Kind.DIRECT)
        for host in ("127.0.0.1", "localhost", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"):
            for words in ("", "search ", "remind me in 1 s ", "poll "):
                ana.engine.send(direct, f"{words}http://{host}:{port}/a.png")
        ana.engine.send(direct, "roll 1d6")
        await ana.sees(direct, "🎲 6")
        await bots.stop()
    assert visits == 0
