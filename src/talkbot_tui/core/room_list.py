"""The rooms: what is known of each, how much is unread, and in which order they are shown.

Unread and mentions are the server's numbers, adjusted by what happened since:
a message by somebody else adds one, reading takes away. `tally` remembers what
was added, so that a number that comes from the server can be told what it
does not contain yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from talkbot_tui.core.model import (
    Conversation,
    Kind,
    LogEvent,
    Message,
    RoomSummary,
)
from talkbot_tui.core.ranges import Ranges, Span
from talkbot_tui.core.text import one_line
from talkbot_tui.core.timeline import Timeline

MINE_MAX = 64


@dataclass(slots=True)
class Fetching:
    """What is being, or will be, asked of `history`; one request at a time per room.

    request: in flight, or None. wanted: the user asked for the page before this
    seq; 0 for none. around: messages that must be looked at again. pages: how many
    pages may still be loaded without being asked for. stuck: the server will not
    give what is missing above the cursor.
    """

    request: tuple[str, int] | None = None
    wanted: int = 0
    around: list[int] = field(default_factory=list)
    pages: int = 0
    tries: int = 0
    not_before: int = 0
    stuck: bool = False


@dataclass(slots=True)
class Room:
    """One conversation, as far as it is known here.

    known: the server or the cache says that we are a member.
    gone: we were a member and are none any more: nothing of its log is shown.
    ahead: events above `cursor + 1`, held until what is between them comes.
    tally: the messages that were counted live, by id: seq, and whether we are named.
    counted: the server's unread contains everything up to this seq.
    read_told: the read mark that the server has been told. read_confirmed: that it has.
    read_tries: how often in a row telling it failed on this link; not before `read_again_at`
        is it told again.
    marker: our read mark when the room was opened; 0 when all was read.
    seek: the place that the user wants to see, 0 for none. sought: it was asked of the server.
    renew: the newest rows are wanted in place of those that are shown.
    asked: the spans that were held when the last page was asked of the cache.
    at_top: the user reads at the oldest rows that are held.
    mine: our latest messages here, for edits while no rows are held.
    held: what waits here is sent only once its author has looked.
    """

    conversation: Conversation
    timeline: Timeline
    known: bool = False
    gone: bool = False
    head_seq: int = 0
    read_seq: int = 0
    unread: int = 0
    mentions: int = 0
    last_ts: int = 0
    last_text: str = ""
    last_seq: int = 0
    last_id: str = ""
    draft: str = ""
    counted: int = 0
    marker: int = 0
    read_told: int = 0
    read_told_at: int = 0
    read_confirmed: int = 0
    read_tries: int = 0
    read_again_at: int = 0
    loading: bool = False
    seek: int = 0
    sought: bool = False
    renew: bool = False
    asked: tuple[Span, ...] = ()
    at_top: bool = False
    held: bool = False
    reads: dict[str, int] = field(default_factory=dict)
    ahead: dict[int, LogEvent] = field(default_factory=dict)
    tally: dict[str, tuple[int, bool]] = field(default_factory=dict)
    mine: dict[str, Message] = field(default_factory=dict)
    fetching: Fetching = field(default_factory=Fetching)
    shown: RoomSummary | None = None
    stored: RoomSummary | None = None

    @property
    def id(self) -> str:
        """The conversation's id."""
        return self.conversation.conversation_id

    def count(self, message: Message, mention: bool) -> None:
        """A new message by somebody else."""
        if message.seq > max(self.read_seq, self.counted):
            self.unread += 1
            self.mentions += mention
            self.tally[message.server_msg_id] = (message.seq, mention)

    def uncount(self, server_msg_id: str) -> None:
        """A message that was counted live is gone."""
        entry = self.tally.pop(server_msg_id, None)
        if entry is not None:
            self.unread -= 1
            self.mentions -= entry[1]

    def server_counts(self, unread: int, mentions: int, up_to: int) -> None:
        """The server's numbers, which contain everything up to `up_to`."""
        self._settle_tally(max(up_to, self.read_seq))
        self.unread = unread + len(self.tally)
        self.mentions = mentions + sum(mention for _, mention in self.tally.values())
        self.counted = max(self.counted, up_to)

    def _settle_tally(self, up_to: int) -> None:
        """What is read, or counted by the server, needs no tally."""
        self.tally = {name: entry for name, entry in self.tally.items() if entry[0] > up_to}

    def read(self, seq: int, me: str) -> bool:
        """Our read mark moves up to `seq`; False when it is there already."""
        if seq <= self.read_seq:
            return False
        old, self.read_seq = self.read_seq, seq
        timeline = self.timeline
        self._settle_tally(seq)
        if seq >= max(self.head_seq, timeline.head):
            self.unread = self.mentions = 0
            return True
        foreign = [
            message
            for message in timeline.rows.messages_above(old)
            if message.sender.user_id != me and not message.deleted
        ]
        complete = timeline.shows(seq + 1) and not timeline.detached
        if complete and not any(
            last > seq for _, last in Ranges(timeline.ranges).holes(self.head_seq)
        ):
            left = [message for message in foreign if message.seq > seq]
            self.unread = len(left)
            self.mentions = sum(me in message.mentions for message in left)
        else:
            done = [message for message in foreign if message.seq <= seq]
            self.unread = max(0, self.unread - len(done))
            self.mentions = max(0, self.mentions - sum(me in m.mentions for m in done))
        return True

    def latest(self, message: Message) -> None:
        """The room list shows the newest message."""
        if message.seq >= self.last_seq:
            self.last_seq = message.seq
            self.last_id = message.server_msg_id
            self.last_ts = message.ts
            self.last_text = one_line(message.text)

    def reword_last(self, text: str) -> None:
        """The newest message has other words now."""
        self.last_text = one_line(text)

    def count_members(self, change: str) -> None:
        """Somebody came or went: `change` as in `MemberChanged`."""
        step = {"joined": 1, "invited": 1, "left": -1, "removed": -1}.get(change, 0)
        count = self.conversation.member_count
        # 0 is "not told", not "nobody".
        if step and count:
            self.conversation = replace(self.conversation, member_count=max(1, count + step))

    def remember_mine(self, message: Message) -> None:
        """Keep a message of ours at hand."""
        self.mine[message.server_msg_id] = message
        while len(self.mine) > MINE_MAX:
            del self.mine[next(iter(self.mine))]

    def summary(self, failed: int, queued: int) -> RoomSummary:
        """The line of the room list."""
        return RoomSummary(
            conversation=self.conversation,
            head_seq=max(self.head_seq, self.timeline.head),
            read_seq=self.read_seq,
            unread=max(0, self.unread),
            mentions=max(0, self.mentions),
            last_ts=self.last_ts,
            last_text=self.last_text,
            draft=self.draft,
            failed=failed,
            queued=queued,
            held=self.held,
        )


