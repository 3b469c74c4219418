"""What the screen says and asks about messages that the server does not have yet."""

from __future__ import annotations

import pytest

from talkbot_tui import i18n
from talkbot_tui.core import arrivals as a
from talkbot_tui.core import events as e
from talkbot_tui.ui.window_title import title, understood
from tests.ui.scenes import GENERAL, NOW, come_back, held_engine, make_app, make_engine, said
from tests.ui.scripted import ScriptedEngine
from tests.ui.seen import chat, hides, lines, shows, text
from tests.waiting import until

WIDE = (120, 40)


def ordered(engine: ScriptedEngine, kind: type[e.UserEvent]) -> list[e.UserEvent]:
    return [event for event in engine.events if isinstance(event, kind)]


async def test_a_held_room_asks_and_enter_on_an_empty_text_sends() -> None:
    engine = held_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await shows(pilot, "2 messages have waited for 23 min")
        await pilot.press("enter")
        await hides(pilot, "have waited for")
        assert ordered(engine, e.SendHeld) == [e.SendHeld(GENERAL)]
        await shows(pilot, "↑ sending")


async def test_a_held_room_lets_one_write_and_the_command_sends() -> None:
    engine = held_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"and this", "enter")
        await shows(pilot, "3 messages have waited for 23 min")
        assert ordered(engine, e.SendHeld) == []
        await pilot.press(*"/send", "enter")
        await hides(pilot, "have waited for")
        await pilot.press(*"/send", "enter")
        await shows(pilot, "Nothing here waits")


async def test_enter_on_an_empty_reply_sends_nothing_that_is_held() -> None:
    engine = held_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await shows(pilot, "2 messages have waited for 23 min")
        await pilot.press("shift+tab")
        await until(lambda: chat(pilot).on_message)
        chat(pilot).pane.select("s12")
        await pilot.press("r")
        await shows(pilot, "Replying to ana")
        await pilot.press("enter")
        await shows(pilot, "There is nothing to send")
        assert ordered(engine, e.SendHeld) == []
        await pilot.press("escape", "escape")
        await shows(pilot, "2 messages have waited for 23 min")


async def test_leaving_with_unsent_messages_asks_once_and_names_them() -> None:
    engine = make_engine(online=False)
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(*"the train", "enter", "ctrl+q")
        await shows(pilot, "1 message is unsent (general: “the train”)")
        assert app.is_running
        await pilot.press("ctrl+q")
        await until(lambda: not app.is_running)


async def test_anything_done_in_between_asks_again() -> None:
    engine = make_engine(online=False)
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(*"the train", "enter", "ctrl+q", "x", "ctrl+q")
        await shows(pilot, "1 message is unsent")
        assert app.is_running


@pytest.mark.parametrize(
    "asked", [[*"/quit", "enter"], ["ctrl+p", *"quit", "enter"], [*"/q", "tab", "enter"]]
)
async def test_who_leaves_by_name_is_asked_once_too(asked: list[str]) -> None:
    engine = make_engine(online=False)
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(*"the train", "enter", *asked)
        await shows(pilot, "1 message is unsent (general: “the train”)")
        await pilot.press(*"and the bus", "enter", *asked)
        await shows(pilot, "2 messages are unsent (general: “the train”")
        assert app.is_running
        await pilot.press(*asked)
        await until(lambda: not app.is_running)


async def test_ctrl_c_twice_leaves_and_names_them_in_between() -> None:
    engine = make_engine(online=False)
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(*"the train", "enter", "ctrl+c")
        await shows(pilot, "1 message is unsent (general")
        await pilot.press("ctrl+c")
        await until(lambda: not app.is_running)


async def test_ctrl_c_that_clears_a_text_is_not_yet_leaving_while_something_is_unsent() -> None:
    engine = make_engine(online=False)
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(*"the train", "enter", *"half a thought", "ctrl+c")
        await shows(pilot, "Cleared; ↑ brings it back.")
        await hides(pilot, "again quits")
        await pilot.press("ctrl+c")
        await shows(pilot, "1 message is unsent (general")
        assert app.is_running
        await pilot.press("ctrl+c")
        await until(lambda: not app.is_running)


