"""Replies, edits and failed messages taken back: no text is lost, none goes twice or elsewhere."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.ui.desk import Doing
from tests.ui.scenes import DEPLOYS, GENERAL, make_app, make_engine
from tests.ui.scripted import ScriptedEngine
from tests.ui.seen import chat, hides, shows
from tests.waiting import until

WIDE = (120, 40)


def sent(engine: ScriptedEngine) -> list[tuple[str, str]]:
    """Text and answered message of each that was sent."""
    return [(x.text, x.reply_to) for x in engine.events if isinstance(x, e.Compose)]


def edited(engine: ScriptedEngine) -> list[tuple[str, str]]:
    return [(x.server_msg_id, x.text) for x in engine.events if isinstance(x, e.EditMessage)]


def fail(engine: ScriptedEngine, text: str, reply_to: str = "") -> str:
    failed = engine.send(GENERAL, text, reply_to=reply_to)
    engine.feed(a.MessageRefused(failed, "archived", "archived", False))
    engine.events.clear()
    return failed


async def begin(pilot: Pilot[int], command: str, message: str) -> None:
    """Press the command's key on that message."""
    await pilot.press("shift+tab")
    await until(lambda: chat(pilot).on_message)
    chat(pilot).pane.select(message)
    await pilot.press(command)
    await until(lambda: not chat(pilot).on_message)


# --- replies -----------------------------------------------------------------------------


async def test_what_was_written_before_a_reply_is_the_reply_and_goes_once() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"yes, ")
        await begin(pilot, "r", "s10")
        await shows(pilot, "Replying to ana")
        await pilot.press(*"today", "enter")
        await until(lambda: sent(engine) == [("yes, today", "s10")])
        assert chat(pilot).composer.text == ""
        assert engine.session.draft(GENERAL) == ""


async def test_leaving_a_reply_leaves_what_was_written() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"yes, ")
        await begin(pilot, "r", "s10")
        await pilot.press(*"today", "escape")
        await hides(pilot, "Replying to ana")
        assert chat(pilot).composer.text == "yes, today"
        await until(lambda: engine.session.draft(GENERAL) == "yes, today")
        await pilot.press("enter")
        assert sent(engine) == [("yes, today", "")]


async def test_another_message_may_be_answered_with_the_same_text() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await begin(pilot, "r", "s10")
        await pilot.press(*"thanks")
        await begin(pilot, "r", "s7")
        await shows(pilot, "Replying to carla")
        await pilot.press("enter")
        assert sent(engine) == [("thanks", "s7")]


# --- edits -------------------------------------------------------------------------------


async def test_an_edit_gives_the_draft_back_when_it_is_sent_and_when_it_is_left() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"draft")
        await begin(pilot, "e", "s4")
        await pilot.press("!", "enter")
        assert edited(engine) == [("s4", "good morning, all!")]
        assert chat(pilot).composer.text == "draft"
        await begin(pilot, "e", "s4")
        await pilot.press("?", "escape")
        assert chat(pilot).composer.text == "draft"
        assert engine.session.draft(GENERAL) == "draft"


@pytest.mark.parametrize("second", ["e", "r"])
async def test_the_draft_outlives_a_second_task_begun_in_an_edit(second: str) -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"draft")
        await begin(pilot, "e", "s4")
        await pilot.press(*", you")
        await begin(pilot, second, "s8")
        assert chat(pilot).desk.tasks[GENERAL].target.key == "s8"
        await pilot.press("escape")
        assert chat(pilot).composer.text == "draft"
        assert engine.session.draft(GENERAL) == "draft"
        await pilot.press("ctrl+up")
        assert chat(pilot).composer.text == "good morning, all, you"


async def test_an_edit_begun_in_a_reply_gives_its_text_back() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await begin(pilot, "r", "s10")
        await pilot.press(*"on my way")
        await begin(pilot, "e", "s4")
        assert engine.session.draft(GENERAL) == "on my way"
        await pilot.press("escape")
        assert chat(pilot).composer.text == "on my way"


