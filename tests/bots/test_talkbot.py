"""TalkBot against a real server, over real sockets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from talkbot_tui.bots.runner import RunningBots, start_bots
from talkbot_tui.bots.skills import helping
from talkbot_tui.client.connect import build
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.ids import now_ms
from talkbot_tui.client.memory import FixedToken, MemoryStore
from talkbot_tui.core.events import OpenConversation
from talkbot_tui.core.model import Kind, Message, Outcome
from talkbot_tui.server.app import RunningServer
from talkbot_tui.wire.acks import Limits
from tests.serving import register, running_server
from tests.waiting import until

BOT = "talkbot"


class Person:
    """Somebody with an engine, who looks at one conversation at a time."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def room(self, kind: Kind) -> str:
        return next(
            (
                room.conversation.conversation_id
                for room in self.engine.session.rooms()
                if room.conversation.kind is kind
            ),
            "",
        )

    async def look_at(self, kind: Kind) -> str:
        await until(lambda: self.room(kind))
        self.engine.dispatch(OpenConversation(self.room(kind)))
        return self.room(kind)

    def texts(self, room: str, sender: str = BOT) -> list[str]:
        return [message.text for message in self.messages(room, sender)]

    def messages(self, room: str, sender: str = BOT) -> list[Message]:
        rows = self.engine.session.timeline(room).rows
        return [row for row in rows if isinstance(row, Message) and row.sender.name == sender]

    async def sees(self, room: str, pattern: str) -> Message:
        def found() -> list[Message]:
            return [
                m for m in self.messages(room) if re.search(pattern, m.text) and not m.streaming
            ]

        await until(found, 15, lambda: f"{pattern!r} in {self.texts(room)}")
        return found()[-1]


@asynccontextmanager
async def person(server: RunningServer, name: str) -> AsyncIterator[Person]:
    tokens = await register(server, name)
    engine = build(server.url, FixedToken(tokens["accessToken"]), store=MemoryStore())
    await engine.start()
    try:
        await until(lambda: engine.session.synced_once)
        yield Person(engine)
    finally:
        await engine.stop()


async def talkbot(
    server: RunningServer, folder: Path, clock: Callable[[], int] = now_ms
) -> RunningBots:
    token = await server.ensure_bot(BOT, "TalkBot")
    return await start_bots(server.url, token, folder, clock=clock, draw=lambda low, high: high)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[RunningServer]:
    async with running_server(data_dir=folder, greeter=BOT, default_channel="general") as server:
        yield server


async def test_it_greets_once_even_over_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana:
            direct = await ana.look_at(Kind.DIRECT)
            await ana.sees(direct, "Ctrl\\+K")
            await bots.stop()
            bots = await talkbot(server, tmp_path)
            ana.engine.send(direct, "roll 1d6")
            await ana.sees(direct, "🎲 6")
            assert sum("Ctrl+K" in text for text in ana.texts(direct)) == 1
        await bots.stop()


