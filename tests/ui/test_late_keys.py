"""What the composer says of its text may reach the screen after the text was sent."""

from __future__ import annotations

from textual import events

from tests.ui.scenes import GENERAL, make_app, make_engine
from tests.ui.seen import chat, text
from tests.waiting import until

WIDE = (120, 40)


def keys(typed: str) -> list[events.Key]:
    return [events.Key("enter" if c == "\r" else c, None if c == "\r" else c) for c in typed]


async def test_a_mistyped_command_is_told_even_when_it_was_typed_in_one_burst() -> None:
    engine = make_engine()
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        for key in keys("/nada\r"):
            app.post_message(key)
        await until(lambda: chat(pilot).composer.text == "/nada")
        await pilot.pause()
        assert "/nada" in chat(pilot).notice.text, text(pilot)
        await pilot.press("x")
        await until(lambda: not chat(pilot).notice.text)


async def test_what_was_sent_does_not_come_back_as_a_draft() -> None:
    engine = make_engine()
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        for key in keys("hello\r"):
            app.post_message(key)
        await until(lambda: "hello" in text(pilot) and chat(pilot).composer.text == "")
        await pilot.pause()
        assert engine.session.draft(GENERAL) == ""
