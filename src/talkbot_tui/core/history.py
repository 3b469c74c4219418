"""Older rows: pages from the cache, pages from the server, gaps that close; and places far back.

At most some `ROWS_MAX` rows of a conversation are in memory: who reads far back lets go of
the newest, and they are read from the cache again on the way back.
"""

from __future__ import annotations

from talkbot_tui.core import fetching, intake, membership
from talkbot_tui.core.arrivals import HistoryArrived, HistoryFailed, PageLoaded
from talkbot_tui.core.changes import Jumped
from talkbot_tui.core.effects import FetchMembers, LoadPage
from talkbot_tui.core.events import (
    FillGap,
    JumpTo,
    OpenConversation,
    ReachedBottom,
    ReachedTop,
    ShowNewest,
)
from talkbot_tui.core.model import LogEvent, row_key
from talkbot_tui.core.room_list import Room
from talkbot_tui.core.state import State

PAGE = 200
FEW_ROWS = 50
"""With fewer rows than this the screen may not be full: ask for older ones unasked."""

ROWS_MAX = 2_000
"""About so many rows of one conversation are in memory."""

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
    _renew(state, room)
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
            old.loading = old.renew = old.sought = False
            old.seek = 0
            state.changes.reset(old.id)


def fill_screen(state: State, room: Room) -> None:
    """With few rows to show, ask for older ones before the user scrolls there."""
    if room.timeline.numbered < FEW_ROWS:
        _want_older(state, room)


def reached_top(state: State, event: ReachedTop) -> None:
    """The oldest rows are on the screen: older ones from the cache, else from the server."""
    room = state.rooms.known(event.conversation_id)
    if room is not None:
        room.at_top = True
        _want_older(state, room)


def reached_bottom(state: State, event: ReachedBottom) -> None:
    """The newest rows in memory are on the screen: newer ones from the cache."""
    room = state.rooms.get(event.conversation_id)
    if room is not None and room.timeline.ceiling and not room.loading:
        room.at_top = False
        room.loading = True
        _read(state, room, after=room.timeline.ceiling)


def show_newest(state: State, event: ShowNewest) -> None:
    """The user goes to the end."""
    room = state.rooms.get(event.conversation_id)
    if room is not None:
        _renew(state, room)


def jump_to(state: State, event: JumpTo) -> None:
    """Show what is around a seq: it is in memory, in the cache, or must be asked for."""
    room = state.rooms.known(event.conversation_id)
    if room is None or room.timeline.floor is None:
        return
    room.renew = room.sought = room.at_top = False
    room.seek = event.seq
    if room.timeline.holds(event.seq):
        _seek(state, room)
    elif event.seq > room.timeline.cursor:
        # What is newer comes by itself, in order.
        room.seek = 0
        state.notice("jump_missing", "", room.id)
    elif state.link.online:
        room.sought = True
        fetching.look_again(state, room, event.seq)
    else:
        room.seek = 0
        state.notice("jump_offline", "", room.id)


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
    if room is None or not (room.loading or room.renew or room.seek):
        return
    timeline = room.timeline
    sought = room.seek > 0 and room.seek == event.before - 1
    if room.asked != timeline.ranges and (sought or event.after or timeline.detached):
        # Read before what came meanwhile was written: it would have holes that nobody sees.
        _read(state, room, event.before, event.after)
        return
    if sought:
        _sought(state, room, event)
        return
    room.loading = False
    if timeline.floor is None:
        return
    if event.after:
        _newer(state, room, event)
        return
    if room.renew and not event.before:
        room.renew = False
        timeline.unload()
        timeline.open()
        state.changes.reset(room.id)
    elif timeline.ceiling and not 0 < event.before <= timeline.ceiling + 1:
        # What was asked for before the user went elsewhere.
        return
    elif 0 < event.before < timeline.floor:
        # The same, from a place further back: between it and our rows others would be missing.
        fill_screen(state, room)
        return
    if event.events:
        timeline.lower(event.events[0].seq)
    elif timeline.ranges and timeline.ranges[0][0] < timeline.floor:
        # The cache has nothing to show for what we hold, or cannot be read.
        room.fetching.wanted = timeline.floor
    _show(state, room, event.events)
    _trim(state, room)
    fetching.regap(state, room)
    if event.events and event.events[0].seq > timeline.floor:
        # So much is held above the cursor that one page does not reach down to it.
        _load(state, room, before=event.events[0].seq)
    elif event.before == 0 and event.events:
        fill_screen(state, room)
    fetching.pump(state, room)


def history_arrived(state: State, event: HistoryArrived) -> None:
    """A page from the server; `request` says which hole it was to close."""
    room = state.rooms.known(event.conversation_id)
    if room is None or room.fetching.request != event.request:
        return
    events = sorted(event.events, key=lambda found: found.seq)
    side, seq = event.request
    promised = event.more or (side == "after" and event.head_seq > room.timeline.cursor)
    if not events and not event.span[1] and promised:
        # Nothing was given of what is said to be there: asked again, but not at once.
        fetching.failed(state, room, retryable=True)
        return
    room.fetching.request = None
    room.fetching.tries = room.fetching.not_before = 0
    if side == "before" and room.fetching.wanted == seq:
        room.fetching.wanted = 0
    if side == "around":
        room.fetching.around.remove(seq)
    if side == "after":
        _after(state, room, event, events)
    else:
        _before(state, room, event, events)
    if room.sought and event.request == ("around", room.seek):
        room.sought = False
        if room.timeline.holds(room.seek):
            _seek(state, room)
        else:
            room.seek = 0
            state.notice("jump_missing", "", room.id)


