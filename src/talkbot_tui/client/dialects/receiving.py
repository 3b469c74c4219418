"""What events of a foreign server mean: each becomes events of the core, or is told as it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from talkbot_tui.client.dialects import Incoming, Misfit, Several
from talkbot_tui.client.dialects.declared import Receive
from talkbot_tui.client.dialects.foreign_state import ForeignState
from talkbot_tui.client.dialects.incoming import UNTAKEN, Found, Said, Unfit, fits, id_of, raw
from talkbot_tui.client.dialects.numbered import RoomLog
from talkbot_tui.core import arrivals as a
from talkbot_tui.core.model import LogEvent, Presence, PresenceInfo, User
from talkbot_tui.core.text import clean_line

SHOWN_MAX = 5
"""So many events of a connection that do not fit are shown as they came; the rest is counted."""
SERVER = User("\0server", "server", bot=True)


class Receiver:
    """Takes what comes, in its order."""

    def __init__(self, state: ForeignState) -> None:
        """`state`: the rooms that it goes to."""
        self._state = state
        self._shown = 0

    def begin(self) -> None:
        """Another connection: what does not fit is shown again."""
        self._shown = 0

    def take(self, name: str, arguments: tuple[object, ...]) -> Incoming | None:
        """What a frame means; None for an event of which the dialect says nothing."""
        if name == UNTAKEN:
            return self._misfit(name, arguments, "binary data")
        rules = self._state.declared.receive.get(name)
        if rules is None:
            return None
        rule = next((rule for rule in rules if fits(rule, arguments)), None)
        if rule is None:
            return self._misfit(name, arguments, "no rule fits")
        try:
            return _TAKEN[rule.kind](self, Found(rule, arguments, self._state.known()), rule)
        except Unfit as error:
            return self._misfit(name, arguments, f"{rule.kind}.{error}")

    # --- one method for each kind of event --------------------------------------------

    def said(self, found: Found, rule: Receive) -> Incoming:
        """One message."""
        del rule
        event = self._take(found.said())
        return a.LogArrived(() if event is None else (event,))

    def directly(self, found: Found, rule: Receive) -> Incoming:
        """A message for us alone, or one of ours that comes back."""
        del rule
        said = found.said()
        to = found.name("to")
        mine = self._state.is_me(said.author)
        if mine and not to:
            raise Unfit("to")
        peer = self._known(to) if mine else User(said.author, said.name)
        event = self._take(said, self._state.direct(peer))
        return a.LogArrived(() if event is None else (event,))

    def history(self, found: Found, rule: Receive) -> Incoming:
        """Messages from before; those that are here already are known by their ids."""
        del rule
        said, unfit = [], 0
        for element in found.elements():
            try:
                said.append(element.said())
            except Unfit:
                unfit += 1
        taken = [self._take(one) for one in said]
        arrived = a.LogArrived(tuple(event for event in taken if event is not None))
        return Misfit(f"history: {unfit} messages", (arrived,)) if unfit else arrived

    def came(self, found: Found, rule: Receive) -> Incoming:
        """Somebody joined or left."""
        log = self._state.room(found.name("room"))
        user = self._user(found)
        if user == self._state.me:
            return Several(())
        status = Presence.OFFLINE if rule.kind == "left" else Presence.ONLINE
        event = log.member(user, rule.kind)
        hint = a.PresenceHint(((user.user_id, PresenceInfo(status)),))
        return Several((a.LogArrived((event,)), hint))

    def users(self, found: Found, rule: Receive) -> Incoming:
        """Everybody who is there."""
        del rule
        log = self._state.room(found.name("room"))
        users = [self._user(one) for one in found.elements()]
        log.members.clear()
        for user in (self._state.me, *users):
            log.met(user)
        return Several((a.MembersArrived(log.id, tuple(log.members.values())), presence(log)))

    def writes(self, found: Found, rule: Receive) -> Incoming:
        """Somebody writes, or stopped."""
        del rule
        log = self._state.room(found.name("room"))
        user = self._user(found)
        log.met(user)
        members = a.MembersArrived(log.id, tuple(log.members.values()))
        return Several((members, a.TypingHint(log.id, user.user_id, found.flag("on", True))))

    def told(self, found: Found, rule: Receive) -> Incoming:
        """The server says something: a notice, or an error."""
        words = clean_line(found.word("text", needed=True))
        room = self._state.room(found.name("room"))
        if rule.kind == "error":
            return a.OperationRefused(room.id, "", "refused_there", words)
        event = room.post(SERVER, words, self._state.clock(), "", mention=False)
        return a.LogArrived((event,))

    def nothing(self, found: Found, rule: Receive) -> Incoming:
        """Known, and of no interest."""
        del found, rule
        return Several(())

    # --- inside -----------------------------------------------------------------------

    def _known(self, user_id: str) -> User:
        """Somebody as he was seen before."""
        rooms = self._state.rooms.values()
        seen = (log.members[user_id].user for log in rooms if user_id in log.members)
        return next(seen, None) or User(user_id, clean_line(user_id, 64) or "?")

    def _take(self, said: Said, log: RoomLog | None = None) -> LogEvent | None:
        """A message in its place; None for one that has it already."""
        log = log or self._state.room(said.room)
        ts = said.time or self._state.clock()
        if said.offset is not None and said.offset != "":
            self._state.offset = said.offset
        mine = self._state.is_me(said.author) or self._state.declared.own_by_text
        # An id of ours says more than the author's name, which not every server tells.
        ours = mine or bool(said.client_id)
        own = log.own(said.client_id, said.id, said.text) if ours else None
        mine = own is not None or self._state.is_me(said.author)
        if own is not None:
            return log.came_back(own, ts, said.id)
        server_id = id_of(said)
        sender = self._state.me if mine else User(said.author, said.name)
        if log.holds(server_id, sender, said.text):
            return None
        log.met(sender)
        mention = self._state.names_me(said.text)
        return log.post(sender, said.text, ts, server_id, mention)

    def _user(self, found: Found) -> User:
        author = found.name("author", needed=True)
        name = clean_line(found.word("author_name") or author, 64) or "?"
        return self._state.me if self._state.is_me(author) else User(author, name)

    def _misfit(self, name: str, arguments: Sequence[object], why: str) -> Misfit:
        """What does not fit is shown as it came, a few times."""
        self._shown += 1
        if self._shown > SHOWN_MAX:
            return Misfit(f"{name}: {why}")
        log = self._state.room("")
        event = log.post(SERVER, raw(name, arguments), self._state.clock(), "", mention=False)
        return Misfit(f"{name}: {why}", (a.LogArrived((event,)),))


def presence(log: RoomLog) -> a.PresenceHint:
    """Who is known to be in a room is there."""
    online = PresenceInfo(Presence.ONLINE)
    return a.PresenceHint(tuple((user_id, online) for user_id in log.members))


_TAKEN: dict[str, Callable[[Receiver, Found, Receive], Incoming]] = {
    "message": Receiver.said,
    "direct": Receiver.directly,
    "history": Receiver.history,
    "joined": Receiver.came,
    "left": Receiver.came,
    "users": Receiver.users,
    "typing": Receiver.writes,
    "error": Receiver.told,
    "notice": Receiver.told,
    "ignore": Receiver.nothing,
}