class RoomList:
    """All rooms by id, and their order on the screen."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}
        self._order: tuple[RoomSummary, ...] | None = None

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self._rooms.values()))

    def get(self, conversation_id: str) -> Room | None:
        """The room with this id, member or not."""
        return self._rooms.get(conversation_id)

    def known(self, conversation_id: str) -> Room | None:
        """The room with this id if we are a member."""
        room = self._rooms.get(conversation_id)
        return room if room is not None and room.known else None

    def ensure(self, conversation_id: str, conversation: Conversation | None = None) -> Room:
        """The room with this id; a placeholder is made for one not seen before."""
        room = self._rooms.get(conversation_id)
        if room is None:
            conversation = conversation or Conversation(conversation_id, Kind.CHANNEL, role="")
            room = Room(conversation, Timeline(conversation_id))
            self._rooms[conversation_id] = room
        return room

    def remove(self, conversation_id: str) -> None:
        """The room is no longer listed."""
        self._rooms.pop(conversation_id, None)
        self._order = None

    def show(self, room: Room, summary: RoomSummary) -> bool:
        """Publish `summary`; False when it says nothing new."""
        if room.shown == summary:
            return False
        room.shown = summary
        self._order = None
        return True

    def summaries(self) -> tuple[RoomSummary, ...]:
        """In display order: mentions, then unread, then latest activity."""
        if self._order is None:
            shown = [room.shown for room in self._rooms.values() if room.shown is not None]
            shown.sort(key=_rank)
            self._order = tuple(shown)
        return self._order


def _rank(summary: RoomSummary) -> tuple[bool, bool, int, str]:
    return (
        summary.mentions == 0,
        summary.unread == 0,
        -summary.last_ts,
        summary.conversation.name or summary.conversation.conversation_id,
    )


def stored_form(summary: RoomSummary) -> RoomSummary:
    """What of a summary is worth writing down; the rest follows from outbox and drafts."""
    return replace(summary, draft="", failed=0, queued=0)