def history_failed(state: State, event: HistoryFailed) -> None:
    """No page came."""
    room = state.rooms.known(event.conversation_id)
    if room is None or room.fetching.request != event.request:
        return
    if event.reason == "not_found":
        room.fetching.request = None
        membership.end(state, room)
        return
    sought = room.sought and event.request == ("around", room.seek)
    if not event.retryable and (sought or event.request == ("before", room.fetching.wanted)):
        state.notice("history_failed", event.reason, room.id)
        room.seek = 0 if sought else room.seek
        room.sought = room.sought and not sought
    fetching.failed(state, room, retryable=event.retryable)


def _after(state: State, room: Room, page: HistoryArrived, events: list[LogEvent]) -> None:
    """What was missing above the cursor; it is news, so it counts."""
    timeline = room.timeline
    seq, head, last = page.request[1], page.head_seq, page.span[1]
    taken: list[LogEvent] = []
    for found in events:
        if timeline.holds(found.seq):
            taken += intake.again(state, room, found)
        else:
            # An event that could not be read leaves a hole in the page: step over it.
            timeline.hold(max(timeline.cursor, seq) + 1, found.seq - 1)
            taken.append(intake.absorb(state, room, found, fresh=True))
            taken += intake.release(state, room)
    if last > timeline.cursor:
        # The same at the end of the page, or the hole would be asked for again and again.
        timeline.hold(max(timeline.cursor, seq) + 1, last)
        taken += intake.release(state, room)
    if events or last:
        room.head_seq = max(room.head_seq, head)
    elif head <= timeline.cursor:
        # The server knows of nothing newer: what we waited for does not exist.
        room.head_seq = timeline.head
        room.ahead.clear()
    timeline.overdue = timeline.cursor < max(room.head_seq, timeline.head)
    intake.settle(state, room, taken, moved=bool(events or last))


def _before(state: State, room: Room, page: HistoryArrived, events: list[LogEvent]) -> None:
    """A page of a gap, of older rows, or around a message; nothing in it is news."""
    timeline = room.timeline
    before = page.request[1] if page.request[0] == "before" else 0
    if not before:
        # What is above the cursor is news, and comes by the ways of news.
        events = [e for e in events if e.seq <= timeline.cursor or timeline.holds(e.seq)]
    lowest = timeline.ranges[0][0] if timeline.ranges else before
    seqs = [found.seq for found in events] + [seq for seq in page.span if seq]
    if not before:
        seqs = [min(seq, timeline.cursor) for seq in seqs]
    last = before - 1 if before else max(seqs, default=0)
    first = min(seqs) if seqs else _hole_start(room, last)
    if not page.more and first <= lowest:
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
    _trim(state, room)
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
        _read(state, room, before)
    else:
        _want_older(state, room)


def _read(state: State, room: Room, before: int = 0, after: int = 0) -> None:
    room.asked = room.timeline.ranges
    state.emit(LoadPage(room.id, before, PAGE, after))


# --- places far back ----------------------------------------------------------------------


def _renew(state: State, room: Room) -> None:
    """The newest rows again; what is shown stays until they are read."""
    room.at_top = room.sought = False
    room.seek = 0
    if room.timeline.detached:
        room.renew = True
        _read(state, room)


def _seek(state: State, room: Room) -> None:
    """Rows on both sides of a seq that is held."""
    if room.timeline.shows(room.seek):
        _land(state, room)
        return
    _read(state, room, before=room.seek + 1)


def _sought(state: State, room: Room, page: PageLoaded) -> None:
    """What is before the place: the rows begin anew with it, and what is after it comes next."""
    if room.timeline.floor is None or state.open_id != room.id:
        room.seek = 0
        return
    first = page.events[0].seq if page.events else room.seek
    room.timeline.open(first, room.seek)
    state.changes.reset(room.id)
    _show(state, room, page.events)
    fetching.regap(state, room)
    room.loading = True
    _read(state, room, after=room.seek)


def _newer(state: State, room: Room, page: PageLoaded) -> None:
    """Rows after those that are shown."""
    timeline = room.timeline
    if timeline.ceiling == page.after:
        last = page.events[-1].seq if page.events else timeline.head
        state.changes.splices(room.id, timeline.lift(last))
        _show(state, room, page.events)
        if not room.seek:
            state.changes.splices(room.id, timeline.trim(ROWS_MAX, newest=False))
        fetching.regap(state, room)
    if room.seek == page.after:
        _land(state, room)


def _land(state: State, room: Room) -> None:
    row = room.timeline.rows.nearest(room.seek)
    if row is None:
        state.notice("jump_missing", "", room.id)
    else:
        state.changes.add(Jumped(room.id, room.seek, row_key(row)))
    room.seek = 0


def _show(state: State, room: Room, events: tuple[LogEvent, ...]) -> None:
    for found in events:
        if room.timeline.holds(found.seq):
            state.roster.see(found.sender)
            state.changes.splices(room.id, room.timeline.put(intake.own_form(state, found)))


def _trim(state: State, room: Room) -> None:
    """Who reads at the oldest rows does not see the newest."""
    if room.at_top:
        state.changes.splices(room.id, room.timeline.trim(ROWS_MAX, newest=True))
