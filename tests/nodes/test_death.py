"""A server dies, another stands still, an account is disabled: the rest says what is so in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from talkbot_tui.server.storage import people, sessions
from talkbot_tui.server.storage.tx import Tx
from tests.nodes.processes import NodeProcess
from tests.nodes.world import World, texts, two, world
from tests.redis_server import RedisServer
from tests.server.peers import Person
from tests.serving import register
from tests.waiting import until

PRESENCE_SECONDS = 75.0


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


class _Elsewhere(Person):
    """Somebody on a server that is a process of its own."""

    def __init__(self, node: NodeProcess, tokens: dict[str, object]) -> None:
        super().__init__(node, tokens)  # type: ignore[arg-type]  # it has a `url`, too


async def _on(node: NodeProcess, name: str, made: World) -> Person:
    person = _Elsewhere(node, await register(node.url, name))
    made.leave(person.client.shutdown)
    await person.connect()
    return person


@pytest.mark.timeout(150)
async def test_who_was_on_a_server_that_died_or_stands_still_is_gone_in_time(
    url: str, tmp_path: Path, stack: ExitStack
) -> None:
    nodes = [NodeProcess(tmp_path / name, url, "--no-bot") for name in ("one", "two")]
    for node in nodes:
        stack.callback(node.remove)
        node.wait()
    async with world(url) as made:
        ana = await made.person(await made.start(), "ana")
        room = ana.rooms["general"]
        bruno, carla = await _on(nodes[0], "bruno", made), await _on(nodes[1], "carla", made)
        watched = {"userIds": [bruno.user_id, carla.user_id]}

        def there() -> dict[str, str]:
            return {event["userId"]: event["status"] for event in ana.got("presence")}

        there_now = (await ana.ask("watch", watched))["presence"]
        late = {user_id for user_id, one in there_now.items() if one["status"] == "offline"}
        await until(lambda: all(there().get(user_id) == "online" for user_id in late))
        acked = await bruno.post(room, "a última")
        began = time.monotonic()
        nodes[0].kill()
        nodes[1].freeze()
        await until(lambda: texts(ana, room) == ["a última"], 5.0)
        assert ana.got("message", room)[0]["seq"] == acked["seq"]
        gone = {bruno.user_id: "offline", carla.user_id: "offline"}
        await until(lambda: there() == gone, PRESENCE_SECONDS, lambda: str(there()))
        # A moment without a word is no death.
        assert time.monotonic() - began > 20
        nodes[1].thaw()


@pytest.mark.parametrize("with_redis", [True, False])
async def test_a_disabled_account_is_cut_off_on_every_server(
    url: str, redis: RedisServer, with_redis: bool
) -> None:
    async with two(url, redis if with_redis else None) as (made, ana, bruno):
        devices = [await made.again(server, bruno) for server in made.servers]

        def disable(tx: Tx) -> None:
            people.disable(tx, bruno.user_id)
            sessions.revoke_all(tx, bruno.user_id)

        # As `admin` does, past all servers.
        await asyncio.to_thread(made.servers[0].database.append, [disable])
        await until(lambda: all(device.closed for device in (bruno, *devices)), 5.0)
        assert not ana.closed
