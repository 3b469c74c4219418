"""Live events, by the seq rule: next is taken, old changes nothing, early waits.

An event above `cursor + 1` is held for half a second, since deliveries overtake
each other; then what is missing is fetched. A large hole is not walked through
page by page: a `sync` brings the newest page, the rest becomes a visible gap.
"""

from __future__ import annotations

from collections.abc import Iterable

from talkbot_tui.core import fetching, intake, membership
from talkbot_tui.core.arrivals import HeadsArrived, LogArrived, Resync, StreamDelta
from talkbot_tui.core.link import LinkState
from talkbot_tui.core.model import LogEvent, MemberChanged, MessagePosted
from talkbot_tui.core.mutations import extend
from talkbot_tui.core.room_list import Room
from talkbot_tui.core.state import State

HOLE_MAX = 200
"""A hole larger than one page is left to `sync`."""

AHEAD_MAX = 1_000
EARLY_MAX = 10_000


def log_arrived(state: State, event: LogArrived) -> None:
    """Take live events; while syncing they wait, since cursors and epoch are in question."""
    if state.link.state is LinkState.SYNCING and not state.me.user_id:
        # Before we know who we are, our own messages cannot be told from others'.
        state.sync_again = True
    elif state.link.state is LinkState.SYNCING:
        wait(state, event.events)
    elif state.link.online:
        take(state, event.events)


def wait(state: State, events: Iterable[LogEvent]) -> None:
    """Keep events until the next answer to `sync`; what overflows shows as a hole then."""
    state.early.extend(events)
    del state.early[EARLY_MAX:]


def take(state: State, events: Iterable[LogEvent]) -> None:
    """Live events of any conversations, in the order in which they came."""
    by_room: dict[str, list[LogEvent]] = {}
    for event in events:
        by_room.setdefault(event.conversation_id, []).append(event)
    for conversation_id, found in by_room.items():
        room = state.rooms.known(conversation_id)
        if room is not None:
            _take_room(state, room, found)
        elif not _is_farewell(state, found[-1]):
            wait(state, found)
            state.request_sync()


def hold_over(state: State, conversation_id: str) -> None:
    """Half a second has passed: what has not come is fetched."""
    room = state.rooms.known(conversation_id)
    if room is None or not state.link.online:
        return
    timeline = room.timeline
    top = max(room.head_seq, timeline.head, max(room.ahead, default=0))
    if top - timeline.cursor > HOLE_MAX:
        state.request_sync()
    elif top > timeline.cursor:
        timeline.overdue = True
        fetching.pump(state, room)


def heads_arrived(state: State, event: HeadsArrived) -> None:
    """Some conversations went on without our noticing."""
    for conversation_id, head in event.heads:
        room = state.rooms.known(conversation_id)
        if room is None:
            state.request_sync()
        elif head > room.timeline.cursor:
            room.head_seq = max(room.head_seq, head)
            intake.settle(state, room, [])


def resync(state: State, event: Resync) -> None:
    """The server is not sure that we got everything."""
    del event  # whichever conversations it names, one sync looks at all
    state.request_sync()


def stream_delta(state: State, event: StreamDelta) -> None:
    """A piece of a streaming message; a missing piece before it asks for the whole."""
    room = state.rooms.known(event.conversation_id)
    message = room.timeline.message(event.server_msg_id) if room else None
    if room is None or message is None or not message.streaming:
        return
    longer = extend(message, event.offset, event.delta, event.size)
    if longer is None:
        fetching.look_again(state, room, message.seq)
    elif longer is not message:
        state.changes.splices(room.id, room.timeline.replace_message(longer))


def _take_room(state: State, room: Room, events: list[LogEvent]) -> None:
    timeline = room.timeline
    taken: list[LogEvent] = []
    for number, event in enumerate(events):
        if timeline.holds(event.seq):
            taken += intake.again(state, room, event)
        elif _is_farewell(state, event) and event.seq > timeline.cursor:
            membership.end(state, room)
            # What follows in the same breath can only be our coming back.
            if events[number + 1 :]:
                take(state, events[number + 1 :])
            return
        elif event.seq > timeline.cursor + 1:
            room.head_seq = max(room.head_seq, event.seq)
            if len(room.ahead) < AHEAD_MAX:
                room.ahead.setdefault(event.seq, event)
        elif event.seq == timeline.cursor + 1:
            room.head_seq = max(room.head_seq, event.seq)
            taken.append(intake.absorb(state, room, event, fresh=True))
            taken += intake.release(state, room)
        else:
            _late(state, room, event)
    intake.settle(state, room, taken)


def _late(state: State, room: Room, event: LogEvent) -> None:
    """An event that lies in a gap: the page that fills the gap has it as it is by then.

    But a message of ours is confirmed, or it would be sent again.
    """
    own = intake.own_form(state, event)
    # Only messages of ours have the client's id as their key.
    if isinstance(own, MessagePosted) and own.message.key in state.outbox:
        intake.take_own(state, room, own)


def _is_farewell(state: State, event: LogEvent) -> bool:
    return (
        isinstance(event, MemberChanged)
        and event.user.user_id == state.me.user_id
        and event.change in ("left", "removed")
    )
