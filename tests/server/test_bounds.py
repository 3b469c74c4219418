"""What one person can make the server do, or another one swallow, has a bound."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import msgspec
import pytest

from talkbot_tui.client.bounded import ANSWER_MAX
from talkbot_tui.server import service_reading, service_rooms
from talkbot_tui.server.storage import rooms
from talkbot_tui.wire.acks import SyncRoom
from talkbot_tui.wire.client_events import CreateConversation, Leave, Sync
from talkbot_tui.wire.scalars import ANSWER_BYTES_MAX
from tests.server.peers import Person, fresh
from tests.server.test_rules import World, world
from tests.serving import PASSWORD, register, running_server

__all__ = ["world"]

TOPIC = "\N{PARTY POPPER}" * 500


def crowded(world: World, count: int) -> None:
    """Ana makes rooms with long topics, and brings Bruno into each."""
    ana, bruno = (world.actors[name] for name in ("ana", "bruno"))

    def fill(tx: object) -> None:
        for number in range(count):
            asked = CreateConversation(
                kind="group",
                name=f"room {number}",
                topic=TOPIC,
                members=[bruno.user_id],
                client_op_id=fresh(),
            )
            service_rooms.create(tx, ana, asked)  # type: ignore[arg-type]  # the store's own

    world.run(fill)


def synced(world: World, name: str) -> list[SyncRoom]:
    asked = Sync(cursors={}, limit=200)
    found: list[SyncRoom] = world.run(
        lambda tx: service_reading.sync(tx, world.actors[name], asked, "epoch")
    )
    return found


def test_rooms_that_others_made_fit_into_an_answer_that_clients_read(world: World) -> None:
    crowded(world, rooms.MEMBERSHIPS_MAX - 1)
    told = synced(world, "bruno")
    assert len(told) == rooms.MEMBERSHIPS_MAX
    assert len(msgspec.json.encode(told)) < ANSWER_MAX * 2 / 3
    # No more of them; one that is left makes room.
    bruno = world.actors["bruno"].user_id
    more = CreateConversation(kind="group", members=[bruno], client_op_id=fresh())
    assert world.refused("carla", more) == "limit"
    world.do("bruno", Leave(conversation_id=world.room, client_op_id=fresh()))
    world.do("carla", more)
    assert len(synced(world, "bruno")) == rooms.MEMBERSHIPS_MAX


def test_what_does_not_fit_is_left_out_of_a_sync_before_any_room_is(world: World) -> None:
    crowded(world, 200)
    told = synced(world, "bruno")
    assert len(told) == 201
    assert all(room.conversation.topic for room in told[1:])
    size = len(msgspec.json.encode(told))
    bare = [msgspec.structs.replace(room, reads={}, last_message=None, events=[]) for room in told]
    assert size <= max(ANSWER_BYTES_MAX, len(msgspec.json.encode(bare)) + 1)


@pytest.mark.parametrize("path", ["/api/me", "/readyz"])
async def test_an_address_asks_only_so_often_over_http(path: str) -> None:
    limits = {"address_requests_burst": 5, "address_requests_per_second": 0.01}
    async with running_server(**limits) as server, aiohttp.ClientSession() as http:
        seen = []
        for _ in range(7):
            async with http.get(server.url + path) as answer:
                seen.append(answer.status)
        assert seen[-2:] == [429, 429]
        assert 429 not in seen[:5]
        assert int(answer.headers["Retry-After"]) > 1
        async with http.get(server.url + "/healthz") as answer:
            assert answer.status == 200


async def test_a_user_looks_up_no_more_over_http_than_over_a_socket() -> None:
    async with running_server() as server, aiohttp.ClientSession() as http:
        tokens = await register(server, "ana")
        head = {"Authorization": f"Bearer {tokens['accessToken']}"}
        statuses = []
        for _ in range(300):
            async with http.get(server.url + "/api/tokens", headers=head) as answer:
                statuses.append(answer.status)
        assert statuses.count(200) >= 200
        assert statuses[-1] == 429


async def test_accounts_are_not_made_without_end() -> None:
    limits = {"registrations_burst": 3, "registrations_per_second": 0.01}
    async with running_server(**limits) as server, aiohttp.ClientSession() as http:
        seen = []
        for name in ("ana", "bruno", "carla", "dora"):
            body = {"username": name, "password": PASSWORD}
            async with http.post(server.url + "/api/register", json=body) as answer:
                seen.append(answer.status)
        assert seen == [201, 201, 201, 429]


async def test_made_up_conversations_bring_no_fresh_burst_of_typing(tmp_path: Path) -> None:
    async with running_server(data_dir=tmp_path) as server:
        ana = Person(server, await register(server, "ana"))
        await ana.connect()
        for number in range(200):
            await ana.client.emit(
                "typing", {"conversationId": f"made-up-{number}", "on": True}, namespace="/chat"
            )
        await ana.wait("limited")
        assert {event["event"] for event in ana.got("limited")} == {"typing"}
        await ana.client.disconnect()
