"""What is looked up: sync, pages of history, members, channels, people, search.

Answers are bounded by bytes; `more` or `next` says that there is more.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from talkbot_tui.server.authorization import authorize
from talkbot_tui.server.outcome import Actor
from talkbot_tui.server.storage import log, messages, people, rooms
from talkbot_tui.server.storage.rooms import Room
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.acks import (
    ConversationsAck,
    HeadsAck,
    HistoryAck,
    MembersAck,
    SearchAck,
    SyncRoom,
    UsersAck,
)
from talkbot_tui.wire.client_events import (
    Conversations,
    Heads,
    History,
    Members,
    Search,
    Sync,
    Users,
)
from talkbot_tui.wire.codec import check_text
from talkbot_tui.wire.errors import Code, Refused
from talkbot_tui.wire.scalars import ANSWER_BYTES_MAX
from talkbot_tui.wire.server_events import LogEvent, MessageEvent, UserInfo

T = TypeVar("T", bound=msgspec.Struct)

READS_MEMBERS_MAX = 100
"""Above this many members read marks are one's own affair."""
_NUMBER = re.compile("[0-9]{1,18}")
_BUDGET = ANSWER_BYTES_MAX - 4096
_TOPICS = 4 * ANSWER_BYTES_MAX
"""Above this, rooms are told without their topics: they must all be told, in one frame."""


class _Budget:
    """Bytes that an answer may still take."""

    def __init__(self) -> None:
        self.left = _BUDGET

    def spend(self, value: msgspec.Struct) -> None:
        """What must be told in any case, and leaves less for the rest."""
        self.left -= len(msgspec.json.encode(value)) + 1

    def takes(self, value: object) -> bool:
        size = len(msgspec.json.encode(value)) + 1
        if size > self.left:
            return False
        self.left -= size
        return True

    def fit(self, values: Sequence[T], *, at_end: bool = False) -> list[T]:
        """As many of `values` as fit, from the start or the end, in order."""
        kept: list[T] = []
        for value in reversed(values) if at_end else values:
            if not self.takes(value):
                break
            kept.append(value)
        return kept[::-1] if at_end else kept


def sync(tx: Tx, actor: Actor, asked: Sync, epoch: str) -> list[SyncRoom]:
    """All conversations of the actor, each with what is newer than the given cursor."""
    cursors = asked.cursors if asked.epoch in (None, epoch) else {}
    mine = rooms.of_user(tx, actor.user_id)
    peers = rooms.peers(tx, mine, actor.user_id)
    last = log.last_messages(tx, [room.conversation_id for room in mine])
    budget = _Budget()
    answer = [_sync_room(tx, actor, room, peers, budget) for room in mine]
    recent = sorted(
        range(len(mine)),
        key=lambda i: last[mine[i].conversation_id].ts if mine[i].conversation_id in last else 0,
        reverse=True,
    )
    for index in recent:
        answer[index] = _adorned(tx, actor, answer[index], mine[index], last, budget)
    for index in recent:
        room = mine[index]
        cursor = cursors.get(room.conversation_id, 0)
        if cursor >= room.head_seq:
            continue
        newest = log.page(
            tx,
            room.conversation_id,
            above=cursor,
            below=room.head_seq + 1,
            limit=asked.limit,
            newest=True,
        )
        events = budget.fit(newest, at_end=True)
        first = events[0].seq if events else room.head_seq + 1
        answer[index] = msgspec.structs.replace(
            answer[index], events=events, from_seq=first, more=first > cursor + 1
        )
    return answer


def _sync_room(
    tx: Tx,
    actor: Actor,
    room: Room,
    peers: dict[str, UserInfo],
    budget: _Budget,
) -> SyncRoom:
    """What must be told of every room."""
    unread, mentions = rooms.unread(tx, room.conversation_id, actor.user_id, room.read_seq)
    info = room.info(peers.get(room.conversation_id))
    if budget.left < _BUDGET - _TOPICS:
        info = msgspec.structs.replace(info, topic="")
    shown = SyncRoom(
        conversation=info,
        head_seq=room.head_seq,
        read_seq=min(room.read_seq, room.head_seq),
        unread=unread,
        mentions=mentions,
        from_seq=room.head_seq + 1,
        events=[],
        more=False,
    )
    budget.spend(shown)
    return shown


def _adorned(
    tx: Tx,
    actor: Actor,
    shown: SyncRoom,
    room: Room,
    last: dict[str, MessageEvent],
    budget: _Budget,
) -> SyncRoom:
    """With its last message and the others' read marks, where they fit."""
    newest = last.get(room.conversation_id)
    if newest is not None and budget.takes(newest):
        shown = msgspec.structs.replace(shown, last_message=newest)
    if room.member_count <= READS_MEMBERS_MAX and budget.left > 0:
        marks = rooms.reads(tx, room.conversation_id, actor.user_id)
        if budget.takes(marks):
            shown = msgspec.structs.replace(shown, reads=marks)
    return shown