async def test_an_answer_streams_in_and_ends_exactly(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana:
            direct = await ana.look_at(Kind.DIRECT)
            lengths: set[int] = set()
            ana.engine.subscribe(
                lambda _changes: lengths.update(
                    len(message.text) for message in ana.messages(direct) if message.streaming
                )
            )
            ana.engine.send(direct, "help")
            answer = await ana.sees(direct, "I can:")
            assert answer.text == helping.help_text("en", BOT)
            assert answer.outcome is Outcome.COMPLETE
            assert len(lengths) > 2, "it did not grow"
        await bots.stop()


async def test_it_can_be_stopped(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana:
            direct = await ana.look_at(Kind.DIRECT)
            ana.engine.send(direct, "help")
            await until(lambda: any(message.streaming for message in ana.messages(direct)))
            growing = next(message for message in ana.messages(direct) if message.streaming)
            await ana.engine.request(
                "stop", {"conversationId": direct, "serverMsgId": growing.server_msg_id}
            )

            def ended() -> Message | None:
                now = ana.engine.session.message(direct, growing.server_msg_id)
                return now if now and not now.streaming else None

            await until(ended)
            final = ended()
            assert final is not None
            assert final.outcome is Outcome.STOPPED
            assert helping.help_text("en", BOT).startswith(final.text)
        await bots.stop()


async def test_it_answers_a_mention_in_the_language_it_is_spoken_to(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana:
            room = await ana.look_at(Kind.CHANNEL)
            ana.engine.send(room, "bom dia a todos")
            ana.engine.send(room, "@talkbot me faz um bolo, por favor?")
            answer = await ana.sees(room, "Ainda não sei responder")
            question = ana.messages(room, "ana")[-1]
            assert answer.reply_to == question.server_msg_id
            assert len(ana.texts(room)) == 1, "it spoke without being asked"
        await bots.stop()


async def test_what_was_asked_while_it_was_away_is_answered_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana:
            direct = await ana.look_at(Kind.DIRECT)
            ana.engine.send(direct, "roll 1d6")
            await ana.sees(direct, "🎲 6")
            await bots.stop()
            ana.engine.send(direct, "roll 1d20")
            bots = await talkbot(server, tmp_path)
            await ana.sees(direct, "🎲 20")
            ana.engine.send(direct, "roll 1d30")
            await ana.sees(direct, "🎲 30")
            dice = [text for text in ana.texts(direct) if text.startswith("🎲")]
            assert dice == ["🎲 6", "🎲 20", "🎲 30"]
        await bots.stop()


async def test_a_reminder_survives_a_restart(tmp_path: Path) -> None:
    ahead = 0
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana:
            direct = await ana.look_at(Kind.DIRECT)
            ana.engine.send(direct, "remind me in 10m tea is ready")
            await ana.sees(direct, "10 min")
            await bots.stop()
            assert not any("⏰" in text for text in ana.texts(direct))
            ahead = 600_000
            bots = await talkbot(server, tmp_path, lambda: now_ms() + ahead)
            await ana.sees(direct, "^⏰ @ana: tea is ready$")
        await bots.stop()


async def test_a_request_that_was_deleted_reminds_of_nothing(tmp_path: Path) -> None:
    ahead = 0
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path, lambda: now_ms() + ahead)
        async with person(server, "ana") as ana:
            direct = await ana.look_at(Kind.DIRECT)
            for text in ("remind me in 10m gone", "remind me in 11m tea is ready"):
                asked = await ana.engine.delivered(ana.engine.send(direct, text))
                await ana.sees(direct, f"I will remind you in {text[13:15]} min")
                if text.endswith("gone"):
                    ana.engine.delete(direct, asked.server_msg_id)
            await bots.stop()
            ahead = 700_000
            bots = await talkbot(server, tmp_path, lambda: now_ms() + ahead)
            await ana.sees(direct, "^⏰ @ana: tea is ready$")
            assert not any("gone" in text for text in ana.texts(direct) if "⏰" in text)
        await bots.stop()


async def test_repeating_what_was_said_calls_nobody(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana, person(server, "bruno") as bruno:
            room = await ana.look_at(Kind.CHANNEL)
            await bruno.look_at(Kind.CHANNEL)
            ana.engine.send(room, "@bruno the release notes are ready")
            ana.engine.send(room, "@talkbot search release notes")
            answer = await bruno.sees(room, "1 message with")
            assert "bruno the release notes" in answer.text
            assert answer.mentions == ()
            ana.engine.send(room, '@talkbot poll "Shall @bruno come?" yes @bruno')
            assert (await bruno.sees(room, "📊")).mentions == ()
            ana.engine.send(room, "@talkbot vote 2")
            assert (await bruno.sees(room, "Counted: ")).mentions == ()
            ana.engine.send(room, "@talkbot remind me in 1s call @bruno")
            reminder = await bruno.sees(room, "⏰")
            assert reminder.mentions == (ana.engine.session.me.user_id,)
        await bots.stop()


async def test_a_poll_counts_words_and_reactions(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana, person(server, "bruno") as bruno:
            room = await ana.look_at(Kind.CHANNEL)
            await bruno.look_at(Kind.CHANNEL)
            ana.engine.send(room, '@talkbot poll "Where?" pizza sushi')
            poll = await ana.sees(room, "sushi: 0")
            ana.engine.send(room, "@talkbot vote 2")
            await ana.sees(room, "sushi: 1")
            await bruno.sees(room, "sushi: 1")
            bruno.engine.react(room, poll.server_msg_id, "1️⃣", True)
            await ana.sees(room, "pizza: 1 ▪\n.*sushi: 1")
            await bots.stop()
            bots = await talkbot(server, tmp_path)
            ana.engine.send(room, "@talkbot vote 1")
            await ana.sees(room, "pizza: 2 ▪▪\n.*sushi: 0")
        await bots.stop()


async def test_search_finds_what_people_wrote_and_nothing_else(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana, person(server, "bruno") as bruno:
            room = await ana.look_at(Kind.CHANNEL)
            private = await bruno.engine.lookups.create_channel("secret", private=True)
            bot = next(user for user in await bruno.engine.lookups.users("talkb"))
            await bruno.engine.lookups.invite(private.conversation_id, bot.user_id)
            bruno.engine.send(private.conversation_id, "the horse is ours")
            bruno.engine.send(room, "a horse on the road")
            await ana.look_at(Kind.CHANNEL)
            await until(lambda: ana.texts(room, "bruno"))
            direct = await ana.look_at(Kind.DIRECT)
            ana.engine.send(direct, "search horse")
            answer = await ana.sees(direct, "horse on the road")
            assert "ours" not in answer.text, "she is no member there"
        await bots.stop()


async def test_catchup_tells_privately_what_was_missed(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana, person(server, "bruno") as bruno:
            room = await bruno.look_at(Kind.CHANNEL)
            direct = await ana.look_at(Kind.DIRECT)
            for text in ("@ana can you come?", "see https://example.org/x", "@ana thanks"):
                await bruno.engine.delivered(bruno.engine.send(room, text))
            ana.engine.send(room, "@talkbot catchup")
            answer = await ana.sees(direct, "Questions to you")
            lines = answer.text.splitlines()
            assert any(re.match(r"- #\d+ bruno: @\u2060ana can you come\?", line) for line in lines)
            assert any(re.match(r"- #\d+ bruno: see https://example.org/x", line) for line in lines)
            assert any(re.match(r"- #\d+ bruno: @\u2060ana thanks", line) for line in lines)
            assert bruno.texts(room) == [], "nothing of it belongs into the room"
        await bots.stop()


async def test_bots_are_not_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        other = build(
            server.url, FixedToken(await server.ensure_bot("echo", "Echo")), store=MemoryStore()
        )
        await other.start()
        async with person(server, "ana") as ana:
            room = await ana.look_at(Kind.CHANNEL)
            await until(lambda: other.session.synced_once and other.session.room(room))
            await other.delivered(other.send(room, "@talkbot help"))
            ana.engine.send(room, "@talkbot roll 1d6")
            await ana.sees(room, "🎲 6")
            assert len(ana.texts(room)) == 1, "it answered a bot"
        await other.stop()
        await bots.stop()


async def test_an_answer_that_a_stop_cut_short_is_ended_after_the_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana:
            direct = await ana.look_at(Kind.DIRECT)
            ana.engine.send(direct, "help")
            await until(lambda: any(message.streaming for message in ana.messages(direct)))
            await bots.stop()
            bots = await talkbot(server, tmp_path)
            answer = await ana.sees(direct, "I can:")
            assert answer.text == helping.help_text("en", BOT)
            assert answer.outcome is Outcome.COMPLETE
            assert sum("I can:" in text for text in ana.texts(direct)) == 1
        await bots.stop()


async def test_a_bot_that_broke_down_is_told_in_the_log_and_stops_quietly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken() -> None:
        raise OSError("disk gone")

    bots = RunningBots(asyncio.create_task(broken()))
    await until(lambda: "disk gone" in caplog.text)
    await bots.stop()


async def test_catchup_reads_on_to_the_latest(tmp_path: Path) -> None:
    limits = Limits(message_burst=1000, messages_per_minute=100_000)
    async with running_server(
        data_dir=tmp_path, greeter=BOT, default_channel="general", limits=limits
    ) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana, person(server, "bruno") as bruno:
            room = await bruno.look_at(Kind.CHANNEL)
            direct = await ana.look_at(Kind.DIRECT)
            for number in range(205):
                bruno.engine.send(room, f"line {number}")
            await bruno.engine.delivered(bruno.engine.send(room, "@ana are you there?"))
            ana.engine.send(direct, "catchup")
            answer = await ana.sees(direct, "new messages")
            assert "206 new messages" in answer.text
            assert "ana are you there?" in answer.text
        await bots.stop()


async def test_what_would_be_too_long_is_cut_not_lost(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        bots = await talkbot(server, tmp_path)
        async with person(server, "ana") as ana:
            direct = await ana.look_at(Kind.DIRECT)
            ana.engine.send(direct, "poll Where? pizza " + "x" * 7980)
            answer = await ana.sees(direct, "📊 Where")
            assert len(answer.text) == ana.engine.session.text_max
            assert answer.text.endswith("…")
        await bots.stop()
