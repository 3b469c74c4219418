from __future__ import annotations

import asyncio

import pytest

from talkbot_tui.client.engine_follow import NotDelivered
from talkbot_tui.client.transport import Refused, Unreachable
from talkbot_tui.core.changes import DraftReturned, Noticed
from talkbot_tui.core.events import OpenConversation, ReconnectNow, SetDraft
from talkbot_tui.core.link import LinkState
from talkbot_tui.core.model import Message, MessagePosted, SendState
from tests.client.script import ROOM, refusal
from tests.client.world import World, running
from tests.waiting import until


async def test_a_message_is_saved_then_sent_then_confirmed() -> None:
    async with running(World()) as world:
        await world.online()
        world.link.released.clear()
        client_msg_id = world.engine.send(ROOM, "hello")
        done = world.engine.delivered(client_msg_id)
        await until(lambda: world.link.count("message"))
        assert world.memory.outbox[client_msg_id].text == "hello"
        assert not done.done()
        world.link.released.set()
        assert (await done).seq == 1
        await until(lambda: client_msg_id not in world.memory.outbox)


async def test_a_delivery_may_be_asked_for_after_it_came() -> None:
    async with running(World()) as world:
        await world.online()
        client_msg_id = world.engine.send(ROOM, "hello")
        await until(lambda: world.link.count("message") and not world.memory.outbox)
        assert (await world.engine.delivered(client_msg_id)).seq == 1


async def test_a_full_disk_gives_the_text_back_and_sends_nothing() -> None:
    async with running(World()) as world:
        await world.online()
        world.memory.full = True
        done = world.engine.delivered(world.engine.send(ROOM, "precious"))
        with pytest.raises(NotDelivered, match="disk_full"):
            await done
        returned = [c for c in world.changes if isinstance(c, DraftReturned)]
        assert returned == [DraftReturned(ROOM, "precious", "disk_full")]
        assert world.link.count("message") == 0
        world.memory.full = False
        await world.engine.delivered(world.engine.send(ROOM, "precious"))


async def test_a_message_in_flight_is_sent_again_under_its_id_after_a_lost_link() -> None:
    async with running(World()) as world:
        await world.online()
        first = world.link
        del world.server.answers["message"]
        client_msg_id = world.engine.send(ROOM, "once")
        await until(lambda: first.count("message"))
        world.server.message(first.payloads("message")[0])  # stored, but the ack is lost
        world.server.answers["message"] = world.server.message
        first.abort("lost")
        await world.state_is(LinkState.WAITING)
        await world.pass_time(60)
        await world.online()
        await until(lambda: not world.memory.outbox)
        assert [event["clientMsgId"] for event in world.server.log] == [client_msg_id]


async def test_two_missing_answers_in_a_row_drop_the_link() -> None:
    async with running(World()) as world:
        await world.online()
        first = world.link
        world.server.answers["message"] = lambda payload: _unanswered()
        world.engine.send(ROOM, "anybody there?")
        for _ in range(2):
            await until(lambda: world.link.count("message") > 0)
            await asyncio.sleep(0)
            world.clock.advance(5)
        await until(lambda: world.link is not first or world.state is LinkState.WAITING)


async def _unanswered() -> object:
    from talkbot_tui.client.transport import Unanswered

    raise Unanswered("message")


async def test_attempts_back_off_with_jitter_until_the_path_heals() -> None:
    world = World()
    for _ in range(4):
        world.connector.failures.append(Unreachable("refused"))
    waits = []
    async with running(world):
        for attempt in range(1, 5):
            await world.attempted(attempt)
            await world.state_is(LinkState.WAITING)
            link = world.engine.session.link
            assert link.reason == "No server answers at that address."
            waits.append(link.retry_at - world.clock.now)
            world.clock.advance(waits[-1] / 1000)
        await world.online()
    assert waits == [250, 500, 1000, 2000]


async def test_reconnect_now_ends_the_wait() -> None:
    world = World()
    world.connector.failures.append(Unreachable("timeout"))
    async with running(world):
        await world.state_is(LinkState.WAITING)
        world.engine.dispatch(ReconnectNow())
        await world.online()
    assert world.connector.attempts == 2


async def test_a_final_refusal_stops_the_attempts_until_the_user_asks() -> None:
    world = World()
    world.connector.failures.append(Refused("session_revoked", "Ended."))
    async with running(world):
        await world.state_is(LinkState.REFUSED)
        world.clock.advance(3600)
        await asyncio.sleep(0.05)
        assert world.connector.attempts == 1
        assert world.engine.session.link.code == "session_revoked"
        world.engine.dispatch(ReconnectNow())
        await world.online()


async def test_a_busy_server_is_asked_again_not_before_the_time_it_named() -> None:
    world = World()
    world.connector.failures.append(Refused("busy", "Later.", retryable=True, retry_after_ms=5000))
    async with running(world):
        await world.state_is(LinkState.WAITING)
        assert 5000 <= world.engine.session.link.retry_at - world.clock.now <= 10_000
        world.clock.advance(4.9)
        await asyncio.sleep(0.02)
        assert world.connector.attempts == 1
        world.clock.advance(5.2)
        await world.online()


