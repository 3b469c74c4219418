"""In which order a conversation's log reaches this server's clients, whoever wrote it.

Of each conversation that somebody here receives, the server knows how far its log has been
shown. What it stored itself is shown at once where it is the next; otherwise, and for what
others stored, the log is read from there on. So members see everything in the order of its
numbers, and whoever was taken out on another server sees nothing that came after.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from talkbot_tui.server.fanout import Fanout
from talkbot_tui.server.nodes.hints import Told
from talkbot_tui.server.storage import log, nodes
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.errors import Refused
from talkbot_tui.wire.server_events import (
    DeleteEvent,
    EditEvent,
    LogEvent,
    MemberEvent,
    ResyncEvent,
)

logger = logging.getLogger("talkbot.server")

PAGE = 100
FAR = 300
"""Further behind than this, clients are asked to sync instead of being shown each event."""

HELD = 50
"""Events of one conversation that wait for its log."""


class Order:
    """How far the log of each conversation has been shown here."""

    def __init__(self, database: Database, fanout: Fanout, doubt: Callable[[str], None]) -> None:
        """Nothing is followed yet. `doubt`: look at a user's memberships, soon."""
        self._doubt = doubt
        self._db = database
        self._fanout = fanout
        self._shown: dict[str, int] = {}
        self._goals: dict[str, int] = {}
        self._held: dict[str, list[Told]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def followed(self) -> dict[str, int]:
        """How far each conversation that somebody here receives was shown."""
        return dict(self._shown)

    def began(self, conversation_id: str, head: int) -> None:
        """Somebody here receives it, and has been or will be told what it holds up to `head`."""
        self._shown.setdefault(conversation_id, head)

    def ended(self, conversation_id: str) -> None:
        """Nobody here receives it any more."""
        for table in (self._shown, self._goals, self._held):
            table.pop(conversation_id, None)

    def published(self, event: LogEvent) -> bool:
        """This server stored it; whether it is to be shown now."""
        conversation_id = event.conversation_id
        if not self._fanout.receivers(conversation_id):
            return True
        shown = self._shown.setdefault(conversation_id, event.seq - 1)
        if event.seq == shown + 1:
            self._shown[conversation_id] = event.seq
            return True
        self.look(conversation_id, event.seq)
        return False

    def shown(self, conversation_id: str) -> int:
        """How far; 0 for what nobody here receives."""
        return self._shown.get(conversation_id, 0)

    def tell(self, told: Told) -> None:
        """Show what is not stored, once the log has been shown as far as its sender saw it."""
        shown = self._shown.get(told.conversation_id)
        if shown is None:
            return
        if shown >= told.after:
            self._tell(told)
            return
        held = self._held.setdefault(told.conversation_id, [])
        if len(held) < HELD:
            held.append(told)
        self.look(told.conversation_id, told.after)

    def look(self, conversation_id: str, seq: int) -> None:
        """The log is said to go that far: read it from where it was shown."""
        shown = self._shown.get(conversation_id)
        if shown is None or seq <= shown:
            return
        self._goals[conversation_id] = max(seq, self._goals.get(conversation_id, 0))
        if conversation_id not in self._tasks:
            task = asyncio.ensure_future(self._follow(conversation_id))
            self._tasks[conversation_id] = task

    async def stop(self) -> None:
        """End what is being read."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, conversation_id: str) -> None:
        try:
            while self._shown.get(conversation_id, 0) < self._goals.get(conversation_id, 0):
                if not await self._read(conversation_id):
                    break
        except Refused as error:
            # The next look into the database begins again.
            logger.info("the log of a conversation cannot be read: %s", error.message)
        except Exception:
            logger.exception("the log of a conversation could not be shown")
        finally:
            del self._tasks[conversation_id]
            self._goals.pop(conversation_id, None)
            for told in self._held.pop(conversation_id, ()):
                if self._shown.get(conversation_id, 0) >= told.after:
                    self._tell(told)

    async def _read(self, conversation_id: str) -> bool:
        """Show the next page; whether there was anything."""
        above = self._shown[conversation_id]
        head, events = await self._db.read(lambda tx: _next(tx, conversation_id, above))
        if head - above > FAR:
            return await self._leap(conversation_id)
        for event in events:
            shown = self._shown.get(conversation_id)
            if shown is None:
                return False
            if event.seq == shown + 1:
                self._shown[conversation_id] = event.seq
                self._show(event)
        return bool(events)

    async def _leap(self, conversation_id: str) -> bool:
        """So much was missed that each client had better fetch what it wants."""
        while True:
            users = {who.actor.user_id for who in self._fanout.receivers(conversation_id)}
            before = {user_id: self._fanout.generation(user_id) for user_id in users}
            head, members = await self._db.read(
                lambda tx, users=users: _standing(tx, conversation_id, users)  # type: ignore[misc]  # bound now
            )
            if all(self._fanout.generation(one) == was for one, was in before.items()):
                break
        if conversation_id not in self._shown:
            return False
        self._shown[conversation_id] = max(head, self._shown[conversation_id])
        for user_id in users - members:
            self._fanout.leave(user_id, conversation_id)
        resync = ResyncEvent(conversation_ids=[conversation_id])
        self._fanout.to_room(conversation_id, "resync", resync)
        return True

    def _tell(self, told: Told) -> None:
        for name, payload in told.events():
            self._fanout.to_room(told.conversation_id, name, payload, but=told.but)

    def _show(self, event: LogEvent) -> None:
        """One event that another server stored, and what follows from it here."""
        fanout = self._fanout
        if isinstance(event, MemberEvent):
            gone = event.change in ("left", "removed")
            if gone:
                fanout.leave(event.user.user_id, event.conversation_id)
            elif event.change != "role":
                # They may have been taken out again, here, while the log was read.
                self._doubt(event.user.user_id)
            fanout.show(event)
            if gone:
                fanout.to_user(event.user.user_id, "member", event)
            return
        fanout.show(event)
        if isinstance(event, EditEvent) and event.streaming:
            return
        if fanout.streams and isinstance(event, (EditEvent, DeleteEvent)):
            fanout.streams.end(event.server_msg_id)


def _next(tx: Tx, conversation_id: str, above: int) -> tuple[int, list[LogEvent]]:
    head = nodes.heads(tx, [conversation_id]).get(conversation_id, 0)
    if head - above > FAR:
        return head, []
    return head, log.page(tx, conversation_id, above=above, limit=PAGE, newest=False)


def _standing(tx: Tx, conversation_id: str, users: Iterable[str]) -> tuple[int, set[str]]:
    head = nodes.heads(tx, [conversation_id]).get(conversation_id, 0)
    return head, nodes.members_among(tx, conversation_id, users)
