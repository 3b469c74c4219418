"""What only one server does: TalkBot, its reminders, tidying up after the dead."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from talkbot_tui.server.nodes.turns import Turn
from talkbot_tui.server.storage import nodes
from talkbot_tui.server.storage.database import Database, open_database
from talkbot_tui.server.storage.nodes import Present
from talkbot_tui.server.storage.schema import growing, lease, node, node_presence, reminder
from tests.nodes.processes import FAKETIME, NodeProcess
from tests.nodes.world import world
from tests.redis_server import RedisServer
from tests.server.peers import Person
from tests.serving import register
from tests.waiting import until


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    opened = open_database(Path(), url)
    yield opened
    opened.close()


async def test_one_has_the_turn_until_it_ends_or_is_given(store: Database, url: str) -> None:
    other = open_database(Path(), url)
    one, two = Turn(store, "thing", "one"), Turn(other, "thing", "two")
    assert sorted(await asyncio.gather(one.take(), two.take())) == [False, True]
    first, second = (one, two) if one.mine else (two, one)
    assert await first.take()
    assert not await second.take()
    await first.give()
    assert not first.mine
    assert await second.take()
    # Its time is over by the database's clock, which is moved here instead of waiting.
    await store.write(
        lambda tx: tx.sql.execute(lease.update().values(until=lease.c.until - 20_000))
    )
    assert await first.take()
    assert not await second.take()
    assert not second.mine
    other.close()


async def test_a_dead_server_s_people_are_gone_and_were_last_seen_when_it_was(
    url: str, store: Database
) -> None:
    async with world(url) as made:
        server = await made.start()
        ana = await made.person(server, "ana")
        tokens = await register(server, "bruno")
        bruno = tokens["user"]["userId"]
        await store.write(lambda tx: nodes.renew(tx, "other", "another machine"))
        await store.write(lambda tx: nodes.set_present(tx, "other", {bruno: Present("away", "")}))
        answer = await ana.ask("watch", {"userIds": [bruno]})
        assert answer["presence"][bruno]["status"] == "away"
        died = nodes.LEASE_MS + 1000
        gone = node.update().where(node.c.node_id == "other")
        await store.write(
            lambda tx: tx.sql.execute(gone.values(renewed_at=node.c.renewed_at - died))
        )
        await until(lambda: any(e["status"] == "offline" for e in ana.got("presence")), 6.0)
        rows = sa.select(sa.func.count()).select_from(node)
        await until(lambda: store.ask(lambda tx: tx.sql.scalar(rows)) == 1, 10)
        answer = await ana.ask("watch", {"userIds": [bruno]})
        seen = answer["presence"][bruno]["lastSeen"]
        assert abs(time.time() * 1000 - died - seen) < 20_000


async def test_a_server_that_was_given_up_comes_back_with_its_people(
    url: str, store: Database
) -> None:
    async with world(url) as made:
        first, second = await made.start(), await made.start()
        ana, bruno = await made.person(first, "ana"), await made.person(second, "bruno")
        there = sa.select(node_presence.c.user_id).where(node_presence.c.user_id == bruno.user_id)
        await until(lambda: store.ask(lambda tx: tx.sql.scalar(there)))
        # As the others do with one that stood still for longer than its lease.
        aged = node.update().values(renewed_at=node.c.renewed_at - nodes.LEASE_MS - 1000)
        await store.write(lambda tx: (tx.sql.execute(aged), nodes.bury(tx)))
        assert store.ask(lambda tx: tx.sql.scalar(there)) is None
        await until(lambda: store.ask(lambda tx: tx.sql.scalar(there)), 12)
        answer = await ana.ask("watch", {"userIds": [bruno.user_id]})
        assert answer["presence"][bruno.user_id]["status"] == "online"


async def test_a_text_that_nobody_goes_on_with_is_ended_by_another_server(
    url: str, store: Database
) -> None:
    async with world(url) as made:
        first, second = await made.start(), await made.start()
        ana = await made.person(second, "ana")
        token = await first.ensure_bot("talkbot", "TalkBot")
        bot_id = (await first.accounts.check(token)).user.user_id
        bot = await made.again(
            first, Person(first, {"accessToken": token, "user": {"userId": bot_id}})
        )
        ack = await bot.post(ana.rooms["general"], "Era uma vez", streaming=True)
        grows = sa.select(growing.c.renewed_at)
        await until(lambda: store.ask(lambda tx: tx.sql.scalar(grows)), 12)
        # A third one starts, or this one again: what grows elsewhere goes on.
        third = await made.start()
        await third.stop()
        assert not [e for e in ana.got("edit") if e["serverMsgId"] == ack["serverMsgId"]]
        # The first one is no more, for the others.
        await bot.client.shutdown()
        first.streams.end(ack["serverMsgId"])
        late = growing.update().values(renewed_at=growing.c.renewed_at - 31_000)
        await store.write(lambda tx: tx.sql.execute(late))
        await until(lambda: ana.got("edit"), 12)
        ended = ana.got("edit")[-1]
        assert (ended["outcome"], ended["text"]) == ("failed", "Era uma vez")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def _node(stack: ExitStack, folder: Path, name: str, url: str, **more: str) -> NodeProcess:
    made = NodeProcess(folder / name, url, **more)
    stack.callback(made.remove)
    return made


async def test_talkbot_goes_on_elsewhere_and_reminds_once(
    url: str, tmp_path: Path, stack: ExitStack, store: Database
) -> None:
    first = _node(stack, tmp_path, "one", url)
    first.wait()
    second = _node(stack, tmp_path, "two", url)
    second.wait()
    async with world(url) as made:
        watching = await made.start(greeter="talkbot")
        ana = await made.person(watching, "ana")
        talk = next(
            room["conversation"]["conversationId"]
            for room in (await ana.sync())["conversations"]
            if room["conversation"]["kind"] == "direct"
        )

        def answers() -> list[str]:
            mine = ana.user_id
            return [e["text"] for e in ana.got("message", talk) if e["sender"]["userId"] != mine]

        def rolled() -> int:
            return sum("🎲" in text for text in answers())

        await ana.post(talk, "remind me in 20s to drink water")
        rows = sa.select(sa.func.count()).select_from(reminder)
        await until(lambda: store.ask(lambda tx: tx.sql.scalar(rows)) == 1)
        asked_at = time.monotonic()
        await until(answers, 6.0)
        first.kill()
        await ana.post(talk, "roll 1d2")
        await until(lambda: rolled() == 1, 30, lambda: str(answers()))
        await until(lambda: any("⏰" in text for text in answers()), 30, lambda: str(answers()))
        assert time.monotonic() - asked_at > 15
        # The other comes back, and neither says it again.
        first.start()
        first.wait()
        second.kill(signal.SIGTERM)
        await ana.post(talk, "roll 3d2")
        await until(lambda: rolled() == 2, 30, lambda: str(answers()))
        assert sum("⏰" in text for text in answers()) == 1
        assert store.ask(lambda tx: tx.sql.scalar(rows)) == 0


async def test_what_talkbot_remembered_in_its_file_goes_into_the_database(
    url: str, tmp_path: Path, stack: ExitStack, store: Database
) -> None:
    from talkbot_tui.bots.memory import Memory, Reminder

    old = Memory(tmp_path / "one" / "bots" / "talkbot.db")
    await old.add_reminder(Reminder("r1", "nowhere", "ana", 2**45, "later", "en"))
    await old.keep("greeted:x", "yes")
    await old.close()
    server = _node(stack, tmp_path, "one", url)
    server.wait()
    assert store.ask(lambda tx: tx.sql.execute(sa.select(reminder)).all()) == [
        ("r1", "nowhere", "ana", 2**45, "later", "en")
    ]
    assert not (tmp_path / "one" / "bots" / "talkbot.db").exists()
    assert (tmp_path / "one" / "bots" / "talkbot.db.moved").exists()


@pytest.mark.parametrize(("offset", "words"), [("+120", "ahead of"), ("-120", "behind")])
def test_a_clock_that_is_wrong_is_told_at_the_start(
    url: str, tmp_path: Path, stack: ExitStack, offset: str, words: str
) -> None:
    preload = {"LD_PRELOAD": str(FAKETIME[0]), "FAKETIME": offset, "FAKETIME_DONT_RESET": "1"}
    server = _node(stack, tmp_path, "one", url, **preload, FAKETIME_DONT_FAKE_MONOTONIC="1")
    assert server.ended() == 7
    said = server.said()
    assert f"s {words} the database's; set both by NTP" in said
    assert len(said.splitlines()) == 1, said


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("redis://:wrong@127.0.0.1:{redis}", 7, "password is wrong"),
        ("postgres://127.0.0.1", 7, "not an address of a Redis"),
    ],
)
def test_a_bus_that_cannot_be_used_is_told_at_the_start(
    url: str,
    tmp_path: Path,
    stack: ExitStack,
    redis: RedisServer,
    address: str,
    status: int,
    words: str,
) -> None:
    server = _node(stack, tmp_path, "one", url, redis=address.format(redis=redis.port))
    assert server.ended() == status
    said = server.said()
    assert words in said
    assert len(said.splitlines()) == 1, said


def test_redis_without_a_database_server_is_told(tmp_path: Path, stack: ExitStack) -> None:
    server = _node(stack, tmp_path, "one", "", redis="redis://127.0.0.1")
    assert server.ended() == 2
    assert "TALKBOT_DATABASE_URL" in server.said()
