from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talkbot_tui.core.model import Message, MessagePosted, SendState
from talkbot_tui.core.ranges import Ranges
from tests.core.people import ANA
from tests.core.world import ROUGH_STEPS, STEPS, Steps, World

THOROUGH = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STORIES = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 63)), min_size=10, max_size=150
)


def told(story: list[tuple[int, int]], steps: Steps = STEPS) -> World:
    world = World()
    world.connect(0)
    for step, pick in story:
        steps[step](world, pick)
    for pick in range(64):
        world.bot_ends(pick)
    world.settle()
    return world


ROUGH = st.lists(
    st.tuples(st.integers(0, len(ROUGH_STEPS) - 1), st.integers(0, 63)), min_size=10, max_size=150
)


def numbered(world: World, room: str) -> list[Message]:
    rows = world.session.timeline(room).rows
    return [row for row in rows if isinstance(row, Message) and row.seq]


def plain(message: Message) -> Message:
    """Without what only one side keeps: the key, the registers' bookkeeping, a dead revision."""
    if message.deleted:
        message = replace(message, revision=0, outcome=None)
    return replace(message, key="", reacted_seq=0, changed_seq=0)


@THOROUGH
@given(STORIES)
def test_whatever_happens_each_message_ends_as_one_sent_row_in_order(
    story: list[tuple[int, int]],
) -> None:
    world = told(story)
    for room in world.server.rooms:
        world.open(list(world.server.rooms).index(room))
        world.settle()
        rows = numbered(world, room)
        assert [m.seq for m in rows] == sorted({m.seq for m in rows})
        assert all(m.state is SendState.SENT for m in rows)
        assert len({m.key for m in rows}) == len(rows)


@THOROUGH
@given(STORIES)
def test_the_server_gets_each_message_once_and_in_order(story: list[tuple[int, int]]) -> None:
    world = told(story)
    for room, ids in world.composed.items():
        mine = [
            m.client_msg_id
            for m in sorted(world.server.rooms[room].messages.values(), key=lambda m: m.seq)
            if m.sender == ANA
        ]
        # What was given up is received by nobody.
        assert mine == [i for i in ids if i not in world.discarded]
        assert len(mine) == len(set(mine))


@THOROUGH
@given(STORIES)
def test_what_is_not_held_is_a_visible_gap(story: list[tuple[int, int]]) -> None:
    world = told(story)
    for number, room in enumerate(world.server.rooms):
        world.open(number)
        world.settle()
        timeline = world.session.timeline(room)
        head = world.server.rooms[room].head
        assert timeline.cursor == timeline.head == head
        held = {seq for first, last in timeline.ranges for seq in range(first, last + 1)}
        gaps = {seq for gap in timeline.gaps for seq in range(gap.first, gap.last + 1)}
        floor = timeline.floor or 1
        lowest = min(held, default=head + 1)
        assert set(range(max(floor, lowest), head + 1)) - held <= gaps
        assert not gaps & held
        shown = {m.seq for m in numbered(world, room)}
        exist = {m.seq for m in world.server.rooms[room].messages.values()}
        assert shown == {seq for seq in held & exist if seq >= floor}


@THOROUGH
@given(STORIES)
def test_live_and_fresh_converge_on_the_screen_and_in_the_cache(
    story: list[tuple[int, int]],
) -> None:
    world = told(story)
    for number, (room, at_server) in enumerate(world.server.rooms.items()):
        world.open(number)
        world.settle()
        now = {m.server_msg_id: plain(m) for m in at_server.messages.values()}
        if not Ranges(world.session.timeline(room).ranges).holes(at_server.head):
            for message in numbered(world, room):
                assert plain(message) == now[message.server_msg_id]
            for event in world.store.events.get(room, {}).values():
                if isinstance(event, MessagePosted) and world.session.timeline(room).holds(
                    event.seq
                ):
                    assert plain(event.message) == now[event.message.server_msg_id]


@THOROUGH
@given(STORIES)
def test_unread_ends_as_the_server_counts_it(story: list[tuple[int, int]]) -> None:
    world = told(story)
    world.resync(0)
    world.settle()
    for room, at_server in world.server.rooms.items():
        summary = world.session.room(room)
        assert summary is not None
        assert (summary.unread, summary.mentions) == at_server.unread(ANA)
        assert summary.read_seq == at_server.read_seq
        assert summary.head_seq == at_server.head


READING_STEPS: Steps = (
    World.other_posts,
    World.deliver_all,
    World.read,
    World.serve,
    World.deliver_answer,
    World.lose_request,
    World.tick,
)
READING = st.lists(
    st.tuples(st.integers(0, len(READING_STEPS) - 1), st.integers(0, 63)), min_size=10, max_size=80
)


@THOROUGH
@given(READING)
def test_a_read_mark_reaches_the_server_by_itself(story: list[tuple[int, int]]) -> None:
    world = told(story, READING_STEPS)
    # A mark that failed often is told again within a minute; heads are asked every 20 s.
    for _ in range(6):
        world.tick(0)
        world.settle()
    for room, at_server in world.server.rooms.items():
        summary = world.session.room(room)
        assert summary is not None
        assert summary.read_seq == at_server.read_seq


@THOROUGH
@given(STORIES)
def test_a_restart_shows_the_same_room_list(story: list[tuple[int, int]]) -> None:
    world = told(story)
    before = {room.conversation.conversation_id: room for room in world.session.rooms()}
    world.restart(0)
    after = {room.conversation.conversation_id: room for room in world.session.rooms()}
    assert after == before


@THOROUGH
@given(STORIES)
def test_the_same_events_at_the_same_times_give_the_same(story: list[tuple[int, int]]) -> None:
    first, second = told(story), told(story)
    assert first.session.rooms() == second.session.rooms()
    assert first.now == second.now
    assert first.store.events == second.store.events


@THOROUGH
@given(ROUGH)
def test_nothing_written_vanishes_even_when_rooms_and_servers_do(
    story: list[tuple[int, int]],
) -> None:
    world = told(story, ROUGH_STEPS)
    for number, (room, at_server) in enumerate(world.server.rooms.items()):
        world.open(number)
        world.settle()
        rows = list(world.session.timeline(room).rows)
        unsent = {m.client_msg_id for m in rows if isinstance(m, Message) and not m.seq}
        assert unsent == {
            m.client_msg_id for m in world.store.outbox.values() if m.conversation_id == room
        }
        if not at_server.member:
            # A late answer may still confirm what was sent while we were in.
            assert all(m.sender == ANA for m in numbered(world, room))
            assert room not in world.store.events
            assert (world.session.room(room) is not None) == bool(unsent)
            continue
        shown = {m.server_msg_id: plain(m) for m in numbered(world, room)}
        if not Ranges(world.session.timeline(room).ranges).holes(at_server.head):
            now = {m.server_msg_id: plain(m) for m in at_server.messages.values()}
            assert shown.items() <= now.items()
