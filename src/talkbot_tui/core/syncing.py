"""The link comes and goes; `sync` makes what is held agree with the server."""

from __future__ import annotations

import zlib
from dataclasses import replace

from talkbot_tui.core import (
    echoes,
    fetching,
    history,
    intake,
    live,
    membership,
    patience,
    reading,
)
from talkbot_tui.core.arrivals import (
    Latency,
    LinkConnecting,
    LinkDown,
    LinkRefused,
    LinkUp,
    Loaded,
    Synced,
    SyncFailed,
)
from talkbot_tui.core.effects import (
    AskHeads,
    FetchMembers,
    ForgetAll,
    ForgetRoom,
    Reconnect,
    SaveIdentity,
)
from talkbot_tui.core.events import ReconnectNow
from talkbot_tui.core.link import LinkState, Signal
from talkbot_tui.core.model import (
    LogEvent,
    Message,
    MessagePosted,
    RoomSnapshot,
    SendState,
    SyncSnapshot,
    User,
)
from talkbot_tui.core.outbox import UNANSWERED_MAX, backoff
from talkbot_tui.core.room_list import Room, stored_form
from talkbot_tui.core.state import State
from talkbot_tui.core.timeline import Timeline

HEADS_MS = 20_000
HEADS_SPREAD = 30
"""Percent by which the pause between two questions for heads varies."""

OTHER_USER = "other_user: Written under another name."

# --- the link ---------------------------------------------------------------------


def link_connecting(state: State, event: LinkConnecting) -> None:
    """An attempt begins."""
    state.link.signal(Signal.CONNECTING)
    state.link.attempt = event.attempt
    state.changes.link()
    patience.expire(state)


def link_up(state: State, event: LinkUp) -> None:
    """Connected: first of all, find out what was missed."""
    state.link.signal(Signal.UP)
    state.link.transport = event.transport
    state.changes.link()
    state.request_sync()


def link_down(state: State, event: LinkDown) -> None:
    """The link is lost, or could not be had."""
    state.link.signal(Signal.DOWN)
    if state.link.state is LinkState.WAITING:
        state.link.reason = event.reason
        state.link.code = event.code
        state.link.retry_at = event.retry_at
    _lost(state)


def link_refused(state: State, event: LinkRefused) -> None:
    """The server will not have us; what is queued stays queued."""
    state.link.signal(Signal.REFUSED)
    state.link.code = event.code
    state.link.reason = event.message
    _lost(state)


def latency(state: State, event: Latency) -> None:
    """A request was answered this fast."""
    if state.link.measure(event.ms):
        state.changes.link()


def reconnect_now(state: State, event: ReconnectNow) -> None:
    """The user does not want to wait."""
    del event
    state.emit(Reconnect("user"))


def _lost(state: State) -> None:
    state.changes.link()
    state.sync_sent = state.sync_again = False
    state.sync_tries = state.sync_silences = 0
    state.early.clear()
    state.cancel_all("sync", "heads", "hold", "fetch", "lane", "read", "typing")
    for conversation_id in state.roster.link_lost():
        state.changes.typing(conversation_id)
    state.changes.roster("")
    state.typing_told.clear()
    for message in state.outbox.link_lost(again=not state.once):
        state.facts.delayed(message.client_msg_id, "lost")
        echoes.show(state, message)
    for room in state.rooms:
        fetching.link_lost(room)
        reading.link_lost(room)
        fetching.regap(state, room)


# --- start ------------------------------------------------------------------------------


