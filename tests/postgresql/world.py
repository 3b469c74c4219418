"""People in a room, straight on the store, and what is stored of what they said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from talkbot_tui.server import service_messages, service_rooms
from talkbot_tui.server.outcome import Actor, Outcome
from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.place import DatabaseOptions
from talkbot_tui.server.storage.schema import event
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.acks import MessageAck
from talkbot_tui.wire.client_events import SendMessage

QUICK = DatabaseOptions(statement=5, lock=1.0, connect=2, reconnect=10)


class Room:
    """The default channel and somebody in it."""

    def __init__(self, store: Database, *names: str) -> None:
        (self.place,) = store.append([lambda tx: service_rooms.create_default(tx, "general")])
        self.actors = [self._join(store, name) for name in names or ("ana",)]

    def _join(self, store: Database, name: str) -> Actor:
        def unit(tx: Tx) -> Actor:
            person = people.add_person(tx, name, None)
            service_rooms.welcome(tx, person, "")
            return Actor(person)

        (made,) = store.append([unit])
        assert isinstance(made, Actor), made
        return made

    def post(self, client_msg_id: str, who: int = 0) -> Callable[[Tx], Outcome]:
        asked = SendMessage(
            conversation_id=self.place, text=client_msg_id, client_msg_id=client_msg_id
        )
        return lambda tx: service_messages.post(tx, self.actors[who], asked)


def seq_of(done: Outcome) -> int:
    assert isinstance(done.answer, MessageAck)
    return done.answer.seq


def stored(store: Database, place: str) -> tuple[dict[str, int], list[int]]:
    """The messages by their senders' ids, and every number of the log."""

    def ask(tx: Tx) -> Any:
        rows = tx.sql.execute(sa.text("SELECT client_msg_id, seq FROM message")).all()
        seqs = sa.select(event.c.seq).where(event.c.conversation_id == place).order_by(event.c.seq)
        assert len({row[0] for row in rows}) == len(rows)
        return {row[0]: row[1] for row in rows}, list(tx.sql.scalars(seqs))

    found: tuple[dict[str, int], list[int]] = store.ask(ask)
    return found
