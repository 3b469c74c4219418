"""Limits that count for all servers together, as far as they hear each other."""

from __future__ import annotations

import aiohttp

from talkbot_tui.wire.acks import Limits
from tests.nodes.world import place, up, world
from tests.redis_server import RedisServer
from tests.server.peers import fresh
from tests.serving import register
from tests.waiting import until


async def test_what_was_sent_on_one_server_counts_on_another(url: str, redis: RedisServer) -> None:
    few = Limits(message_burst=5, messages_per_minute=1)
    async with world(url) as made:
        for _ in range(2):
            await made.start(redis=place(redis), limits=few)
        await until(lambda: all(up(server) for server in made.servers))
        ana = await made.person(made.servers[0], "ana")
        bruno = await made.person(made.servers[0], "bruno")
        there = await made.again(made.servers[1], ana)
        room = ana.rooms["general"]
        for _ in range(5):
            await ana.post(room, "oi")
        heard = made.servers[1].metrics
        await until(lambda: heard.value("hints_total") > 0)
        asked = {"conversationId": room, "text": "mais", "clientMsgId": fresh("m")}

        def tokens() -> float:
            buckets = made.servers[1].dispatcher._buckets._buckets
            bucket = buckets.get(("message", ana.user_id))
            return 5.0 if bucket is None else bucket.tokens

        await until(lambda: tokens() < 1, 5.0)
        assert await there.refused("message", asked) == "rate_limited"
        # Somebody else's are their own.
        other = await made.again(made.servers[1], bruno)
        await other.post(room, "olá")


async def test_passwords_that_were_tried_on_one_server_count_on_another(
    url: str, redis: RedisServer
) -> None:
    async with world(url) as made:
        for _ in range(2):
            await made.start(redis=place(redis), failures_max=5)
        await until(lambda: all(up(server) for server in made.servers))
        await register(made.servers[0], "ana")

        async def attempt(number: int) -> int:
            body = {"username": "ana", "password": "a wrong one, of course"}
            where = f"{made.servers[number].url}/api/login"
            async with aiohttp.ClientSession() as http, http.post(where, json=body) as answer:
                return answer.status

        assert [await attempt(0) for _ in range(5)] == [401] * 5
        there = made.servers[1].accounts._failures._times
        await until(lambda: any(len(times) >= 5 for times in there.values()), 5.0)
        assert await attempt(1) == 429
