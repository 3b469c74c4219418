"""Questions and deeds outside the session, as far as a foreign server has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from talkbot_tui.client.dialects.foreign_state import ForeignState
from talkbot_tui.client.dialects.incoming import Unfit
from talkbot_tui.client.dialects.steps import perform
from talkbot_tui.client.lookups import LookupFailed, Lookups
from talkbot_tui.client.transport import LinkLost, Refused, Transport
from talkbot_tui.core.arrivals import Resync
from talkbot_tui.core.events import Event, ReconnectNow
from talkbot_tui.core.model import Conversation, Kind, User
from talkbot_tui.core.text import clean_name

ROOM_MAX = 200


@dataclass(frozen=True, slots=True)
class ForeignLookups(Lookups):
    """Joining and leaving as the dialect says; people and rooms as far as they are known.

    Attributes:
        state: who we are there, and the rooms.
        transport: gives the present connection.
        feed: takes an event for the session.
    """

    state: ForeignState
    transport: Callable[[], Transport | None]
    feed: Callable[[Event], None]

    async def users(self, prefix: str = "", limit: int = 20) -> tuple[User, ...]:
        """People who were seen in a room."""
        seen = {
            member.user.user_id: member.user
            for log in self.state.rooms.values()
            for member in log.members.values()
            if member.user != self.state.me
        }
        wanted = prefix.casefold()
        return tuple(u for u in seen.values() if u.name.casefold().startswith(wanted))[:limit]

    async def channels(self, prefix: str = "", limit: int = 100) -> tuple[Conversation, ...]:
        """Our rooms, and one of exactly that name: what there is besides, nobody tells."""
        if self.state.declared.mode == "single":
            raise LookupFailed("not_offered")
        rooms = [log.conversation for log in self.state.rooms.values()]
        ours = [room for room in rooms if room.peer is None]
        found = [room for room in ours if room.name.startswith(prefix)]
        if prefix and all(room.conversation_id != prefix for room in ours):
            found.append(Conversation(prefix, Kind.CHANNEL, clean_name(prefix)))
        return tuple(found[:limit])

    async def open_direct(self, user_id: str) -> Conversation:
        """The conversation with somebody who was seen."""
        found = [user for user in await self.users(limit=ROOM_MAX) if user.user_id == user_id]
        if self.state.declared.direct is None:
            raise LookupFailed("not_offered")
        if not found:
            raise LookupFailed("not_found")
        try:
            log = self.state.direct(found[0])
        except Unfit:
            raise LookupFailed("limit") from None
        self.feed(Resync())
        return log.conversation

    async def join(self, conversation_id: str) -> Conversation:
        """Enter a room; where we can be in one only, leave the other for it."""
        declared = self.state.declared
        if declared.mode == "single" or declared.join is None or len(conversation_id) > ROOM_MAX:
            raise LookupFailed("not_offered")
        others = list(self.state.wanted) if declared.mode == "one" else []
        if others and declared.leave is None:
            # There is no way out of a room but another connection.
            for room in others:
                self.state.quit(room)
            log = self.state.enter(conversation_id)
            self.feed(ReconnectNow())
            return log.conversation
        transport = self._transport()
        try:
            for room in others:
                await self._leave(transport, room)
            await perform(declared.join, conversation_id, self.state, transport)
        except Refused as refused:
            raise LookupFailed(refused.code, refused.message) from None
        except LinkLost:
            raise LookupFailed("offline") from None
        log = self.state.enter(conversation_id)
        self.feed(Resync())
        return log.conversation

    async def leave(self, conversation_id: str) -> None:
        """Go out of a room; the last one cannot be left, one leaves the server."""
        if self.state.wanted == [conversation_id] or conversation_id not in self.state.wanted:
            raise LookupFailed("not_offered")
        if self.state.declared.leave is None:
            self.state.quit(conversation_id)
            self.feed(ReconnectNow())
            return
        try:
            await self._leave(self._transport(), conversation_id)
        except LinkLost:
            raise LookupFailed("offline") from None
        self.feed(Resync())

    async def _leave(self, transport: Transport, room: str) -> None:
        emit = self.state.declared.leave
        assert emit is not None
        await transport.emit(emit.event, emit.fill(self.state.known(room)))
        self.state.quit(room)

    def _transport(self) -> Transport:
        transport = self.transport()
        if transport is None:
            raise LookupFailed("offline")
        return transport
