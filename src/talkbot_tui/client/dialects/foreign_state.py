"""What both directions of a foreign conversation share: who we are, the rooms, the connection."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence

from talkbot_tui.client.dialects.declared import Declared
from talkbot_tui.client.dialects.incoming import Unfit
from talkbot_tui.client.dialects.numbered import RoomLog, direct_id, new_direct, new_room
from talkbot_tui.client.dialects.paths import Template
from talkbot_tui.client.transport import Frame
from talkbot_tui.core.model import User
from talkbot_tui.core.text import clean_line

ROOMS_MAX = 200
SESSION_MAX = 1_000
ROOM = "general"


class ForeignState:
    """One account on one foreign server.

    Attributes:
        declared: what the dialect's file says.
        name: how we are called there. me: ourselves; the id is never sent.
        rooms: every room seen, by the server's name for it.
        wanted: the rooms that a connection has to join, in order.
        session: the id that the server handed out, "" before it did.
        offset: how far we are, as the server counts it; None before it said so.
        sid: the present connection's id, "" before it stands.
        clock: the time in ms.
    """

    def __init__(
        self, declared: Declared, name: str, rooms: Sequence[str], clock: Callable[[], int]
    ) -> None:
        """`rooms`: where we go; without any, where the dialect says."""
        self.declared = declared
        self.name = name
        self.me = User(f"\0me:{name}", clean_line(name, 64) or "?")
        self.wanted = [*dict.fromkeys(filter(None, rooms))] or [declared.room or ROOM]
        self.rooms: dict[str, RoomLog] = {}
        self.session = ""
        self.offset: object = None
        self.sid = ""
        self.clock = clock
        self._began = False
        self._expected: list[tuple[frozenset[str], asyncio.Future[Frame]]] = []
        self._mention = re.compile(rf"(?<!\w)@{re.escape(name)}(?!\w)", re.IGNORECASE)
        for room in self.wanted:
            self.room(room)

    def begin(self) -> None:
        """A connection stands, and its rooms are joined: what was said before, nobody tells."""
        for log in self.rooms.values():
            if (note := self._note(again=self._began)) is not None:
                log.note(note)
        self._began = True

    def _note(self, *, again: bool) -> str | None:
        """What is to be said of a beginning; nothing where the server sends what we missed."""
        if self.declared.recovers:
            return None
        if self.declared.sends_history:
            return "again" if again else None
        return "missed" if again else "begins"

    def room(self, room: str) -> RoomLog:
        """The room of that name, made where it is new; "" for the first.

        Past a bound, and where a server has no rooms, everything is in the first.
        """
        if room in self.rooms:
            return self.rooms[room]
        if not room or self.declared.mode == "single" or len(self.rooms) >= ROOMS_MAX:
            room = self.wanted[0]
        return self.rooms.get(room) or self._open(new_room(room, self.me, self.clock))

    def direct(self, peer: User) -> RoomLog:
        """The conversation with one person; raises `Unfit` past a bound."""
        log = self.rooms.get(direct_id(peer.user_id))
        if log is None and len(self.rooms) >= ROOMS_MAX:
            raise Unfit("too many conversations")
        return log or self._open(new_direct(peer, self.me, self.clock))

    def _open(self, log: RoomLog) -> RoomLog:
        self.rooms[log.id] = log
        if self._began and (note := self._note(again=False)) is not None:
            log.note(note)
        return log

    def enter(self, room: str) -> RoomLog:
        """We are in this room, and shall be after the next connect."""
        if room not in self.wanted:
            self.wanted.append(room)
        return self.room(room)

    def quit(self, room: str) -> None:
        """We are in this room no more."""
        self.wanted = [name for name in self.wanted if name != room]
        self.rooms.pop(room, None)

    def known(self, room: str = "", **more: object) -> dict[str, object]:
        """What the names in templates stand for now."""
        found: dict[str, object] = {"me": self.name, "room": room or self.wanted[0], **more}
        if self.sid:
            found["sid"] = self.sid
        if self.session:
            found["session"] = self.session
        if self.offset is not None:
            found["offset"] = self.offset
        return found

    def look(self, name: str, arguments: tuple[object, ...]) -> None:
        """A frame may hand out the session, or be waited for, whatever else it means."""
        for names, future in self._expected:
            if name in names and not future.done():
                future.set_result((name, arguments))
        self._expected = [(names, f) for names, f in self._expected if not f.done()]
        kept = self.declared.session
        if kept is not None and kept.event == name:
            value = kept.id.find(arguments)
            if isinstance(value, str) and 0 < len(value) <= SESSION_MAX and value.isprintable():
                self.session = value

    def expect(self, *names: str) -> asyncio.Future[Frame]:
        """Done with the next frame of one of these names; to be cancelled by who gives up."""
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._expected.append((frozenset(names), future))
        return future

    def is_me(self, author: str) -> bool:
        """Whether the server calls us so."""
        known, ways = self.known(), self.declared.own
        return any(isinstance(way, Template) and way.fill(known) == author for way in ways)

    def names_me(self, text: str) -> bool:
        """Whether a text calls us by an @."""
        return self._mention.search(text) is not None
