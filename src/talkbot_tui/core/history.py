"""Older rows: pages from the cache, pages from the server, gaps that close."""

from __future__ import annotations

from talkbot_tui.core import fetching, intake, membership
from talkbot_tui.core.arrivals import HistoryArrived, HistoryFailed, PageLoaded
from talkbot_tui.core.effects import FetchMembers, LoadPage
from talkbot_tui.core.events import FillGap, OpenConversation, ReachedTop
from talkbot_tui.core.model import LogEvent
from talkbot_tui.core.room_list import Room
from talkbot_tui.core.state import State

PAGE = 200
FEW_ROWS = 50
"""With fewer rows than this the screen may not be full: ask for older ones unasked."""

RECENT_MAX = 6
"""So many conversations keep their rows in memory."""


def open_conversation(state: State, event: OpenConversation) -> None:
    """The user looks at a conversation: hold its rows, find its newest page."""
    state.open_id = event.conversation_id
    room = state.rooms.get(event.conversation_id)
    if room is None:
        return
    room.marker = room.read_seq if room.unread else 0
    room.fetching.stuck = False
    look_at(state, room)
    if room.timeline.floor is None:
        room.timeline.open()
        _load(state, room, before=0)
    if state.link.online and room.known:
        state.emit(FetchMembers(room.id))
    fetching.pump(state, room)


def look_at(state: State, room: Room) -> None:
    """This room is on the screen: its gaps fill by themselves, its rows are kept."""
    room.fetching.pages = fetching.PAGES_UNASKED
    if room.id in state.recent:
        state.recent.remove(room.id)
    state.recent.append(room.id)
    while len(state.recent) > RECENT_MAX:
        old = state.rooms.get(state.recent.pop(0))
        if old is not None and old.timeline.floor is not None:
            old.timeline.unload()
            old.loading = False
            state.changes.reset(old.id)


def fill_screen(state: State, room: Room) -> None:
    """With few rows to show, ask for older ones before the user scrolls there."""
    if room.timeline.numbered < FEW_ROWS:
        _want_older(state, room)


def reached_top(state: State, event: ReachedTop) -> None:
    """The oldest rows are on the screen: older ones from the cache, else from the server."""
    room = state.rooms.known(event.conversation_id)
    if room is not None:
        _want_older(state, room)


def fill_gap(state: State, event: FillGap) -> None:
    """The user asks for a gap."""
    room = state.rooms.known(event.conversation_id)
    if room is not None and any(gap.last == event.last for gap in room.timeline.gaps):
        room.fetching.wanted = event.last + 1
        room.fetching.pages = fetching.PAGES_UNASKED
        room.fetching.stuck = False
        fetching.pump(state, room)


def page_loaded(state: State, event: PageLoaded) -> None:
    """A page from the cache: these seqs are held already, now they have rows."""
    room = state.rooms.get(event.conversation_id)
    if room is None or not room.loading:
        return
    room.loading = False
    timeline = room.timeline
    if timeline.floor is None:
        return
    if event.events:
        timeline.lower(event.events[0].seq)
    elif timeline.ranges and timeline.ranges[0][0] < timeline.floor:
        # The cache has nothing to show for what we hold, or cannot be read.
        room.fetching.wanted = timeline.floor
    for found in event.events:
        if timeline.holds(found.seq):
            state.roster.see(found.sender)
            state.changes.splices(room.id, timeline.put(intake.own_form(state, found)))
    fetching.regap(state, room)
    if event.before == 0 and event.events:
        fill_screen(state, room)
    fetching.pump(state, room)


def history_arrived(state: State, event: HistoryArrived) -> None:
    """A page from the server; `request` says which hole it was to close."""
    room = state.rooms.known(event.conversation_id)
    if room is None or room.fetching.request != event.request:
        return
    events = sorted(event.events, key=lambda found: found.seq)
    if not events and event.more:
        fetching.failed(state, room, retryable=True)
        return
    side, seq = event.request
    room.fetching.request = None
    room.fetching.tries = room.fetching.not_before = 0
    if side == "before" and room.fetching.wanted == seq:
        room.fetching.wanted = 0
    if side == "around":
        room.fetching.around.remove(seq)
    if side == "after":
        _after(state, room, seq, events, event.head_seq)
    else:
        _before(state, room, seq if side == "before" else 0, events, more=event.more)


def history_failed(state: State, event: HistoryFailed) -> None:
    """No page came."""
    room = state.rooms.known(event.conversation_id)
    if room is None or room.fetching.request != event.request:
        return
    if event.reason == "not_found":
        room.fetching.request = None
        membership.end(state, room)
        return
    if not event.retryable and event.request == ("before", room.fetching.wanted):
        state.notice("history_failed", event.reason, room.id)
    fetching.failed(state, room, retryable=event.retryable)


def _after(state: State, room: Room, seq: int, events: list[LogEvent], head: int) -> None:
    """What was missing above the cursor; it is news, so it counts."""
    timeline = room.timeline
    taken: list[LogEvent] = []
    for found in events:
        if timeline.holds(found.seq):
            taken += intake.again(state, room, found)
        else:
            # An event that could not be read leaves a hole in the page: step over it.
            timeline.hold(max(timeline.cursor, seq) + 1, found.seq - 1)
            taken.append(intake.absorb(state, room, found, fresh=True))
            taken += intake.release(state, room)
    if events:
        room.head_seq = max(room.head_seq, head)
    elif head <= timeline.cursor:
        # The server knows of nothing newer: what we waited for does not exist.
        room.head_seq = timeline.head
        room.ahead.clear()
    timeline.overdue = timeline.cursor < max(room.head_seq, timeline.head)
    intake.settle(state, room, taken, moved=bool(events))


def _before(state: State, room: Room, before: int, events: list[LogEvent], *, more: bool) -> None:
    """A page of a gap, of older rows, or around a message; nothing in it is news."""
    timeline = room.timeline
    lowest = timeline.ranges[0][0] if timeline.ranges else before
    last = before - 1 if before else max((found.seq for found in events), default=0)
    first = events[0].seq if events else _hole_start(room, last)
    if not more and first <= lowest:
        first = 1
    if before and timeline.floor is not None and before >= timeline.floor:
        timeline.lower(first)
    taken: list[LogEvent] = []
    for found in events:
        if timeline.holds(found.seq):
            taken += intake.again(state, room, found)
        else:
            taken.append(intake.absorb(state, room, found, fresh=False))
    timeline.hold(first, last)
    intake.settle(state, room, taken, moved=True)


def _hole_start(room: Room, last: int) -> int:
    """Where the hole that ends at `last` begins."""
    below = [span[1] for span in room.timeline.ranges if span[1] < last]
    return max(below, default=0) + 1


def _want_older(state: State, room: Room) -> None:
    timeline = room.timeline
    if timeline.floor is None or room.loading:
        return
    lowest = timeline.ranges[0][0] if timeline.ranges else timeline.cursor + 1
    if timeline.ranges and lowest < timeline.floor:
        _load(state, room, before=timeline.floor)
    elif lowest > 1:
        room.fetching.wanted = lowest
        fetching.pump(state, room)


def _load(state: State, room: Room, before: int) -> None:
    if room.timeline.ranges:
        room.loading = True
        state.emit(LoadPage(room.id, before, PAGE))
    else:
        _want_older(state, room)
