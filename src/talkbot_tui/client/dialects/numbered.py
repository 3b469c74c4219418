"""A log for servers that keep none: the client numbers what it sees, in the order it sees it.

The core goes by dense numbers (`seq`). Here they are ours, mean nothing to the server, and
begin with each start; what was said while we were away has none and is told of by a note.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from talkbot_tui.core.model import (
    Conversation,
    ConversationChanged,
    Kind,
    LogEvent,
    Member,
    MemberChanged,
    Message,
    MessagePosted,
    RoomSnapshot,
    SendState,
    User,
)
from talkbot_tui.core.text import clean_name

RECENT_MAX = 500
"""So many events of a room are kept for an answer to `sync`."""
IDS_MAX = 5_000
"""So many ids of messages are known again."""
UNSETTLED_MAX, OWNED_MAX = 64, 500
"""So many messages of ours wait to be seen again, and are known at all."""
MEMBERS_MAX = 2_000
UNREAD_MAX = 10_000


@dataclass(slots=True)
class Own:
    """A message of ours that was sent; `seq` is 0 until it has a place."""

    client_msg_id: str
    text: str
    server_msg_id: str = ""
    seq: int = 0


@dataclass(slots=True)
class RoomLog:
    """One room.

    Attributes:
        head: the highest number given.
        read: our read mark, in these numbers.
        unread: seqs of others' messages above it, and whether they name us.
        members: who is known to be there, by id.
        unsettled: messages of ours that may still come back to us, the oldest first.
    """

    conversation: Conversation
    me: User
    clock: Callable[[], int]
    head: int = 0
    read: int = 0
    unread: dict[int, bool] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    unsettled: list[Own] = field(default_factory=list)
    _owned: OrderedDict[str, Own] = field(default_factory=OrderedDict)
    _recent: deque[LogEvent] = field(default_factory=lambda: deque(maxlen=RECENT_MAX))
    _ids: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _seen: OrderedDict[tuple[str, str, str], None] = field(default_factory=OrderedDict)

    @property
    def id(self) -> str:
        """The room as the server calls it."""
        return self.conversation.conversation_id

    def note(self, change: str) -> LogEvent:
        """Something that happened to the room itself, as one quiet line."""
        return self._keep(
            ConversationChanged(
                self.id, self.head + 1, self.clock(), self.me, self.conversation, change
            )
        )

    def member(self, user: User, change: str) -> LogEvent:
        """Somebody joined or left."""
        if change == "left":
            self.members.pop(user.user_id, None)
        else:
            self.met(user)
        return self._keep(MemberChanged(self.id, self.head + 1, self.clock(), user, user, change))

    def holds(self, server_msg_id: str, sender: User, text: str) -> bool:
        """Whether this message has a place: same id, author and words.

        The id alone does not tell: many servers count anew when they are started again.
        """
        return bool(server_msg_id) and (server_msg_id, sender.user_id, text) in self._seen

    def post(self, sender: User, text: str, ts: int, server_msg_id: str, mention: bool) -> LogEvent:
        """Somebody's message; `server_msg_id` "" where the server gave none."""
        unique = self._unique(server_msg_id, sender, text)
        message = Message(
            key=unique,
            conversation_id=self.id,
            sender=sender,
            text=text,
            ts=ts,
            server_msg_id=unique,
            seq=self.head + 1,
            mentions=(self.me.user_id,) if mention else (),
        )
        if sender.user_id != self.me.user_id and len(self.unread) < UNREAD_MAX:
            self.unread[message.seq] = mention
        return self._keep(MessagePosted(self.id, message.seq, ts, sender, message))

    def sent(self, client_msg_id: str, text: str, *, echo: bool) -> Own:
        """A message of ours is on its way, and comes back where there is an `echo`."""
        own = self._owned.get(client_msg_id)
        if own is None:
            own = self._owned[client_msg_id] = Own(client_msg_id, text)
            if len(self._owned) > OWNED_MAX:
                self._owned.popitem(last=False)
        if echo and not own.seq and own not in self.unsettled:
            self.unsettled.append(own)
            del self.unsettled[:-UNSETTLED_MAX]
        return own

    def refused(self, own: Own) -> None:
        """It will not come back; sent again, it is a new one."""
        self._owned.pop(own.client_msg_id, None)
        if own in self.unsettled:
            self.unsettled.remove(own)

    def place(self, own: Own, server_msg_id: str = "") -> int:
        """Give a message of ours its number, once; the same again for the same message."""
        if not own.seq:
            self.head += 1
            own.seq = self.head
            own.server_msg_id = self._unique(server_msg_id, self.me, own.text)
        return own.seq

    def came_back(self, own: Own, ts: int, server_msg_id: str) -> LogEvent:
        """The server sent a message of ours to everybody: it has arrived."""
        self.place(own, server_msg_id)
        self._see(server_msg_id, self.me, own.text)
        if own in self.unsettled:
            self.unsettled.remove(own)
        message = Message(
            key=own.client_msg_id,
            conversation_id=self.id,
            sender=self.me,
            text=own.text,
            ts=ts,
            client_msg_id=own.client_msg_id,
            server_msg_id=own.server_msg_id,
            seq=own.seq,
            state=SendState.SENT,
        )
        posted = MessagePosted(self.id, own.seq, ts, self.me, message)
        self._recent.append(posted)
        return posted

    def own(self, client_id: str, server_id: str, text: str) -> Own | None:
        """Which message of ours this is, by the best that is told of it."""
        if client_id:
            return self._owned.get(client_id)
        by_id = (own for own in self.unsettled if server_id and own.server_msg_id == server_id)
        by_text = (own for own in self.unsettled if own.text == text)
        return next(by_id, None) or next(by_text, None)

    def met(self, user: User) -> bool:
        """Somebody is there; False when that is no news."""
        if user.user_id in self.members or len(self.members) >= MEMBERS_MAX:
            return False
        self.members[user.user_id] = Member(user)
        return True

    def read_up_to(self, seq: int) -> None:
        """Our read mark, which nobody else hears of."""
        self.read = max(self.read, seq)
        self.unread = {n: mention for n, mention in self.unread.items() if n > self.read}

    def snapshot(self, cursor: int) -> RoomSnapshot:
        """The room as an answer to a `sync` with this cursor."""
        events = {event.seq: event for event in self._recent if event.seq > cursor}
        first = self.head + 1
        while first - 1 in events:
            first -= 1
        return RoomSnapshot(
            self.conversation,
            self.head,
            self.read,
            len(self.unread),
            sum(self.unread.values()),
            first,
            tuple(events[seq] for seq in range(first, self.head + 1)),
            first > cursor + 1,
        )

    def _unique(self, server_msg_id: str, sender: User, text: str) -> str:
        """The id, or another one where an earlier message has it already."""
        self._see(server_msg_id, sender, text)
        unique = server_msg_id if server_msg_id and server_msg_id not in self._ids else new_id()
        self._ids[unique] = None
        if len(self._ids) > IDS_MAX:
            self._ids.popitem(last=False)
        return unique

    def _see(self, server_msg_id: str, sender: User, text: str) -> None:
        if server_msg_id:
            self._seen[server_msg_id, sender.user_id, text] = None
            if len(self._seen) > IDS_MAX:
                self._seen.popitem(last=False)

    def _keep(self, event: LogEvent) -> LogEvent:
        self.head = max(self.head, event.seq)
        self._recent.append(event)
        return event


def new_direct(peer: User, me: User, clock: Callable[[], int]) -> RoomLog:
    """A conversation with one person, that begins now."""
    log = RoomLog(Conversation(direct_id(peer.user_id), Kind.DIRECT, peer=peer), me, clock)
    log.members = {user.user_id: Member(user) for user in (me, peer)}
    return log


def direct_id(user_id: str) -> str:
    """How we name the conversation with a person; no server's room is called so."""
    return f"\0@{user_id}"


def new_room(room: str, me: User, clock: Callable[[], int]) -> RoomLog:
    """A room that begins now."""
    name = clean_name(room[:64]) or "?"
    log = RoomLog(Conversation(room, Kind.CHANNEL, name), me, clock)
    log.members[me.user_id] = Member(me)
    return log


def new_id() -> str:
    """An id for a message to which the server gave none."""
    return "local-" + secrets.token_hex(8)