def heads(tx: Tx, actor: Actor, asked: Heads) -> HeadsAck:
    """The heads that differ from the given ones, and those not given."""
    now = rooms.heads(tx, actor.user_id)
    return HeadsAck(
        heads={room: head for room, head in now.items() if asked.heads.get(room) != head}
    )


def history(tx: Tx, actor: Actor, asked: History) -> HistoryAck:
    """A page before, after or around a seq; the newest page without any."""
    room = authorize(tx, actor, "history", asked.conversation_id)
    if sum(x is not None for x in (asked.before, asked.after, asked.around)) > 1:
        raise Refused(Code.BAD_REQUEST, "Ask for one of before, after and around.")
    budget = _Budget()
    where = asked.conversation_id
    if asked.after is not None:
        found = log.page(tx, where, above=asked.after, limit=asked.limit, newest=False)
        events: list[LogEvent] = budget.fit(found)
        last = events[-1].seq if events else asked.after
        return HistoryAck(events=events, head_seq=room.head_seq, more=last < room.head_seq)
    if asked.around is not None:
        half = max(1, asked.limit // 2)
        above = log.page(tx, where, above=asked.around - 1, limit=half, newest=False)
        below = log.page(
            tx, where, below=asked.around, limit=max(1, asked.limit - half), newest=True
        )
        newer: list[LogEvent] = budget.fit(above)
        events = [*budget.fit(below, at_end=True), *newer]
        whole = bool(events) and events[0].seq == 1 and events[-1].seq == room.head_seq
        return HistoryAck(events=events, head_seq=room.head_seq, more=not whole)
    below_seq = asked.before or room.head_seq + 1
    found = log.page(tx, where, below=below_seq, limit=asked.limit, newest=True)
    events = budget.fit(found, at_end=True)
    return HistoryAck(
        events=events, head_seq=room.head_seq, more=bool(events) and events[0].seq > 1
    )


def members(tx: Tx, actor: Actor, asked: Members) -> MembersAck:
    """A page of a conversation's members, by name."""
    authorize(tx, actor, "members", asked.conversation_id)
    after = _cursor(asked.after)
    items = rooms.page_of_members(tx, asked.conversation_id, after, asked.limit + 1)
    more = len(items) > asked.limit
    items = items[: asked.limit]
    return MembersAck(items=items, next=_next(items[-1].user.name) if more else None)


def conversations(tx: Tx, actor: Actor, asked: Conversations) -> ConversationsAck:
    """A page of the public channels, by name."""
    prefix = asked.prefix.removeprefix("#")
    found = rooms.page_of_channels(tx, actor.user_id, prefix, _cursor(asked.after), asked.limit + 1)
    more = len(found) > asked.limit
    found = found[: asked.limit]
    return ConversationsAck(
        items=[room.info() for room in found], next=_next(found[-1].name) if more else None
    )


def users(tx: Tx, actor: Actor, asked: Users) -> UsersAck:
    """A page of people, by name."""
    prefix = asked.prefix.removeprefix("@")
    found = people.page_of_people(tx, prefix, _cursor(asked.after), asked.limit + 1)
    more = len(found) > asked.limit
    found = found[: asked.limit]
    return UsersAck(items=found, next=_next(found[-1].name) if more else None)


def search(tx: Tx, actor: Actor, asked: Search) -> SearchAck:
    """Messages with all the words, newest first, in conversations that the actor is in."""
    if asked.conversation_id is not None:
        authorize(tx, actor, "search", asked.conversation_id)
    after = _cursor(asked.page)
    found = messages.search(
        tx,
        actor.user_id,
        asked.query,
        conversation_id=asked.conversation_id,
        sender_id=asked.from_,
        before=asked.before,
        after=asked.after,
        below=int(after) if _NUMBER.fullmatch(after) else None,
        limit=asked.limit + 1,
    )
    more = len(found) > asked.limit
    found = found[: asked.limit]
    shown = log.messages(tx, [server_msg_id for _, server_msg_id in found])
    hits = _Budget().fit([shown[server_msg_id] for _, server_msg_id in found])
    if len(hits) < len(found):
        more = True
    number = found[len(hits) - 1][0] if hits else 0
    return SearchAck(hits=hits, next=_next(str(number)) if more and hits else None)


def _next(place: str) -> str:
    """A page mark: opaque, so that nobody builds on what it holds, and short."""
    return base64.urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode()


def _cursor(mark: str | None) -> str:
    if not mark:
        return ""
    try:
        place = json.loads(base64.urlsafe_b64decode(mark.encode()))
    except (ValueError, binascii.Error):
        place = None
    if not isinstance(place, str):
        raise Refused(Code.BAD_REQUEST, "That is not a page mark.", field="after")
    # Wrapped as it was, nobody has looked at it yet.
    check_text(place)
    return place
