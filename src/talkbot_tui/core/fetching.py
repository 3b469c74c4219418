"""What to ask of `history`: one request per room at a time, the most needed first.

What is missing above the cursor comes first, for any room. Then a stream that
lost its thread, then what the user scrolled to, then, while the room is open,
the newest gap: as many pages as `PAGES_UNASKED`, after which a gap waits until
the user asks for it.
"""

from __future__ import annotations

from talkbot_tui.core.effects import FetchHistory
from talkbot_tui.core.outbox import backoff
from talkbot_tui.core.ranges import Ranges
from talkbot_tui.core.room_list import Room
from talkbot_tui.core.state import State

PAGE = 200
PAGES_UNASKED = 10


def pump(state: State, room: Room) -> None:
    """Ask for what is needed most, unless something is asked already."""
    fetching = room.fetching
    if fetching.request is not None or not room.known or not state.link.online:
        return
    if state.now < fetching.not_before:
        state.timer("fetch", fetching.not_before, room.id)
        return
    request = _next(state, room)
    if request is not None:
        fetching.request = request
        state.emit(FetchHistory(room.id, request, PAGE))
    regap(state, room)


def look_again(state: State, room: Room, seq: int) -> None:
    """This message must be read anew."""
    if seq not in room.fetching.around:
        room.fetching.around.append(seq)
        pump(state, room)


def failed(state: State, room: Room, *, retryable: bool) -> None:
    """The request came to nothing: again after a pause, or not before something asks anew."""
    fetching = room.fetching
    fetching.request = None
    if retryable:
        fetching.tries += 1
        fetching.not_before = state.now + backoff(fetching.tries)
    else:
        fetching.wanted = fetching.pages = 0
        fetching.around.clear()
        if room.timeline.overdue:
            # What is missing will not be given; `sync` makes it a visible gap and goes on.
            state.request_sync()
        room.timeline.overdue = False
        fetching.stuck = True
    regap(state, room)
    pump(state, room)


def link_lost(room: Room) -> None:
    """No answer will come."""
    room.fetching.request = None
    room.fetching.tries = 0
    room.fetching.not_before = 0
    room.fetching.stuck = False


def regap(state: State, room: Room) -> None:
    """The gap rows follow what is held and what is being fetched."""
    request = room.fetching.request
    timeline = room.timeline
    fetching = 0
    if request is not None and request[0] == "before":
        fetching = request[1] - 1
    elif request is not None and request[0] == "after":
        above = (
            last
            for first, last in Ranges(timeline.ranges).holes(timeline.head)
            if first > request[1]
        )
        fetching = next(above, 0)
    state.changes.splices(room.id, timeline.regap(fetching))


def _next(state: State, room: Room) -> tuple[str, int] | None:
    fetching = room.fetching
    timeline = room.timeline
    if timeline.overdue and not fetching.stuck:
        return ("after", timeline.cursor)
    if fetching.around:
        return ("around", fetching.around[0])
    if fetching.wanted:
        return ("before", fetching.wanted)
    if room.id == state.open_id and fetching.pages > 0 and timeline.gaps:
        fetching.pages -= 1
        return ("before", timeline.gaps[-1].last + 1)
    return None
