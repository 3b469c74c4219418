"""A slow link or terminal is spared comfort, in order, and the status line says so."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from talkbot_tui.config import Settings
from talkbot_tui.core import arrivals as a
from talkbot_tui.core import events as e
from tests.ui.scenes import ANA, GENERAL, make_app, make_engine
from tests.ui.scripted import ScriptedEngine
from tests.ui.seen import chat, hides, shows, text

WIDE = (120, 40)


def slow(engine: ScriptedEngine, ms: int) -> None:
    """The link's round trip is `ms` from now on."""
    engine.feed(*(a.Latency(ms) for _ in range(40)))


def watched(engine: ScriptedEngine) -> tuple[str, ...]:
    return [event.user_ids for event in engine.events if isinstance(event, e.WatchUsers)][-1]


async def test_a_slower_link_sheds_typing_then_presence_then_decoration() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await shows(pilot, " away")
        engine.feed(a.TypingHint(GENERAL, ANA.user_id, True))
        await shows(pilot, "ana is typing")
        slow(engine, 180)
        await shows(pilot, "170 ms · lean")
        await hides(pilot, "ana is typing")
        await pilot.press("x")
        assert not any(isinstance(event, e.Typed) and event.on for event in engine.events)
        assert " away" in text(pilot)
        slow(engine, 500)
        await hides(pilot, " away")
        assert watched(engine) == ()
        assert "tagged" in text(pilot)
        slow(engine, 1_500)
        await hides(pilot, "Yesterday in three lines")
        slow(engine, 20)
        await hides(pilot, "lean")
        await shows(pilot, " away")
        await shows(pilot, "Yesterday in three lines")
        assert ANA.user_id in watched(engine)


def links(pilot: Pilot[int]) -> set[str]:
    """The hyperlinks on the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    return {s.style.link for strip in strips for s in strip if s.style and s.style.link}


@pytest.mark.parametrize("lean", [True, False])
async def test_hyperlinks_are_decoration(lean: bool) -> None:
    app = make_app(make_engine(), settings=Settings(theme="night", lean=lean))
    async with app.run_test(size=WIDE) as pilot:
        await shows(pilot, "https://example.org/notes")
        assert links(pilot) == (set() if lean else {"https://example.org/notes"})


async def test_a_terminal_that_takes_frames_slowly_is_spared_too() -> None:
    app = make_app(make_engine())
    async with app.run_test(size=WIDE) as pilot:
        for _ in range(8):
            app.waited(300.0)
        await shows(pilot, "· lean")
        for _ in range(20):
            app.waited(0.0)
        await hides(pilot, "· lean")


@pytest.mark.parametrize("lean", [True, False])
async def test_lean_can_be_forced(lean: bool) -> None:
    engine = make_engine()
    app = make_app(engine, settings=Settings(theme="night", lean=lean))
    async with app.run_test(size=WIDE) as pilot:
        await (shows if lean else hides)(pilot, "· lean")
        assert ("Yesterday in three lines" in text(pilot)) is not lean
        assert chat(pilot).around.lean.forced is lean