async def test_goodbye_says_why_and_when_to_come_back() -> None:
    async with running(World()) as world:
        await world.online()
        world.link.push("goodbye", {"code": "draining", "retryAfterMs": 2000})
        await asyncio.sleep(0)
        world.link.abort("closed")
        await world.state_is(LinkState.WAITING)
        link = world.engine.session.link
        assert link.reason == "The server is restarting."
        assert 2000 <= link.retry_at - world.clock.now <= 4000


async def test_unknown_and_malformed_frames_change_nothing_but_counters() -> None:
    async with running(World()) as world:
        await world.online()
        world.link.push("brandNew", {"a": 1})
        world.link.push("message", {"nonsense": True})
        world.link.push("message")
        world.link.push("presence", 7, "offset")
        world.link.push("typing", {"conversationId": ROOM, "userId": "u-bruno", "on": True})
        await until(lambda: world.engine.session.typing(ROOM) or world.engine.counters)
        await until(lambda: world.engine.counters.get("malformed", 0) == 3)
        assert world.engine.counters["unknown"] == 1
        await world.engine.delivered(world.engine.send(ROOM, "still here"))


async def test_a_server_with_newer_log_events_can_still_be_synced_with() -> None:
    world = World()
    world.server.post("before")
    world.server.log.append(
        {"type": "poll", "conversationId": ROOM, "seq": 2, "ts": 1, "sender": {}}
    )
    world.server.post("after")
    async with running(world):
        await world.online()
        world.engine.dispatch(OpenConversation(ROOM))
        await until(lambda: world.texts() == ["before", "after"])


async def test_foreign_text_is_cleaned_on_its_way_in() -> None:
    async with running(World()) as world:
        await world.online()
        world.engine.dispatch(OpenConversation(ROOM))
        world.link.push("message", world.server.post("\x1b[2Jboo\x9b"))
        await until(world.texts)
        assert world.texts() == ["\ufffd[2Jboo\ufffd"]


async def test_the_token_is_renewed_on_the_live_connection_before_it_ends() -> None:
    world = World()
    world.server.expires_at = world.clock.now + 900_000
    async with running(world):
        await world.online()
        world.clock.advance(1)
        await until(lambda: 839 in world.clock.waits)
        await world.pass_time(834)
        assert world.link.count("auth") == 0
        await world.pass_time(6)
        await until(lambda: world.link.count("auth") == 1)
        assert world.link.payloads("auth") == [{"token": "token"}]
        assert len(world.connector.transports) == 1


async def test_a_renewal_that_does_not_help_is_not_repeated_without_a_pause() -> None:
    world = World()
    world.server.expires_at = world.clock.now + 1_000
    world.server.answers["auth"] = lambda payload: {
        "ok": True,
        "expiresAt": world.server.expires_at,
    }
    async with running(world):
        await world.online()
        world.clock.advance(5)
        for _ in range(100):
            await asyncio.sleep(0)
        for _ in range(4):
            world.clock.advance(1)
            for _ in range(100):
                await asyncio.sleep(0)
        assert 1 <= world.link.count("auth") <= 5


async def test_what_was_dispatched_last_is_saved_by_stop() -> None:
    world = World()
    async with running(world):
        await world.online()
        world.link.abort("lost")
        await world.state_is(LinkState.WAITING)
        client_msg_id = world.engine.send(ROOM, "late")
        world.engine.dispatch(SetDraft(ROOM, "half a thou"))
    assert world.memory.outbox[client_msg_id].text == "late"
    assert world.memory.drafts[ROOM] == "half a thou"


async def test_keys_in_the_composer_reach_the_store_at_most_every_400_ms() -> None:
    async with running(World()) as world:
        await world.online()
        for text in ("h", "he", "hel"):
            world.engine.dispatch(SetDraft(ROOM, text))
            await asyncio.sleep(0)
        await until(lambda: 0.4 in world.clock.waits)
        assert ROOM not in world.memory.drafts
        world.clock.advance(0.4)
        await until(lambda: world.memory.drafts.get(ROOM) == "hel")


async def test_a_start_without_network_shows_the_cache_at_once() -> None:
    first = World()
    first.server.post("yesterday")
    async with running(first):
        await first.online()
        first.engine.dispatch(OpenConversation(ROOM))
        await until(first.texts)
    second = World(store=first.memory)
    second.connector.failures.extend(Unreachable("network") for _ in range(3))
    async with running(second):
        assert [room.conversation.name for room in second.engine.session.rooms()] == ["general"]
        second.engine.dispatch(OpenConversation(ROOM))
        await until(lambda: second.texts() == ["yesterday"])
        assert second.state is not LinkState.ONLINE


