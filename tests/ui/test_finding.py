from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from talkbot_tui import i18n
from talkbot_tui.core import arrivals as a
from talkbot_tui.core import events as e
from talkbot_tui.core.model import LogEvent, MessagePosted, RoomSummary
from talkbot_tui.ui import when
from talkbot_tui.ui.screens.chat import ChatScreen
from talkbot_tui.ui.screens.finder import Finder
from tests.ui.scenes import (
    ANA,
    BRUNO,
    DEPLOYS,
    GENERAL,
    ME,
    NOW,
    ZONE,
    come_back,
    make_app,
    make_engine,
    said,
)
from tests.ui.scripted import ScriptedEngine
from tests.ui.seen import chat, hides, lines, shows, text
from tests.waiting import until

WIDE, SMALL = (120, 40), (60, 18)
DAY = 24 * 60


def elsewhere(event: MessagePosted, room: str) -> MessagePosted:
    message = replace(event.message, conversation_id=room, server_msg_id=f"{room}-{event.seq}",
                      key=f"{room}-{event.seq}")  # fmt: skip
    return replace(event, conversation_id=room, message=message)


def with_past(engine: ScriptedEngine, count: int = 1_000) -> ScriptedEngine:
    """Another room with a long cached past: one message an hour."""
    past: list[LogEvent] = [
        elsewhere(
            said(n, ANA if n % 2 else BRUNO, f"old number{n} talk", (count - n) * 60), DEPLOYS
        )
        for n in range(1, count + 1)
    ]
    engine.older[DEPLOYS] = past
    room = engine.session.room(DEPLOYS)
    assert room is not None
    summary = RoomSummary(room.conversation, head_seq=count, read_seq=count)
    general = engine.session.room(GENERAL)
    assert general is not None
    held = engine.session.timeline(GENERAL)
    rooms = (
        a.StoredRoom(summary, count, ((1, count),)),
        a.StoredRoom(general, held.cursor, held.ranges),
    )
    fresh = ScriptedEngine(NOW)
    fresh.older = engine.older
    fresh.feed(a.Loaded("e1", ME, rooms, ()))
    return fresh


def finder(pilot: Pilot[int]) -> Finder:
    screen = pilot.app.screen
    assert isinstance(screen, Finder)
    return screen


async def asked(pilot: Pilot[int], words: Iterable[str]) -> None:
    await pilot.press("ctrl+f")
    await until(lambda: isinstance(pilot.app.screen, Finder))
    await pilot.press(*("space" if key == " " else key for key in words))


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_hits_come_while_one_types_and_enter_goes_there_and_escape_comes_back(
    size: tuple[int, int],
) -> None:
    engine = with_past(make_engine())
    async with make_app(engine).run_test(size=size) as pilot:
        await until(lambda: chat(pilot).desk.room_id == GENERAL)
        await asked(pilot, "number250 ")
        await shows(pilot, "number250 talk")
        assert any("#deploys" in line and "bruno" in line for line in lines(pilot))
        await pilot.press("enter")
        await until(lambda: isinstance(pilot.app.screen, ChatScreen))
        await shows(pilot, "old number250 talk")
        screen = chat(pilot)
        assert screen.desk.room_id == DEPLOYS
        assert screen.pane.selected == f"{DEPLOYS}-250"
        assert screen.on_message
        assert "old number249 talk" in text(pilot)
        assert "old number251 talk" in text(pilot)
        await pilot.press("escape")
        await until(lambda: isinstance(pilot.app.screen, Finder))
        assert finder(pilot).field.value == "number250 "
        await shows(pilot, "number250 talk")
        await pilot.press("escape")
        await until(lambda: chat(pilot).desk.room_id == GENERAL)
        assert isinstance(pilot.app.screen, ChatScreen)


async def test_reading_on_from_a_hit_comes_to_the_end_and_end_at_once() -> None:
    engine = with_past(make_engine())
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await asked(pilot, "number250 ")
        await shows(pilot, "number250 talk")
        await pilot.press("enter")
        await shows(pilot, "old number250 talk")
        for _ in range(5):
            await pilot.press("pagedown")
        await until(lambda: e.ReachedBottom(DEPLOYS) in engine.events)
        assert engine.session.timeline(DEPLOYS).detached
        assert not chat(pilot).pane.following
        await pilot.press("ctrl+end")
        await shows(pilot, "old number1000 talk")
        assert chat(pilot).pane.following


async def test_older_hits_and_the_servers_come_without_doubles() -> None:
    engine = with_past(make_engine())
    come_back(engine)
    there = elsewhere(said(7000, ANA, "old talk at the server", 5), DEPLOYS).message
    here = elsewhere(said(999, ANA, "old number999 talk", 60), DEPLOYS).message
    engine.lookups.found = [there, here]
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await asked(pilot, "old")
        await until(lambda: len(finder(pilot).hunt.hits) == 50)
        assert finder(pilot).keys[-2:] == ["@more", "@server"]
        finder(pilot).action_move(50)
        await pilot.press("enter")
        await until(lambda: len(finder(pilot).hunt.hits) == 100)
        finder(pilot).action_move(1000)
        await pilot.press("enter")
        await until(lambda: finder(pilot).hunt.remote)
        assert len(finder(pilot).hunt.hits) == 101
        finder(pilot).action_move(-1000)
        await shows(pilot, "old talk at the server")