def loaded(state: State, event: Loaded) -> None:
    """The cache was read: what we knew when we left."""
    state.epoch = event.epoch
    state.me = event.me
    state.roster.see(event.me if event.me.user_id else None)
    for stored in event.rooms:
        summary = stored.summary
        conversation = summary.conversation
        room = state.rooms.ensure(conversation.conversation_id, conversation)
        room.conversation = conversation
        room.timeline = Timeline(room.id, stored.ranges, stored.cursor)
        room.known = bool(conversation.role)
        room.head_seq = max(stored.cursor, summary.head_seq)
        room.counted = room.head_seq
        room.read_seq, room.unread, room.mentions = (
            summary.read_seq,
            summary.unread,
            summary.mentions,
        )
        room.last_ts, room.last_text, room.draft = (
            summary.last_ts,
            summary.last_text,
            summary.draft,
        )
        room.reads = dict(stored.reads)
        # A question that was open when we left is open still; without a queue it lapses.
        room.held = state.asks and room.known and summary.held
        room.stored = stored_form(summary)
        state.roster.see(conversation.peer)
        state.touch(room)
    for message in event.outbox:
        if message.state is not SendState.FAILED:
            message = replace(message, state=SendState.QUEUED)
        state.outbox.add(message, uncertain=message.attempted)
        state.facts.note(message.client_msg_id, composed_at=message.ts)
        state.facts.delayed(message.client_msg_id, "restart")
        echoes.show(state, message)
    patience.expire(state)


# --- sync -------------------------------------------------------------------------------


def sync_failed(state: State, event: SyncFailed) -> None:
    """Ask again later; until then nothing is sent on a new link."""
    state.sync_sent = False
    if state.link.state not in (LinkState.SYNCING, LinkState.ONLINE):
        return
    state.sync_tries += 1
    state.sync_silences = 0 if event.answered else state.sync_silences + 1
    at = state.now + backoff(state.sync_tries)
    state.timer("sync", max(state.inner(event.retry_at), at) if event.retry_at else at)
    if state.sync_silences >= UNANSWERED_MAX:
        state.emit(Reconnect("unanswered"))


def synced(state: State, event: Synced) -> None:
    """What the server says is where we are; then what waited may go."""
    if not state.sync_sent:
        return
    state.sync_sent = False
    state.sync_tries = state.sync_silences = 0
    snapshot = event.snapshot
    first = state.link.state is LinkState.SYNCING
    _identify(state, snapshot)
    seen = {snap.conversation.conversation_id for snap in snapshot.rooms}
    for snap in snapshot.rooms:
        _merge(state, snap, first=first)
    for room in state.rooms:
        if room.known and room.id not in seen:
            membership.end(state, room)
    state.synced_once = True
    again, state.sync_again = state.sync_again, False
    early, state.early = state.early, []
    if first:
        patience.expire(state)
        state.link.signal(Signal.SYNCED)
        state.changes.link()
        _resume(state)
    else:
        for room in state.rooms:
            fetching.pump(state, room)
    # A conversation that the snapshot does not have yet waits for no second one.
    live.take(state, [found for found in early if state.rooms.known(found.conversation_id)])
    if again:
        state.request_sync()


def _identify(state: State, snapshot: SyncSnapshot) -> None:
    """Whose server this is, and who we are there."""
    before = (state.epoch, state.me)
    if state.epoch and (
        state.epoch != snapshot.epoch or state.me.user_id not in ("", snapshot.user.user_id)
    ):
        state.emit(ForgetAll(snapshot.epoch, snapshot.user))
        for room in state.rooms:
            membership.forget(state, room)
            room.head_seq = room.read_seq = room.counted = room.marker = 0
            room.read_told = room.read_confirmed = 0
            room.last_seq = 0
            room.stored = None
            room.reads.clear()
    _rename(state, snapshot.user)
    state.epoch = snapshot.epoch
    state.text_max = snapshot.text_max
    if before != (state.epoch, state.me):
        state.emit(SaveIdentity(state.epoch, state.me))


def _rename(state: State, me: User) -> None:
    """Echoes carry our name as the server has it; those of somebody else are not sent."""
    if state.me == me:
        return
    state.me = me
    state.roster.see(me)
    for message in state.outbox.all():
        if message.sender.user_id in ("", me.user_id):
            renamed = replace(message, sender=me)
            state.outbox.update([renamed])
            echoes.show(state, renamed)
        elif message.state is not SendState.FAILED:
            echoes.fail(state, message, OTHER_USER)