async def test_clearing_an_edit_loses_neither_its_text_nor_the_draft() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"draft")
        await begin(pilot, "e", "s4")
        await pilot.press("!", "ctrl+c")
        assert chat(pilot).composer.text == ""
        await pilot.press("up")
        assert chat(pilot).composer.text == "good morning, all!"
        await pilot.press("up")
        assert chat(pilot).composer.text == "draft"


# --- failed messages ---------------------------------------------------------------------


async def test_a_failed_message_taken_back_in_an_edit_changes_no_other_message() -> None:
    engine = make_engine()
    failed = fail(engine, "to the archive")
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"draft")
        await begin(pilot, "e", "s4")
        await shows(pilot, "Editing: good morning")
        await begin(pilot, "e", failed)
        await hides(pilot, "Editing: good morning")
        assert chat(pilot).composer.text == "to the archive\ndraft"
        await pilot.press("enter")
        assert edited(engine) == []
        assert sent(engine) == [("to the archive\ndraft", "")]


async def test_a_failed_message_taken_back_stands_over_the_draft() -> None:
    engine = make_engine()
    failed = fail(engine, "to the archive")
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"half a thought")
        await begin(pilot, "e", failed)
        assert chat(pilot).composer.text == "to the archive\nhalf a thought"
        assert engine.session.draft(GENERAL) == "to the archive\nhalf a thought"
        assert engine.session.timeline(GENERAL).find(failed) is None


async def test_a_failed_message_is_saved_as_a_draft_before_it_is_given_up() -> None:
    engine = make_engine()
    failed = fail(engine, "to the archive")
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await begin(pilot, "e", "s4")
        await begin(pilot, "e", failed)
        saved = [x for x in engine.effects if isinstance(x, (f.SaveDraft, f.DropLocal))]
        assert saved[-2:] == [f.SaveDraft(GENERAL, "to the archive"), f.DropLocal(failed)]


async def test_a_failed_reply_taken_back_is_a_reply_still() -> None:
    engine = make_engine()
    failed = fail(engine, "yes", reply_to="s10")
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await begin(pilot, "e", failed)
        await shows(pilot, "Replying to ana")
        await pilot.press("!", "enter")
        assert sent(engine) == [("yes!", "s10")]


async def test_what_an_edit_has_become_waits_while_another_room_is_open() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"draft")
        await begin(pilot, "e", "s4")
        await pilot.press("!")
        chat(pilot).open_room(DEPLOYS)
        await until(lambda: chat(pilot).composer.room_id == DEPLOYS)
        await pilot.press("x")
        chat(pilot).open_room(GENERAL)
        await until(lambda: chat(pilot).composer.room_id == GENERAL)
        assert chat(pilot).composer.text == "good morning, all!"
        await pilot.press("escape")
        assert chat(pilot).composer.text == "draft"
        assert engine.session.draft(DEPLOYS) == "x"


# --- messages that could not be saved ------------------------------------------------------


async def test_a_text_that_comes_back_in_an_edit_waits_for_its_end() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"draft")
        await begin(pilot, "e", "s4")
        engine.full = "storage_full"
        engine.send(GENERAL, "keep me")
        await shows(pilot, "Not sent, your text is back")
        assert chat(pilot).composer.text == "good morning, all"
        assert chat(pilot).desk.tasks[GENERAL].doing is Doing.EDIT
        assert engine.session.draft(GENERAL) == "keep me\ndraft"
        await pilot.press("escape")
        assert chat(pilot).composer.text == "keep me\ndraft"


async def test_a_text_that_comes_back_to_another_room_stands_over_its_draft() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        engine.full = "storage_full"
        engine.send(DEPLOYS, "keep me")
        engine.dispatch(e.SetDraft(DEPLOYS, "half"))
        await shows(pilot, "Not sent, your text is back")
        assert engine.session.draft(DEPLOYS) == "keep me\nhalf"
