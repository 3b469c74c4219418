"""A chat server in memory, small enough to be believed: what the property tests compare with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from talkbot_tui.core.arrivals import StreamDelta
from talkbot_tui.core.model import (
    Conversation,
    Kind,
    LogEvent,
    MemberChanged,
    Message,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Outcome,
    Reaction,
    ReactionsChanged,
    RoomSnapshot,
    SyncSnapshot,
    User,
)
from tests.core.people import ANA


@dataclass
class ServerRoom:
    """A log of places, and the messages as they are now."""

    conversation: Conversation
    log: list[LogEvent] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    spoken: dict[str, str] = field(default_factory=dict)
    read_seq: int = 0
    member: bool = True

    @property
    def head(self) -> int:
        return len(self.log)

    def served(self, event: LogEvent) -> LogEvent:
        """The event as a page serves it today."""
        if isinstance(event, MessagePosted):
            return replace(event, message=self.messages[event.message.server_msg_id])
        if isinstance(event, MessageEdited):
            now = self.messages[event.server_msg_id]
            return replace(event, text=now.text, revision=now.revision, outcome=now.outcome)
        return event

    def page(self, first: int, last: int) -> tuple[LogEvent, ...]:
        return tuple(self.served(event) for event in self.log[first - 1 : last])

    def unread(self, me: User) -> tuple[int, int]:
        new = [
            m
            for m in self.messages.values()
            if m.seq > self.read_seq and m.sender != me and not m.deleted
        ]
        return len(new), sum(me.user_id in m.mentions for m in new)


class ModelServer:
    """Ana's view of a server; every number is given once, every id is honoured for ever."""

    def __init__(self, rooms: int = 2, sync_page: int = 5, history_page: int = 4) -> None:
        self.me = ANA
        self.epoch = "epoch-1"
        self.sync_page = sync_page
        self.history_page = history_page
        self.rooms = {
            f"c{n}": ServerRoom(Conversation(f"c{n}", Kind.CHANNEL, f"room-{n}"))
            for n in range(1, rooms + 1)
        }
        self._acks: dict[tuple[str, str], tuple[str, int, int]] = {}

    def _place(self, room: ServerRoom, event: LogEvent) -> LogEvent:
        assert event.seq == room.head + 1
        room.log.append(event)
        return event

    def post(
        self,
        sender: User,
        room_id: str,
        text: str,
        client_msg_id: str,
        mentions: tuple[str, ...] = (),
    ) -> tuple[tuple[str, int, int], LogEvent | None]:
        """The ack, and the broadcast unless this id was known."""
        known = self._acks.get((sender.user_id, client_msg_id))
        if known is not None:
            return known, None
        room = self.rooms[room_id]
        seq = room.head + 1
        message = Message(
            key=f"s-{room_id}-{seq}",
            conversation_id=room_id,
            sender=sender,
            text=text,
            ts=seq,
            client_msg_id=client_msg_id,
            server_msg_id=f"s-{room_id}-{seq}",
            seq=seq,
            changed_seq=seq,
            mentions=mentions,
        )
        room.messages[message.server_msg_id] = message
        ack = (message.server_msg_id, seq, seq)
        self._acks[sender.user_id, client_msg_id] = ack
        return ack, self._place(room, MessagePosted(room_id, seq, seq, sender, message))

    def _target(self, room: ServerRoom, pick: int) -> Message | None:
        found = [m for m in room.messages.values() if not m.deleted]
        return found[pick % len(found)] if found else None

    def edit(self, sender: User, room_id: str, pick: int, text: str) -> LogEvent | None:
        room = self.rooms[room_id]
        old = self._target(room, pick)
        if old is None:
            return None
        return self._edited(sender, room, old, text)

    def _edited(
        self, sender: User, room: ServerRoom, old: Message, text: str, end: Outcome | None = None
    ) -> LogEvent:
        seq = room.head + 1
        new = replace(
            old,
            text=text,
            revision=old.revision + 1,
            changed_seq=seq,
            mentions=(),
            streaming=False,
            outcome=end or old.outcome,
        )
        room.messages[old.server_msg_id] = new
        room.spoken.pop(old.server_msg_id, None)
        return self._place(
            room,
            MessageEdited(
                old.conversation_id,
                seq,
                seq,
                sender,
                old.server_msg_id,
                text,
                new.revision,
                outcome=new.outcome,
            ),
        )

    # --- a bot that speaks while it thinks ---------------------------------------------

    def start_stream(self, sender: User, room_id: str, client_msg_id: str) -> LogEvent:
        _, event = self.post(sender, room_id, "…", client_msg_id)
        assert isinstance(event, MessagePosted)
        message = replace(event.message, streaming=True)
        room = self.rooms[room_id]
        room.messages[message.server_msg_id] = message
        room.spoken[message.server_msg_id] = message.text
        room.log[-1] = event = replace(event, message=message)
        return event

    def speak(self, room_id: str, pick: int, delta: str) -> StreamDelta | None:
        """A piece for everybody; every other piece is written down as well."""
        room = self.rooms[room_id]
        if not room.spoken:
            return None
        server_msg_id = list(room.spoken)[pick % len(room.spoken)]
        before = room.spoken[server_msg_id]
        room.spoken[server_msg_id] = before + delta
        if pick & 1:
            old = room.messages[server_msg_id]
            room.messages[server_msg_id] = replace(old, text=before + delta)
        return StreamDelta(room_id, server_msg_id, len(before), delta)

    def end_stream(self, sender: User, room_id: str, pick: int) -> LogEvent | None:
        room = self.rooms[room_id]
        if not room.spoken:
            return None
        server_msg_id = list(room.spoken)[pick % len(room.spoken)]
        text = room.spoken[server_msg_id] + "."
        old = room.messages[server_msg_id]
        return self._edited(sender, room, old, text, Outcome.COMPLETE)

    # --- who is in, and which server this is -----------------------------------------

    def start_over(self) -> None:
        """Another database: every number means something else now."""
        self.epoch = f"epoch-{int(self.epoch.split('-')[1]) + 1}"
        self._acks.clear()
        for room in self.rooms.values():
            room.log.clear()
            room.messages.clear()
            room.spoken.clear()
            room.read_seq = 0

    def leave(self, room_id: str) -> LogEvent:
        """Ana is put out of the room."""
        self.rooms[room_id].member = False
        return self.member(room_id, ANA, "removed")

    def join(self, room_id: str) -> LogEvent:
        self.rooms[room_id].member = True
        return self.member(room_id, ANA, "joined")

    def delete(self, sender: User, room_id: str, pick: int) -> LogEvent | None:
        room = self.rooms[room_id]
        old = self._target(room, pick)
        if old is None:
            return None
        seq = room.head + 1
        room.messages[old.server_msg_id] = replace(
            old,
            text="",
            deleted=True,
            reactions=(),
            mentions=(),
            streaming=False,
            changed_seq=seq,
        )
        room.spoken.pop(old.server_msg_id, None)
        return self._place(room, MessageDeleted(room_id, seq, seq, sender, old.server_msg_id))

    def react(self, sender: User, room_id: str, pick: int) -> LogEvent | None:
        room = self.rooms[room_id]
        old = self._target(room, pick)
        if old is None:
            return None
        seq = room.head + 1
        users = old.reactions[0].user_ids if old.reactions else ()
        users = tuple(u for u in users if u != sender.user_id) or (sender.user_id, f"u-{seq}")
        new = replace(old, reactions=(Reaction("👍", users),), changed_seq=seq)
        room.messages[old.server_msg_id] = new
        return self._place(
            room,
            ReactionsChanged(room_id, seq, seq, sender, old.server_msg_id, new.reactions),
        )

    def member(self, room_id: str, user: User, change: str) -> LogEvent:
        room = self.rooms[room_id]
        seq = room.head + 1
        return self._place(room, MemberChanged(room_id, seq, seq, user, user, change))

    def snapshot(self, cursors: tuple[tuple[str, int], ...], epoch: str) -> SyncSnapshot:
        known = dict(cursors) if epoch == self.epoch else {}
        found = []
        for room_id, room in self.rooms.items():
            if not room.member:
                continue
            cursor = min(known.get(room_id, 0), room.head)
            first = max(cursor + 1, room.head - self.sync_page + 1)
            unread, mentions = room.unread(self.me)
            last = max(room.messages.values(), key=lambda m: m.seq, default=None)
            found.append(
                RoomSnapshot(
                    conversation=room.conversation,
                    head_seq=room.head,
                    read_seq=room.read_seq,
                    unread=unread,
                    mentions=mentions,
                    from_seq=first,
                    events=room.page(first, room.head),
                    more=first > cursor + 1,
                    last_message=last,
                )
            )
        return SyncSnapshot(self.epoch, self.me, "test", tuple(found))

    def history(
        self, room_id: str, request: tuple[str, int]
    ) -> tuple[tuple[LogEvent, ...], int, bool]:
        room = self.rooms[room_id]
        side, seq = request
        size = self.history_page
        if side == "before":
            last = min(seq - 1, room.head)
            first = max(1, last - size + 1)
            return room.page(first, last), room.head, first > 1
        if side == "after":
            last = min(room.head, seq + size)
            return room.page(seq + 1, last), room.head, last < room.head
        first = max(1, seq - size // 2)
        return room.page(first, min(room.head, first + size)), room.head, True

    def read(self, room_id: str, seq: int) -> tuple[int, int, int]:
        room = self.rooms[room_id]
        room.read_seq = max(room.read_seq, min(seq, room.head))
        return room.read_seq, *room.unread(self.me)
