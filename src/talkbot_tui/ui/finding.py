"""A search under way: what is asked, what was found here and at the server. No widget."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from talkbot_tui import i18n
from talkbot_tui.core import search
from talkbot_tui.core.model import Message
from talkbot_tui.core.search import Ask, Found, Hit
from talkbot_tui.core.text import one_line
from talkbot_tui.ui import when, words
from talkbot_tui.ui.desk import Desk

_ = i18n.Domain("app")

_FILTER = re.compile(r'(from|in|before|after):("[^"]*"|\S+)\s*')


@dataclass(slots=True)
class Hunt:
    """One search, kept while its hits are looked at.

    typed: as in the field. ask: what it means. hits: newest first. more: there are older ones
    here. problem: why something may be missing, a line for the user. origin: the room from which
    it was begun. chosen: the hit that is marked. remote: the server was asked, too. visited: a
    hit was looked at.
    """

    origin: str
    typed: str = ""
    ask: Ask = field(default_factory=lambda: Ask(""))
    hits: list[Hit] = field(default_factory=list)
    more: int = 0
    problem: str = ""
    chosen: int = 0
    remote: bool = False
    visited: bool = False

    def took(self, found: Found, *, first: bool) -> None:
        """A page from the cache came."""
        self.hits = list(found.hits) if first else self.hits + list(found.hits)
        self.more = found.more
        self.problem = problem_line(found)

    def took_remote(self, messages: list[Message]) -> None:
        """The server's hits came: what is here already is not shown twice."""
        known = {hit.message.server_msg_id for hit in self.hits}
        query = search.parse(self.ask.words)
        for message in messages:
            if message.server_msg_id not in known and search.wanted(message, self.ask):
                self.hits.append(Hit(message, search.snippet(message.text, query)))
        self.hits.sort(key=lambda hit: (hit.message.ts, hit.message.seq), reverse=True)
        self.remote = True


def understood(typed: str, desk: Desk, now: int, zone: tzinfo | None) -> Ask | str:
    """What is asked: `from:ana in:#room before:2026-11-03 words`; or why not, in one line."""
    ask = Ask(_FILTER.sub("", typed).strip())
    for name, value in _FILTER.findall(typed):
        value = value.strip('"')
        if name == "from":
            user_id = _person(value, desk)
            if not user_id:
                return _("There is nobody called {name} in your rooms.").format(name=_clip(value))
            ask = replace(ask, sender_id=user_id)
        elif name == "in":
            rooms = desk.find_rooms(value)
            if not rooms:
                return _("You are in no room called {name}.").format(name=_clip(value))
            ask = replace(ask, conversation_id=rooms[0].conversation.conversation_id)
        else:
            moment = when.parse(value, now, zone)
            if moment is None:
                return not_a_time(value)
            ask = replace(ask, until=moment) if name == "before" else replace(ask, since=moment)
    return ask


def not_a_time(text: str) -> str:
    """What is no time, and how times are written."""
    line = _("{text} is no time; write 2026-11-03, 14:30 or yesterday.")
    return line.format(text=_clip(text))


def problem_line(found: Found) -> str:
    """Why something may be missing, "" when nothing is."""
    if found.problem == "building":
        percent = int(found.indexed * 100)
        return _("older messages are still being indexed ({n} %)").format(n=percent)
    return {
        "empty": _("type a word to find"),
        "too_short": _("type two letters or more before *"),
        "unavailable": _("nothing can be searched on this computer"),
    }.get(found.problem, "")


def _person(name: str, desk: Desk) -> str:
    bare = name.lstrip("@").casefold()
    session = desk.engine.session
    if bare in ("me", "eu", session.me.name.casefold()):
        return session.me.user_id
    for room in session.rooms():
        members = session.roster(room.conversation.conversation_id)
        people = [member.user for member in members]
        if room.conversation.peer is not None:
            people.append(room.conversation.peer)
        for user in people:
            if bare in (user.name.casefold(), words.name_of(user).casefold()):
                return user.user_id
    return ""


def _clip(text: str) -> str:
    return one_line(text, 32)
