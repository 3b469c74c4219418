"""Refresh tokens that were copied, and sign-ins that follow a revocation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from talkbot_tui.server.passwords import Hasher
from talkbot_tui.server.storage import people as accounts
from talkbot_tui.server.storage import sessions
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.errors import Refused
from tests.server.peers import Person, people
from tests.serving import PASSWORD, open_store, running_server
from tests.waiting import until


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = open_store(tmp_path / "store")
    yield database
    database.close()


class Family:
    """The refresh tokens of one session, at a time that the test decides."""

    def __init__(self, store: Database) -> None:
        self.now = 1_000_000
        self._store = store
        self.first = self._do(self._begin)

    def _do(self, unit: Callable[[Tx], Any]) -> Any:
        (found,) = self._store.append([lambda tx: unit(Tx(tx.sql, self.now))])
        if isinstance(found, Exception):
            raise found
        return found

    def _begin(self, tx: Tx) -> str:
        person = accounts.add_person(tx, "ana", "x")
        return sessions.begin(tx, person.user_id, "test", 30)[1]

    def use(self, token: str) -> str:
        """The successor, or the code of the refusal."""

        def unit(tx: Tx) -> str:
            found = sessions.rotate(tx, token, 30)
            # Returned, not raised, so that what it revoked is stored.
            return found.code.value if isinstance(found, Refused) else found[2]

        return str(self._do(unit))


@pytest.mark.parametrize("quickest", ["victim", "thief"])
def test_copies_of_a_refresh_token_used_at_once_do_not_both_go_on(
    store: Database, quickest: str
) -> None:
    family = Family(store)
    mine, stolen = family.use(family.first), family.use(family.first)
    if quickest == "thief":
        mine, stolen = stolen, mine
    family.now += 10 * 60_000
    following = family.use(mine)
    family.now += 60_000
    assert family.use(stolen) == "session_revoked"
    assert family.use(following) == "session_revoked"


def test_the_same_holds_of_a_later_generation_and_of_many(store: Database) -> None:
    family = Family(store)
    second = family.use(family.first)
    copies = [family.use(second) for _ in range(20)]
    third = family.use(copies[7])
    assert family.use(third).startswith(sessions.REFRESH_PREFIX)
    assert family.use(copies[19]) == "session_revoked"


def test_a_lost_answer_is_forgiven_until_its_successor_is_used(store: Database) -> None:
    family = Family(store)
    token = family.first
    for _ in range(3):
        family.use(token)
        family.now += 59_000
        following = family.use(token)
        # The answer to that came, so nobody asks with the one that was lost.
        family.now += 14 * 60_000
        token = following
    family.use(token)
    family.now += 61_000
    assert family.use(token) == "session_revoked"


async def test_who_signs_in_after_everything_was_revoked_stays() -> None:
    async with running_server(poll_seconds=1.0) as server, people(server, "ana") as (ana,):
        other = open_store(server.config.data_dir)
        try:
            other.append([lambda tx: sessions.revoke_all(tx, ana.user_id)])
        finally:
            other.close()
        body = {"username": "ana", "password": PASSWORD}
        _status, tokens = await ana.http("POST", "/api/login", body)
        again = Person(server, tokens)
        await again.connect()
        assert (await ana.wait("goodbye"))["code"] == "session_revoked"
        await again.ask("heads", {"heads": {}})
        assert not again.got("goodbye")
        await again.client.shutdown()


async def test_a_bots_fresh_token_is_not_ended_with_its_earlier_ones() -> None:
    async with running_server(poll_seconds=1.0) as server:
        bots = []
        for _ in range(2):
            token = await server.ensure_bot("talkbot", "TalkBot")
            bots.append(Person(server, {"accessToken": token, "user": {"userId": ""}}))
            await bots[-1].connect()
        earlier, fresh = bots
        assert (await earlier.wait("goodbye"))["code"] == "session_revoked"
        await until(lambda: earlier.closed, within=5)
        await fresh.ask("heads", {"heads": {}})
        assert not fresh.got("goodbye")
        for bot in bots:
            await bot.client.shutdown()


class Paused(Hasher):
    """Knows the answer, and tells it when the test lets it."""

    def __init__(self) -> None:
        super().__init__(64, 1)
        self.known, self.go_on = asyncio.Event(), asyncio.Event()

    async def verify(
        self, stored: str | None, password: str, allowed: Callable[[], None] = lambda: None
    ) -> bool:
        answer = await super().verify(stored, password, allowed)
        self.known.set()
        await self.go_on.wait()
        return answer


async def test_a_password_that_was_changed_while_it_was_checked_opens_nothing() -> None:
    async with running_server() as server, people(server, "ana") as (ana,):
        server.accounts.hasher.close()
        server.accounts.hasher = paused = Paused()
        body = {"username": "ana", "password": PASSWORD}
        slow = asyncio.create_task(ana.http("POST", "/api/login", body))
        await paused.known.wait()
        other = await paused.hash("another password")

        def changed(tx: Tx) -> None:
            accounts.set_password(tx, ana.user_id, other)
            sessions.revoke(tx, ana.user_id)

        await server.database.write(changed)
        paused.go_on.set()
        status, answer = await slow
        assert (status, answer["error"]["code"]) == (401, "bad_credentials")
        status, _ = await ana.http("POST", "/api/login", {**body, "password": "another password"})
        assert status == 200
