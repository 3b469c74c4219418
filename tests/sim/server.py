"""A chat server in memory, written from docs/protocol.md and not from the server's code.

It has no clock, no network and no connection: a request of a user gives an answer, and
what others are to be told. What a page serves is what is true now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import ReadHint, Resync
from talkbot_tui.core.model import (
    Conversation,
    ConversationChanged,
    Kind,
    Member,
    MemberChanged,
    Message,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Reaction,
    ReactionsChanged,
    RoomSnapshot,
    SyncSnapshot,
    User,
)
from tests.sim.room import Delivery, Enter, Exit, ServerRoom, Tell, Wire


@dataclass(frozen=True, slots=True)
class Join:
    """Become a member."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Stop being a member."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class Remove:
    """End another's membership."""

    conversation_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Invite:
    """Make another a member."""

    conversation_id: str
    user_id: str


class Refused(Exception):
    """A refused ack."""

    def __init__(self, code: str, *, retryable: bool = False, retry_after: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after


Outcome = tuple[Any, list[Delivery]]


class ModelServer:
    """Every number is given once, every id is honoured for ever."""

    def __init__(self, users: list[User], sync_page: int = 50, history_page: int = 200) -> None:
        self.users = {user.user_id: user for user in users}
        self.epoch = "epoch-1"
        self.sync_page = sync_page
        self.history_page = history_page
        self.rooms: dict[str, ServerRoom] = {}
        self.acks: dict[tuple[str, str], tuple[object, tuple[str, int, int]]] = {}
        self.ops: dict[tuple[str, str], object] = {}
        self._ids = 0
        self._handlers: dict[type, Callable[[User, Any], Outcome]] = {
            f.SendMessage: self._message,
            f.SendEdit: self._edit,
            f.SendDelete: self._delete,
            f.SendReaction: self._react,
            f.SendRead: self._read,
            f.FetchHistory: self._history,
            f.FetchMembers: self._members,
            f.AskHeads: self._heads,
            f.SendSync: self._sync,
            Join: self._join,
            Leave: self._leave,
            Remove: self._remove,
            Invite: self._invite,
        }

    def handle(self, user_id: str, ask: object) -> Outcome:
        """The answer, and what others are told; raises `Refused`."""
        return self._handlers[type(ask)](self.users[user_id], ask)

    def of_user(self, user_id: str) -> list[ServerRoom]:
        return [room for room in self.rooms.values() if user_id in room.members]

    # --- backups ---------------------------------------------------------------------

    def backup(self) -> ModelServer:
        """A copy that may be put in this one's place later."""
        copy = ModelServer(list(self.users.values()), self.sync_page, self.history_page)
        copy.rooms = {name: room.copy() for name, room in self.rooms.items()}
        copy.acks = dict(self.acks)
        copy.ops = dict(self.ops)
        return copy

    def restored_as(self, running: ModelServer) -> ModelServer:
        """The backup takes over: an epoch of its own, ids that were never given before."""
        self._ids = running._ids
        self.epoch = f"epoch-{int(running.epoch.split('-')[1]) + 1}"
        return self

    # --- the log -----------------------------------------------------------------------

    def create(self, room_id: str, owner: User, members: list[User]) -> list[Delivery]:
        """A new channel with these people."""
        conversation = Conversation(room_id, Kind.CHANNEL, f"name-{room_id}", role="")
        room = self.rooms[room_id] = ServerRoom(conversation)
        told: list[Delivery] = []
        for member in (owner, *members):
            room.members[member.user_id] = "owner" if member is owner else "member"
            told += [Enter(member.user_id, room_id), Tell(Resync((room_id,)), user=member.user_id)]
        event = ConversationChanged(room_id, 1, 1, owner, conversation)
        return [*told, room.place(event)]

    def _room(self, user: User, room_id: str) -> ServerRoom:
        room = self.rooms.get(room_id)
        if room is None or user.user_id not in room.members:
            raise Refused("not_found")
        return room

    def _new_id(self) -> str:
        self._ids += 1
        return f"m{self._ids}"

    def _mentioned(self, room: ServerRoom, text: str) -> tuple[str, ...]:
        return tuple(name for name in room.members if f"@{self.users[name].name}" in text)

    # --- messages ------------------------------------------------------------------------

    def _message(self, user: User, ask: f.SendMessage) -> Outcome:
        sent = ask.message
        content = (sent.conversation_id, sent.text, sent.reply_to, sent.format, sent.streaming)
        first = self.acks.get((user.user_id, sent.client_msg_id))
        if first is not None:
            if first[0] != content:
                raise Refused("id_conflict")
            return first[1], []
        room = self._room(user, sent.conversation_id)
        if not sent.text.strip():
            raise Refused("empty")
        seq = room.head + 1
        name = self._new_id()
        message = Message(
            key=sent.client_msg_id,
            conversation_id=room.id,
            sender=user,
            text=sent.text,
            ts=seq,
            client_msg_id=sent.client_msg_id,
            server_msg_id=name,
            seq=seq,
            changed_seq=seq,
            mentions=self._mentioned(room, sent.text),
        )
        room.messages[name] = message
        ack = (name, seq, seq)
        self.acks[user.user_id, sent.client_msg_id] = (content, ack)
        return ack, [room.place(MessagePosted(room.id, seq, seq, user, message))]

    def _own(self, user: User, room: ServerRoom, server_msg_id: str) -> Message:
        message = room.messages.get(server_msg_id)
        if message is None or message.deleted:
            raise Refused("not_found")
        if message.sender.user_id != user.user_id:
            raise Refused("forbidden")
        return message

    def _once(self, user: User, ask: Any) -> object:
        """The first answer to this operation, if it was asked before."""
        return self.ops.get((user.user_id, ask.client_op_id))

    def _edit(self, user: User, ask: f.SendEdit) -> Outcome:
        if (known := self._once(user, ask)) is not None:
            return known, []
        room = self._room(user, ask.conversation_id)
        old = self._own(user, room, ask.server_msg_id)
        if old.revision != ask.base_revision:
            raise Refused("edit_conflict")
        seq = room.head + 1
        now = replace(
            old,
            text=ask.text,
            revision=old.revision + 1,
            changed_seq=seq,
            mentions=self._mentioned(room, ask.text),
        )
        event = MessageEdited(
            room.id, seq, seq, user, old.server_msg_id, ask.text, now.revision, now.mentions
        )
        self.ops[user.user_id, ask.client_op_id] = (seq, now.revision)
        return (seq, now.revision), [room.change(now, event)]

    def _delete(self, user: User, ask: f.SendDelete) -> Outcome:
        if (known := self._once(user, ask)) is not None:
            return known, []
        room = self._room(user, ask.conversation_id)
        old = room.messages.get(ask.server_msg_id)
        if old is None:
            raise Refused("not_found")
        if old.sender.user_id != user.user_id and room.members[user.user_id] == "member":
            raise Refused("forbidden")
        if old.deleted:
            return room.head, []
        seq = room.head + 1
        now = replace(old, text="", deleted=True, reactions=(), mentions=(), changed_seq=seq)
        self.ops[user.user_id, ask.client_op_id] = seq
        event = MessageDeleted(room.id, seq, seq, user, old.server_msg_id)
        return seq, [room.change(now, event)]

    def _react(self, user: User, ask: f.SendReaction) -> Outcome:
        if (known := self._once(user, ask)) is not None:
            return known, []
        room = self._room(user, ask.conversation_id)
        old = room.messages.get(ask.server_msg_id)
        if old is None or old.deleted:
            raise Refused("not_found")
        reactions = _with(old.reactions, ask.emoji, user.user_id, ask.on)
        if reactions == old.reactions:
            return room.head, []
        seq = room.head + 1
        now = replace(old, reactions=reactions, changed_seq=seq)
        self.ops[user.user_id, ask.client_op_id] = seq
        event = ReactionsChanged(room.id, seq, seq, user, old.server_msg_id, reactions)
        return seq, [room.change(now, event)]

    # --- members -------------------------------------------------------------------------

    def _join(self, user: User, ask: Join) -> Outcome:
        room = self.rooms.get(ask.conversation_id)
        if room is None:
            raise Refused("not_found")
        if user.user_id in room.members:
            return room.head, []
        return self._added(room, user, user, "joined")

    def _invite(self, user: User, ask: Invite) -> Outcome:
        room = self._room(user, ask.conversation_id)
        if ask.user_id in room.members:
            return room.head, []
        return self._added(room, user, self.users[ask.user_id], "invited")

    def _added(self, room: ServerRoom, by: User, person: User, change: str) -> Outcome:
        seq = room.head + 1
        room.members[person.user_id] = "member" if room.members else "owner"
        # What was said before is there to be read, but is not unread.
        room.reads[person.user_id] = seq
        event = MemberChanged(room.id, seq, seq, by, person, change)
        told: list[Delivery] = [
            Enter(person.user_id, room.id),
            Tell(Resync((room.id,)), user=person.user_id),
        ]
        return seq, [*told, room.place(event)]

    def _leave(self, user: User, ask: Leave) -> Outcome:
        room = self._room(user, ask.conversation_id)
        return self._gone(room, user, user, "left")

    def _remove(self, user: User, ask: Remove) -> Outcome:
        room = self._room(user, ask.conversation_id)
        if room.members[user.user_id] != "owner" or ask.user_id == user.user_id:
            raise Refused("forbidden")
        if ask.user_id not in room.members:
            return room.head, []
        return self._gone(room, user, self.users[ask.user_id], "removed")

    def _gone(self, room: ServerRoom, by: User, person: User, change: str) -> Outcome:
        role = room.members.pop(person.user_id)
        room.reads.pop(person.user_id, None)
        told: list[Delivery] = []
        if role == "owner" and room.members:
            heir = self.users[next(iter(room.members))]
            room.members[heir.user_id] = "owner"
            seq = room.head + 1
            told.append(room.place(MemberChanged(room.id, seq, seq, by, heir, "role", "owner")))
        seq = room.head + 1
        event = MemberChanged(room.id, seq, seq, by, person, change)
        told += [Exit(person.user_id, room.id), room.place(event)]
        return seq, [*told, Tell(Wire(event, event), user=person.user_id)]

    # --- looking -------------------------------------------------------------------------

    def _read(self, user: User, ask: f.SendRead) -> Outcome:
        room = self._room(user, ask.conversation_id)
        old = room.reads.get(user.user_id, 0)
        now = room.reads[user.user_id] = max(old, min(ask.seq, room.head))
        counts = room.unread(user.user_id)
        told: list[Delivery] = []
        if now > old:
            told.append(Tell(ReadHint(room.id, user.user_id, now, *counts), user=user.user_id))
            told.append(Tell(ReadHint(room.id, user.user_id, now), room=room.id, but=user.user_id))
        return (now, *counts), told

    def _heads(self, user: User, ask: f.AskHeads) -> Outcome:
        known = dict(ask.heads)
        rooms = self.of_user(user.user_id)
        return tuple((r.id, r.head) for r in rooms if known.get(r.id) != r.head), []

    def _members(self, user: User, ask: f.FetchMembers) -> Outcome:
        room = self._room(user, ask.conversation_id)
        return tuple(Member(self.users[name], role) for name, role in room.members.items()), []

    def _history(self, user: User, ask: f.FetchHistory) -> Outcome:
        room = self._room(user, ask.conversation_id)
        side, seq = ask.request
        size = min(self.history_page, ask.limit)
        if side == "after":
            last = min(room.head, seq + size)
            return (room.page(seq + 1, last, user.user_id), room.head, last < room.head), []
        if side == "around":
            first = max(1, seq - size // 2)
            last = min(room.head, max(seq, first + size - 1))
            whole = first == 1 and last == room.head
            return (room.page(first, last, user.user_id), room.head, not whole), []
        last = min((seq or room.head + 1) - 1, room.head)
        first = max(1, last - size + 1)
        return (room.page(first, last, user.user_id), room.head, last >= 1 and first > 1), []

    def _sync(self, user: User, ask: f.SendSync) -> Outcome:
        known = dict(ask.cursors) if ask.epoch in ("", self.epoch) else {}
        found = tuple(self._snapshot(user, room, known) for room in self.of_user(user.user_id))
        return SyncSnapshot(self.epoch, user, "model", found), []

    def _snapshot(self, user: User, room: ServerRoom, known: dict[str, int]) -> RoomSnapshot:
        cursor = known.get(room.id, 0)
        first = max(cursor + 1, room.head - self.sync_page + 1)
        first = min(first, room.head + 1)
        unread, mentions = room.unread(user.user_id)
        others = ((name, seq) for name, seq in room.reads.items() if name != user.user_id)
        return RoomSnapshot(
            conversation=replace(
                room.conversation,
                role=room.members[user.user_id],
                member_count=len(room.members),
            ),
            head_seq=room.head,
            read_seq=room.reads.get(user.user_id, 0),
            unread=unread,
            mentions=mentions,
            from_seq=first,
            events=room.page(first, room.head, user.user_id),
            more=first > cursor + 1,
            last_message=room.newest(user.user_id),
            reads=tuple(others),
        )


def _with(
    reactions: tuple[Reaction, ...], emoji: str, user_id: str, on: bool
) -> tuple[Reaction, ...]:
    """The set after somebody put an emoji there or took it away."""
    found = {reaction.emoji: list(reaction.user_ids) for reaction in reactions}
    people = found.setdefault(emoji, [])
    if on and user_id not in people:
        people.append(user_id)
    elif not on and user_id in people:
        people.remove(user_id)
    return tuple(Reaction(name, tuple(who)) for name, who in found.items() if who)