async def test_changes_of_one_turn_come_together() -> None:
    async with running(World()) as world:
        await world.online()
        world.engine.dispatch(OpenConversation(ROOM))
        await asyncio.sleep(0.02)
        before = len(world.turns)
        for number in range(50):
            world.link.push("message", world.server.post(f"line {number}"))
        await until(lambda: len(world.texts()) == 50)
        await asyncio.sleep(0)
        assert len(world.turns) - before <= 3


async def test_a_flood_leaves_the_loop_its_turns() -> None:
    async with running(World()) as world:
        await world.online()
        world.engine.dispatch(OpenConversation(ROOM))
        for number in range(3000):
            world.link.push("message", world.server.post(f"line {number} " + "é" * 200))
        loop, longest, last = asyncio.get_running_loop(), 0.0, 0.0
        last = loop.time()
        while (room := world.engine.session.room(ROOM)) is None or room.head_seq < 3000:
            await asyncio.sleep(0)
            longest, last = max(longest, loop.time() - last), loop.time()
        assert longest < 0.25


async def test_each_new_event_of_the_log_is_told_once_over_reconnects() -> None:
    world = World()
    world.server.post("old")
    told: list[int] = []
    world.engine.add_log_listener(
        lambda events: told.extend(e.seq for e in events if isinstance(e, MessagePosted))
    )
    async with running(world):
        await world.online()
        world.link.push("message", world.server.post("live"))
        await until(lambda: told == [1, 2])
        world.server.post("missed")
        world.link.abort("lost")
        await world.state_is(LinkState.WAITING)
        world.clock.advance(60)
        await world.online()
        await until(lambda: told == [1, 2, 3])
        world.link.push("message", world.server.log[1])
        world.link.push("message", world.server.post("again live"))
        await until(lambda: told == [1, 2, 3, 4])


async def test_a_bot_hears_who_wants_its_answer_to_end() -> None:
    heard: list[tuple[str, str, str]] = []
    world = World()
    world.engine.add_stop_listener(lambda *asked: heard.append(asked))
    async with running(world):
        await world.online()
        world.link.push("stop", {"conversationId": ROOM, "serverMsgId": "m1", "userId": "u-bruno"})
        await until(lambda: heard == [(ROOM, "m1", "u-bruno")])
        world.engine.stream(ROOM, "m1", 0, "hello")
        await until(lambda: world.link.count("stream") == 1)


async def test_a_refused_message_stays_with_its_reason_and_the_lane_goes_on() -> None:
    async with running(World()) as world:
        await world.online()
        world.engine.dispatch(OpenConversation(ROOM))
        world.server.answers["message"] = lambda payload: (
            refusal("forbidden") if payload["text"] == "bad" else world.server.message(payload)
        )
        bad = world.engine.delivered(world.engine.send(ROOM, "bad"))
        good = world.engine.delivered(world.engine.send(ROOM, "good"))
        with pytest.raises(NotDelivered, match="forbidden"):
            await bad
        await good
        rows = [r for r in world.engine.session.timeline(ROOM).rows if isinstance(r, Message)]
        assert {row.text: row.state for row in rows} == {
            "bad": SendState.FAILED,
            "good": SendState.SENT,
        }


async def test_a_refused_edit_is_told_in_the_servers_words() -> None:
    async with running(World()) as world:
        await world.online()
        world.server.answers["edit"] = lambda payload: refusal("forbidden")
        world.engine.edit(ROOM, "m1", "other words")
        await until(lambda: Noticed("forbidden", "forbidden.", ROOM) in world.changes)


async def test_a_failing_subscriber_does_not_stop_the_others() -> None:
    world = World()
    seen: list[object] = []

    def fails(changes: object) -> None:
        raise RuntimeError("broken widget")

    world.engine.subscribe(fails)
    world.engine.subscribe(seen.append)
    async with running(world):
        await world.online()
        assert seen


async def test_latency_is_that_of_the_last_request() -> None:
    async with running(World()) as world:
        await world.online()
        await until(lambda: world.engine.session.link.latency_ms > 0)


async def test_a_machine_that_slept_doubts_its_connection() -> None:
    async with running(World()) as world:
        await world.online()
        first = world.link
        await until(lambda: any(wait > 13 for wait in world.clock.waits))
        world.clock.advance(3600)
        await until(lambda: first.closed)
        await world.state_is(LinkState.WAITING)


async def test_stop_may_be_called_twice_and_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    world = World()
    await world.engine.start()
    await world.online()
    await world.engine.stop()
    await world.engine.stop()
    await until(lambda: asyncio.all_tasks() == before)
    assert world.connector.transports[0].closed


async def test_a_clock_that_is_set_back_stops_no_timer() -> None:
    async with running(World()) as world:
        await world.online()
        world.clock.offset = -10 * 365 * 24 * 3_600_000
        await world.pass_time(30)
        await world.pass_time(30)
        await until(lambda: world.link.count("heads") > 0)
