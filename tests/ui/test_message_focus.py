"""Which message has the focus when the messages get it."""

from __future__ import annotations

from talkbot_tui.core import events as e
from tests.ui.scenes import GENERAL, make_app, make_engine
from tests.ui.scripted import ScriptedEngine
from tests.ui.seen import chat, shows
from tests.waiting import until

WIDE = (120, 40)


def sent(engine: ScriptedEngine) -> list[e.Compose]:
    return [event for event in engine.events if isinstance(event, e.Compose)]


async def test_who_comes_back_to_the_messages_finds_what_is_on_the_screen_selected() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press("shift+tab", "up", "up", "escape", *"news", "enter")
        await until(lambda: bool(sent(engine)))
        await pilot.press("shift+tab")
        await until(lambda: chat(pilot).pane.selected == sent(engine)[0].client_msg_id)


async def test_who_has_read_back_keeps_the_place_when_a_message_gets_the_focus() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=(80, 12)) as pilot:
        await shows(pilot, "#general")
        await pilot.press("pageup", "pageup")
        await pilot.pause()
        pane = chat(pilot).pane
        seen = {key for key, _line in pane.port.picture}
        assert not pane.following
        await pilot.press("shift+tab")
        await until(lambda: chat(pilot).on_message)
        await pilot.pause()
        assert pane.selected in seen
        assert not pane.following


async def test_what_was_sent_a_moment_ago_is_the_lowest_message_before_it_is_painted() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await shows(pilot, "good morning!")
        pane = chat(pilot).pane
        sent_id = engine.send(GENERAL, "just now")
        pane.on_focus()
        assert pane.selected == sent_id
