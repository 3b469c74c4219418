"""One event into one room: held, shown, counted, saved. The same for live, pages and sync."""

from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core import echoes, fetching
from talkbot_tui.core.effects import SaveEvents
from talkbot_tui.core.model import (
    ConversationChanged,
    LogEvent,
    MemberChanged,
    Message,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionsChanged,
)
from talkbot_tui.core.mutations import apply
from talkbot_tui.core.room_list import Room
from talkbot_tui.core.state import State

HOLD_MS = 500
"""How long an event that came early waits for what is before it."""


def settle(state: State, room: Room, taken: list[LogEvent], *, moved: bool = False) -> None:
    """After changes to a room: save them, draw its gaps, watch for what is missing.

    moved: cursor or ranges changed, though there may be no event to save.
    """
    timeline = room.timeline
    for seq in [seq for seq in room.ahead if timeline.holds(seq)]:
        del room.ahead[seq]
    if timeline.cursor >= max(room.head_seq, timeline.head) and not room.ahead:
        timeline.overdue = False
        state.cancel("hold", room.id)
    elif not timeline.overdue and not state.has_timer("hold", room.id):
        state.timer("hold", state.now + HOLD_MS, room.id)
    if taken or moved:
        state.emit(SaveEvents(room.id, tuple(taken), timeline.cursor, timeline.ranges))
    echoes.drop_confirmed(state)
    fetching.regap(state, room)
    state.touch(room)
    fetching.pump(state, room)


def release(state: State, room: Room) -> list[LogEvent]:
    """Take what was held ahead and is next now."""
    taken: list[LogEvent] = []
    while (event := room.ahead.pop(room.timeline.cursor + 1, None)) is not None:
        taken.append(absorb(state, room, event, fresh=True))
    return taken


def again(state: State, room: Room, event: LogEvent) -> list[LogEvent]:
    """An event that is held already: only a newer copy of a message changes anything.

    Returns it if it should be saved again.
    """
    event = room.timeline.current(own_form(state, event))
    if isinstance(event, MessagePosted):
        echoes.confirm(state, event.message)
    splices = room.timeline.put(event)
    state.changes.splices(room.id, splices)
    return [event] if splices else []


def absorb(state: State, room: Room, event: LogEvent, *, fresh: bool) -> LogEvent:
    """Hold one event and show it; `fresh` when it is newer than all that was known.

    Returns the event as it should be saved.
    """
    event = room.timeline.current(own_form(state, event))
    room.timeline.hold(event.seq, event.seq)
    state.roster.see(event.sender)
    if not (isinstance(event, MessagePosted) and echoes.confirm(state, event.message)):
        state.changes.splices(room.id, room.timeline.put(event))
    _follow_mine(state, room, event)
    if fresh:
        _news(state, room, event)
    return event


def take_own(state: State, room: Room, posted: MessagePosted) -> None:
    """Our message, as its ack or a late broadcast describes it.

    It may be ahead of what we know; then it is held there. Or it lies in a gap,
    when an earlier answer was lost: changes to it may lie there as well, so it
    counts as missing, and where rows are shown it is looked at again.
    """
    timeline = room.timeline
    echoes.confirm(state, posted.message)
    room.remember_mine(posted.message)
    taken: list[LogEvent] = []
    if posted.seq > timeline.cursor and not timeline.holds(posted.seq):
        room.head_seq = max(room.head_seq, posted.seq)
        timeline.hold(posted.seq, posted.seq)
        room.latest(posted.message)
        taken = [timeline.current(posted), *release(state, room)]
    elif not timeline.holds(posted.seq) and timeline.shows(posted.seq):
        timeline.show_loosely(posted.seq)
        fetching.look_again(state, room, posted.seq)
    settle(state, room, taken)


def own_form(state: State, event: LogEvent) -> LogEvent:
    """Messages of ours keep the key that their echo had; others' go by the server's id."""
    if not isinstance(event, MessagePosted):
        return event
    message = event.message
    mine = message.sender.user_id == state.me.user_id and message.client_msg_id
    key = message.client_msg_id if mine else message.server_msg_id
    changed = max(message.changed_seq, message.seq)
    if message.key == key and message.changed_seq == changed:
        return event
    return replace(event, message=replace(message, key=key, changed_seq=changed))


def _follow_mine(state: State, room: Room, event: LogEvent) -> None:
    match event:
        case MessagePosted(message=message) if message.sender.user_id == state.me.user_id:
            room.remember_mine(message)
        case MessageEdited() | MessageDeleted() | ReactionsChanged():
            held = room.mine.get(event.server_msg_id)
            if held is not None:
                room.mine[event.server_msg_id] = apply(held, event)


def _news(state: State, room: Room, event: LogEvent) -> None:
    """What a new event means beyond its row: counts, typing, people, the room's name."""
    match event:
        case MessagePosted(message=message):
            _new_message(state, room, message)
        case MessageEdited() if event.server_msg_id == room.last_id:
            room.reword_last(event.text)
        case MessageDeleted():
            if event.server_msg_id == room.last_id:
                room.reword_last("")
            room.uncount(event.server_msg_id)
        case MemberChanged():
            state.roster.see(event.user)
            if state.roster.member_changed(event):
                state.changes.roster(room.id)
            room.count_members(event.change)
            if event.user.user_id == state.me.user_id and event.change == "role":
                room.conversation = replace(room.conversation, role=event.role)
        case ConversationChanged(conversation=after):
            # The event is the same for everybody; role and peer are ours.
            room.conversation = replace(
                after,
                role=room.conversation.role,
                peer=room.conversation.peer,
                member_count=after.member_count or room.conversation.member_count,
            )


def _new_message(state: State, room: Room, message: Message) -> None:
    room.latest(message)
    me = state.me.user_id
    sender = message.sender.user_id
    if sender != me and not message.deleted:
        room.count(message, me in message.mentions)
    if state.roster.set_typing(room.id, sender, False, state.now):
        state.changes.typing(room.id)
