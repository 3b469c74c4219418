"""Who is there: told only to those who watch, and not more than once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.connections import Connection
from talkbot_tui.server.fanout import Fanout
from talkbot_tui.server.ids import now_ms
from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.nodes import Present
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.server_events import PresenceEvent, PresenceInfo

Status = Literal["online", "away", "offline"]


@dataclass(slots=True)
class _Person:
    status: Status = "online"
    text: str = ""
    leaving_at: float = 0.0


class PresenceBook:
    """Presence of everybody who is connected here, or was a moment ago.

    Attributes:
        elsewhere: asks the store how people are on other servers; None where there are none.
        unsaved: people whose presence here the other servers do not know yet.
    """

    def __init__(self, config: ServerConfig, database: Database, fanout: Fanout) -> None:
        """Empty: nobody is there."""
        self._config = config
        self._db = database
        self._fanout = fanout
        self._people: dict[str, _Person] = {}
        self._watchers: dict[str, set[Connection]] = {}
        self._changed: set[str] = set()
        self._last_seen: dict[str, int] = {}
        self._others: dict[str, Present] = {}
        self.elsewhere: Callable[[Tx, Iterable[str]], Mapping[str, Sequence[Present]]] | None = None
        self.unsaved: set[str] = set()
        fanout.gone.append(self.left)

    def came(self, connection: Connection) -> None:
        """A connection has signed in."""
        user_id = connection.actor.user_id
        person = self._people.get(user_id)
        if person is None:
            self._people[user_id] = _Person()
            self._note(user_id)
        else:
            # Back within the grace: nobody is told of the gap.
            person.leaving_at = 0.0

    def left(self, connection: Connection) -> None:
        """A connection is gone; the person is offline only after a grace."""
        self.watch(connection, frozenset())
        user_id = connection.actor.user_id
        person = self._people.get(user_id)
        if person is not None and not self._fanout.of_user(user_id):
            loop = asyncio.get_running_loop()
            person.leaving_at = loop.time() + self._config.presence_grace_seconds
            self._last_seen[user_id] = now_ms()

    def set(self, user_id: str, status: Literal["online", "away"], text: str | None) -> None:
        """What a person says of themselves; a text that is left out stays."""
        person = self._people.setdefault(user_id, _Person())
        told = person.text if text is None else text
        if (person.status, person.text) != (status, told):
            person.status, person.text = status, told
            self._note(user_id)

    def watch(self, connection: Connection, user_ids: frozenset[str]) -> None:
        """Replace the list of people whose presence a connection is told."""
        for user_id in connection.watching - user_ids:
            watchers = self._watchers.get(user_id, set())
            watchers.discard(connection)
            if not watchers:
                self._watchers.pop(user_id, None)
                self._others.pop(user_id, None)
        for user_id in user_ids - connection.watching:
            self._watchers.setdefault(user_id, set()).add(connection)
        connection.watching = user_ids

    def watched(self) -> Collection[str]:
        """The people whose presence somebody here is told."""
        return self._watchers.keys()

    def everybody(self) -> Collection[str]:
        """The people on this server."""
        return self._people.keys()

    def here(self, user_id: str) -> Present | None:
        """How a person is on this server."""
        person = self._people.get(user_id)
        return None if person is None else Present(person.status, person.text)

    def learn(self, user_ids: Iterable[str], found: Mapping[str, Sequence[Present]]) -> None:
        """How these people are on other servers, where those have waited for the grace."""
        for user_id in user_ids:
            if user_id not in self._watchers:
                continue
            there, known = _joined(found.get(user_id, ())), self._others.get(user_id)
            if there is not None:
                self._others[user_id] = there
            elif known is not None:
                del self._others[user_id]
            if there != known:
                self._changed.add(user_id)

    def of(self, user_id: str, last_seen: int = 0) -> PresenceInfo:
        """One person's presence; `last_seen` as stored."""
        both = [one for one in (self.here(user_id), self._others.get(user_id)) if one is not None]
        found = _joined(both)
        if found is None:
            seen = max(last_seen, self._last_seen.get(user_id, 0))
            return PresenceInfo(status="offline", last_seen=seen)
        return PresenceInfo(status=found.status, text=found.text)  # type: ignore[arg-type]  # stored only as the contract has it

    def online(self) -> int:
        """How many people and bots are there."""
        return len(self._people)

    async def run(self) -> None:
        """Tell the changes, until cancelled."""
        while True:
            await asyncio.sleep(self._config.presence_flush_seconds)
            await self._expire()
            changed, self._changed = self._changed, set()
            for user_id in changed:
                self._tell(user_id)

    def _note(self, user_id: str) -> None:
        self._changed.add(user_id)
        if self.elsewhere is not None:
            self.unsaved.add(user_id)

    def _tell(self, user_id: str) -> None:
        watchers = self._watchers.get(user_id)
        if not watchers:
            return
        now = self.of(user_id)
        seen = now.last_seen or (now_ms() if now.status == "offline" else 0)
        event = PresenceEvent(user_id=user_id, status=now.status, text=now.text, last_seen=seen)
        for connection in tuple(watchers):
            self._fanout.to(connection, "presence", event)

    async def _expire(self) -> None:
        now = asyncio.get_running_loop().time()
        gone = {
            user_id: self._last_seen.get(user_id, 0)
            for user_id, person in self._people.items()
            if person.leaving_at and now >= person.leaving_at
        }
        for user_id in gone:
            del self._people[user_id]
            self._note(user_id)
        if gone:
            await self._db.write(lambda tx: people.seen(tx, gone))


def _joined(places: Sequence[Present]) -> Present | None:
    """One person in several places: online where they are so in any."""
    if not places:
        return None
    best = [one for one in places if one.status == "online"] or list(places)
    return Present(best[0].status, next((one.text for one in best if one.text), ""))
