"""Read marks, typing, presence, drafts: what is told in passing."""

from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core.arrivals import (
    MembersArrived,
    PresenceHint,
    ReadFailed,
    ReadHint,
    TypingHint,
)
from talkbot_tui.core.effects import (
    SaveDraft,
    SendPresence,
    SendRead,
    SendTyping,
    WatchPresence,
)
from talkbot_tui.core.events import ReadUpTo, SetDraft, SetPresence, Typed, WatchUsers
from talkbot_tui.core.model import RoomSnapshot
from talkbot_tui.core.outbox import backoff
from talkbot_tui.core.room_list import Room
from talkbot_tui.core.state import State

READ_MS = 1_000
READ_AGAIN_MS = 5_000
"""A mark that was not taken is told again after so long at the least, then ever more rarely."""
TYPING_MS = 3_000

# --- read marks -----------------------------------------------------------------


def read_up_to(state: State, event: ReadUpTo) -> None:
    """The user has seen everything up to here; the server hears of it at most once a second."""
    room = state.rooms.known(event.conversation_id)
    if room is None:
        return
    seq = min(event.seq, max(room.head_seq, room.timeline.head))
    if room.read(seq, state.me.user_id):
        state.touch(room)
        tell_read(state, room)


def tell_read(state: State, room: Room) -> None:
    """Tell our read mark, unless it was told less than a second ago or is to wait longer."""
    if room.read_seq <= room.read_told or not state.link.online:
        return
    told_at = room.read_told_at
    next_at = max(told_at + READ_MS if told_at else 0, room.read_again_at)
    if state.now < next_at:
        state.timer("read", next_at, room.id)
        return
    room.read_told = room.read_seq
    room.read_told_at = state.now
    state.emit(SendRead(room.id, room.read_seq))


def read_failed(state: State, event: ReadFailed) -> None:
    """A mark was refused or went unanswered: tell it again later, unless that is no news."""
    room = state.rooms.known(event.conversation_id)
    if room is None or not event.retryable:
        return
    if room.read_told != event.seq or room.read_confirmed >= event.seq:
        return
    room.read_told = room.read_confirmed
    if not state.link.online:
        return
    room.read_tries += 1
    pause = max(READ_AGAIN_MS, backoff(room.read_tries))
    room.read_again_at = max(state.inner(event.retry_at), state.now + pause)
    tell_read(state, room)


def link_lost(room: Room) -> None:
    """The next link owes the last one no pause."""
    room.read_told_at = room.read_again_at = room.read_tries = 0


def read_hint(state: State, event: ReadHint) -> None:
    """Somebody has read; if it was we, on another device or by an ack, its numbers count."""
    room = state.rooms.known(event.conversation_id)
    if room is None:
        return
    if event.user_id != state.me.user_id:
        if event.seq > room.reads.get(event.user_id, 0):
            room.reads[event.user_id] = event.seq
            state.changes.room(room.id)
        return
    room.read(event.seq, event.user_id)
    room.read_told = max(room.read_told, event.seq)
    room.read_confirmed = max(room.read_confirmed, event.seq)
    room.read_tries = 0
    if event.seq >= room.read_seq and event.unread is not None:
        room.tally.clear()
        room.unread = event.unread
        room.mentions = event.mentions or 0
    state.touch(room)


def merge_read(state: State, room: Room, snap: RoomSnapshot) -> None:
    """The server's numbers at sync; our own mark may be further, it only grows."""
    ours = room.read_seq
    room.read_told = room.read_confirmed = snap.read_seq
    room.read_seq = min(ours, snap.read_seq)
    room.server_counts(snap.unread, snap.mentions, snap.head_seq)
    room.read_seq = snap.read_seq
    room.read(ours, state.me.user_id)
    if state.link.online:
        tell_read(state, room)


def resume(state: State) -> None:
    """A new link: what we told on the old one may be lost."""
    for room in state.rooms:
        if room.known:
            tell_read(state, room)
    if state.presence is not None:
        state.emit(SendPresence(*state.presence))
    if state.watching:
        state.emit(WatchPresence(state.watching))


# --- typing and drafts ---------------------------------------------------------------


def typed(state: State, event: Typed) -> None:
    """Tell that the user writes, at most once in three seconds, or has stopped."""
    if not state.link.online:
        return
    told = state.typing_told.get(event.conversation_id, 0)
    if not event.on:
        if told:
            del state.typing_told[event.conversation_id]
            state.emit(SendTyping(event.conversation_id, on=False))
    elif not told or state.now >= told + TYPING_MS:
        state.typing_told[event.conversation_id] = state.now
        state.emit(SendTyping(event.conversation_id, on=True))


def set_draft(state: State, event: SetDraft) -> None:
    """Keep what is being written."""
    room = state.rooms.get(event.conversation_id)
    if room is None or room.draft == event.text:
        return
    news = bool(room.draft) != bool(event.text)
    room.draft = event.text
    if news or room.shown is None:
        state.touch(room)
    else:
        # The list shows that there is a draft, not its letters: nothing to redraw.
        state.rooms.show(room, replace(room.shown, draft=event.text))
    state.emit(SaveDraft(room.id, event.text))
    if not event.text:
        typed(state, Typed(room.id, on=False))


def typing_hint(state: State, event: TypingHint) -> None:
    """Somebody writes, or stopped."""
    if state.rooms.known(event.conversation_id) is None:
        return
    news = state.roster.set_typing(event.conversation_id, event.user_id, event.on, state.now)
    if news and event.user_id != state.me.user_id:
        state.changes.typing(event.conversation_id)
    watch_typing(state)


def typing_over(state: State) -> None:
    """Hints die by themselves."""
    for conversation_id in state.roster.expire_typing(state.now):
        state.changes.typing(conversation_id)
    watch_typing(state)


def watch_typing(state: State) -> None:
    """Wake when the next hint dies."""
    ends = state.roster.typing_ends()
    if ends:
        state.timer("typing", ends)
    else:
        state.cancel("typing")


# --- presence and people ------------------------------------------------------------------


def presence_hint(state: State, event: PresenceHint) -> None:
    """What is known of people now."""
    if state.roster.set_presence(event.presence):
        state.changes.roster("")


def watch_users(state: State, event: WatchUsers) -> None:
    """These people are on the screen."""
    state.watching = event.user_ids
    if state.link.online:
        state.emit(WatchPresence(event.user_ids))


def set_presence(state: State, event: SetPresence) -> None:
    """Our own presence."""
    state.presence = (event.status, event.text)
    if state.link.online:
        state.emit(SendPresence(event.status, event.text))


def members_arrived(state: State, event: MembersArrived) -> None:
    """Who is in a room."""
    state.roster.set_members(event.conversation_id, event.members, event.first)
    state.changes.roster(event.conversation_id)