async def test_what_leaves_is_said_in_plain_portuguese() -> None:
    i18n.set_language(i18n.PORTUGUESE)
    engine = make_engine(online=False)
    async with make_app(engine).run_test(size=(160, 40)) as pilot:
        await pilot.press(*"trem", "enter", "ctrl+q")
        await shows(pilot, "Ela fica guardada. Repita para sair.")


async def test_with_nothing_unsent_leaving_asks_nothing() -> None:
    app = make_app(make_engine())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("ctrl+q")
        await until(lambda: not app.is_running)


async def test_an_edit_while_offline_stays_in_the_composer() -> None:
    engine = make_engine(online=False)
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press("shift+tab", "up", "up", "up", "e")
        await shows(pilot, "Editing")
        await pilot.press(*" more", "enter")
        await shows(pilot, "only while you are online")
        assert chat(pilot).composer.text.endswith(" more")
        assert ordered(engine, e.EditMessage) == []
        assert "Editing" in text(pilot)


async def test_the_details_tell_when_and_why() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        sent = engine.send(GENERAL, "first")
        engine.now += 40
        engine.feed(a.MessageRefused(sent, "busy", "Busy.", True, engine.now + 1_000))
        engine.now += 61_000
        engine.feed(e.Tick(), a.MessageAcked(sent, "s12", 12, NOW))
        await until(lambda: any("first" in line and "✓ sent" in line for line in lines(pilot)))
        await pilot.press("shift+tab", "i")
        await shows(pilot, "+1 min 1 s")
        assert "the server was busy" in text(pilot)
        assert "2 times" in text(pilot)


async def test_the_rooms_details_tell_how_far_it_is_in_sync() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"/details", "enter")
        await shows(pilot, "#11, everything")
        assert "none" in next(line for line in lines(pilot) if "gaps" in line)


async def test_enter_on_a_gap_asks_for_what_is_missing() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await shows(pilot, "good morning!")
        engine.feed(a.LinkDown("The network cannot be reached.", NOW + 12_000, "network"))
        come_back(engine, said(200, engine.session.me, "far ahead", 0))
        await shows(pilot, "188 events are missing here")
        engine.events.clear()
        await pilot.press("shift+tab", "up")
        await until(lambda: chat(pilot).pane.selected.startswith("gap"), what=lambda: text(pilot))
        engine.events.clear()
        await pilot.press("enter")
        await until(lambda: ordered(engine, e.FillGap) == [e.FillGap(GENERAL, 199)])


async def test_enter_on_a_message_opens_its_details_as_help_says() -> None:
    async with make_app(make_engine()).run_test(size=WIDE) as pilot:
        await pilot.press("ctrl+p", *"a gap")
        await shows(pilot, "load a gap, or show the details")
        await pilot.press("escape")
        await hides(pilot, "load a gap")
        await pilot.press("shift+tab")
        await until(lambda: chat(pilot).on_message)
        await pilot.press("up", "enter")
        await shows(pilot, "s10")


async def test_the_windows_title_counts_what_failed_waits_and_is_new() -> None:
    engine = make_engine(online=False)
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        engine.send(GENERAL, "the train")
        await until(
            lambda: app.title == "1 queued · @1 · (5) · talkbot-tui", what=lambda: app.title
        )
        await pilot.pause()


def test_a_quiet_title_is_the_programs_name() -> None:
    assert title(()) == "talkbot-tui"


def test_terminals_without_a_title_are_spared() -> None:
    assert understood({"TERM": "xterm-256color"})
    assert not understood({"TERM": "linux"})
    assert not understood({})


async def test_the_question_before_leaving_is_over_once_all_is_sent() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        sent = engine.send(GENERAL, "on its way")
        await shows(pilot, "on its way")
        await pilot.press(*"/quit", "enter")
        await shows(pilot, "It stays saved")
        engine.feed(a.MessageAcked(sent, "s12", 12, NOW))
        await hides(pilot, "It stays saved")
        assert not chat(pilot).leaving