def _merge(state: State, snap: RoomSnapshot, *, first: bool) -> None:
    """One conversation of the snapshot."""
    room = state.rooms.ensure(snap.conversation.conversation_id, snap.conversation)
    timeline = room.timeline
    if first and snap.head_seq < timeline.head:
        # The server has less than we do, so it lost some and will give their numbers anew.
        state.emit(ForgetRoom(room.id))
        membership.forget(state, room)
        room.stored = None
        room.head_seq = 0
    cursor = timeline.cursor
    open_now = state.open_id == room.id
    if not room.known and timeline.numbered:
        # What was confirmed before we were members comes again, at its place.
        timeline.forget()
        state.changes.reset(room.id)
    if not room.known and open_now:
        timeline.open()
        history.look_at(state, room)
        if not first:
            # Opened before it was known; a new link asks for the open room's members anyway.
            state.emit(FetchMembers(room.id))
    room.known = True
    room.gone = False
    room.conversation = snap.conversation
    state.roster.see(snap.conversation.peer)
    room.head_seq = max(room.head_seq, snap.head_seq)
    if room.reads != dict(snap.reads):
        room.reads = dict(snap.reads)
        state.changes.room(room.id)
    taken, moved = _events(state, room, snap)
    for message in _messages(snap):
        room.latest(message)
    reading.merge_read(state, room, snap)
    if open_now and snap.unread and not room.marker:
        room.marker = snap.read_seq
    intake.settle(state, room, taken, moved=moved)
    if first:
        patience.hold(state, room, snap, cursor)
    if open_now:
        history.fill_screen(state, room)


def _events(state: State, room: Room, snap: RoomSnapshot) -> tuple[list[LogEvent], bool]:
    """Take the newest page; what is missing before it becomes a gap."""
    timeline = room.timeline
    before = (timeline.cursor, timeline.ranges)
    taken: list[LogEvent] = []
    if snap.events and not timeline.ranges and timeline.floor is not None:
        # Nothing below is in memory, nor held at all.
        timeline.floor = snap.from_seq
    for found in snap.events:
        if timeline.holds(found.seq):
            taken += intake.again(state, room, found)
        else:
            taken.append(intake.absorb(state, room, found, fresh=False))
    if snap.events:
        timeline.hold(snap.from_seq, snap.head_seq)
    timeline.skip_to(snap.head_seq)
    taken += intake.release(state, room)
    return taken, before != (timeline.cursor, timeline.ranges)


def _messages(snap: RoomSnapshot) -> list[Message]:
    """The messages among which the newest is."""
    found = [event.message for event in snap.events if isinstance(event, MessagePosted)]
    return found if snap.last_message is None else [*found, snap.last_message]


def _resume(state: State) -> None:
    """The link is good: send what waited, ask what is shown."""
    ask_heads_later(state)
    reading.resume(state)
    room = state.rooms.known(state.open_id)
    if room is not None:
        state.emit(FetchMembers(room.id))
    echoes.pump_all(state)
    for room in state.rooms:
        if room.id == state.open_id:
            room.fetching.pages = fetching.PAGES_UNASKED
        if room.known:
            intake.settle(state, room, [])


# --- heads ----------------------------------------------------------------------------


def ask_heads(state: State) -> None:
    """A lost last message leaves no hole to see: ask where the server is."""
    if not state.link.online:
        return
    heads = tuple(
        (room.id, max(room.head_seq, room.timeline.cursor)) for room in state.rooms if room.known
    )
    state.emit(AskHeads(heads))
    ask_heads_later(state)


def ask_heads_later(state: State) -> None:
    """In 20 s, give or take 30 percent, so that many clients do not ask at once."""
    state.turns += 1
    draw = zlib.crc32(f"{state.me.user_id}:{state.turns}:{state.now}".encode())
    percent = 100 - HEADS_SPREAD + draw % (2 * HEADS_SPREAD + 1)
    state.timer("heads", state.now + HEADS_MS * percent // 100)