async def test_hostile_text_and_words_are_only_text() -> None:
    engine = make_engine()
    evil = said(500, ANA, "see [red]this[/] [@click=app.quit]x[/] \u202e tail", 1)
    engine.feed(a.LogArrived((evil,)))
    engine.older.setdefault(GENERAL, []).append(evil)
    async with make_app(engine).run_test(size=SMALL) as pilot:
        await pilot.press("ctrl+f")
        for typed in ('"', "see [red]", "NEAR(", "*", "a*", "from:", "from:nobody x", "before:x y"):
            finder(pilot).field.value = typed
            await pilot.pause()
        await shows(pilot, "is no time")
        finder(pilot).field.value = "see"
        await shows(pilot, "see [red]this[/]")


async def test_filters_narrow_by_person_room_and_day(language: str) -> None:
    engine = with_past(make_engine())
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press("ctrl+f")
        await until(lambda: isinstance(pilot.app.screen, Finder))
        finder(pilot).field.value = "in:#deploys after:2026-11-20 before:2026-11-21 old"
        await until(lambda: bool(finder(pilot).hunt.hits))
        assert len(finder(pilot).hunt.hits) == 24
        finder(pilot).field.value = "in:#nowhere old"
        await until(lambda: not finder(pilot).hunt.hits)
        assert finder(pilot).told_why
    assert language in i18n.LANGUAGES


async def in_deploys(pilot: Pilot[int]) -> None:
    await until(lambda: chat(pilot).desk.room_id == GENERAL)
    chat(pilot).open_room(DEPLOYS)
    await until(lambda: chat(pilot).engine.session.open_id == DEPLOYS)


async def ordered(pilot: Pilot[int], line: str) -> None:
    chat(pilot).composer.set_text(line)
    await pilot.press("enter")


async def test_jumping_to_a_number_a_day_and_what_is_not_there() -> None:
    engine = with_past(make_engine())
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await in_deploys(pilot)
        await ordered(pilot, "/jump #123")
        await shows(pilot, "old number123 talk")
        assert chat(pilot).pane.selected == f"{DEPLOYS}-123"
        await pilot.press("escape")
        await ordered(pilot, "/jump yesterday")
        # 12:46 UTC is 09:46 here: midnight before yesterday's first hour is 33 hours back.
        await until(lambda: chat(pilot).pane.selected == f"{DEPLOYS}-{1000 - 33}")
        for line, told in (
            ("/jump #5000", "from #1 to #1000"),
            ("/jump sometimes", "is no time"),
            ("/jump 2031-01-01", "Nothing was written here since then"),
            ("/jump first-unread", "Nothing was unread here"),
        ):
            chat(pilot).set_focus(chat(pilot).composer)
            await ordered(pilot, line)
            await shows(pilot, told)


async def test_first_unread_has_the_focus() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await until(lambda: chat(pilot).desk.room_id == GENERAL)
        marker = engine.session.unread_from(GENERAL)
        assert marker
        await pilot.press("alt+u")
        await until(lambda: chat(pilot).on_message)
        row = chat(pilot).pane.current
        assert getattr(row, "seq", 0) == marker + 1


async def test_a_place_that_is_not_here_says_so_offline() -> None:
    engine = with_past(make_engine())
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await in_deploys(pilot)
        timeline = engine.session.timeline(DEPLOYS)
        timeline._ranges = type(timeline._ranges)(((500, 1_000),))
        await ordered(pilot, "/jump #123")
        await shows(pilot, "is not on this computer")


async def test_sending_from_far_back_shows_the_end() -> None:
    engine = with_past(make_engine())
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await in_deploys(pilot)
        await ordered(pilot, "/jump #123")
        await shows(pilot, "old number123 talk")
        chat(pilot).set_focus(chat(pilot).composer)
        await ordered(pilot, "here I am")
        await shows(pilot, "here I am")
        await hides(pilot, "old number123 talk")
        assert e.ShowNewest(DEPLOYS) in engine.events


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("2026-11-03", "2026-11-03T03:00:00Z"),
        ("2026-11-03 14:30", "2026-11-03T17:30:00Z"),
        ("2026-11-03T14:30", "2026-11-03T17:30:00Z"),
        ("3/11/2026", "2026-11-03T03:00:00Z"),
        ("ontem", "2026-11-22T03:00:00Z"),
        ("Yesterday 9h05", "2026-11-22T12:05:00Z"),
        ("08:30", "2026-11-23T11:30:00Z"),
        ("23:59", "2026-11-23T02:59:00Z"),
        ("hoje", "2026-11-23T03:00:00Z"),
        ("2026-02-30", None),
        ("25:00", None),
        ("", None),
        ("9999-12-31 23:59", None),
        ("0001-01-01", "1970-01-01T00:00:00Z"),
        ("yesterday yesterday", None),
        ("14:30 yesterday", None),
    ],
)
def test_times_as_people_write_them(typed: str, wanted: str | None) -> None:
    from datetime import datetime

    found = when.parse(typed, NOW, ZONE)
    if wanted is None:
        assert found is None
    else:
        ms = int(datetime.fromisoformat(wanted.replace("Z", "+00:00")).timestamp() * 1000)
        assert found == ms
