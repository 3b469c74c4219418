"""Rooms that open, and what stands over and under them meanwhile."""

from __future__ import annotations

import asyncio

import pytest
from textual import events

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import events as e
from talkbot_tui.core.model import SyncSnapshot
from tests.ui.scenes import DEPLOYS, ME, NOW, make_app, make_engine, rooms
from tests.ui.scripted import ScriptedEngine
from tests.ui.seen import chat, hides, lines, shows
from tests.waiting import until

WIDE = (120, 40)


class LaterEngine(ScriptedEngine):
    """Takes what the user does in the next turn of the loop, as the real one does."""

    def dispatch(self, event: e.UserEvent) -> None:
        asyncio.get_running_loop().call_soon(super().dispatch, event)


async def test_a_room_that_is_being_opened_has_its_name_over_it_and_its_mark() -> None:
    engine = LaterEngine(NOW)
    made = make_engine()
    engine.session = made.session
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await shows(pilot, "general · the team's talk")
        assert any("▸" in line and "general" in line for line in lines(pilot))
        chat(pilot).open_room(DEPLOYS)
        title = chat(pilot).title_view.line
        assert any("deploys" in span.text for span in title)
        await until(lambda: engine.session.open_id == DEPLOYS)
        await until(lambda: any("▸" in line and "deploys" in line for line in lines(pilot)))


async def test_what_is_told_at_the_start_stays_when_the_first_room_opens() -> None:
    engine = ScriptedEngine(NOW)
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await until(lambda: chat(pilot).is_mounted)
        chat(pilot).tell("the cache was damaged")
        engine.feed(
            a.LinkConnecting(1), a.LinkUp(), a.Synced(SyncSnapshot("epoch", ME, "1", rooms()))
        )
        await shows(pilot, "general · the team's talk")
        await shows(pilot, "the cache was damaged")
        chat(pilot).open_room(DEPLOYS)
        await hides(pilot, "the cache was damaged")


async def test_offline_says_why_where_there_is_room() -> None:
    engine = make_engine(online=False)
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await shows(pilot, "next try in 12 s there is no network · what you write is kept")
        await pilot.resize_terminal(70, 24)
        await shows(pilot, "next try in 12 s there is no network")
        await hides(pilot, "what you write")
        await pilot.resize_terminal(40, 24)
        await hides(pilot, "there is no network")


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 18)])
async def test_the_end_of_a_long_text_is_seen_while_it_is_written(size: tuple[int, int]) -> None:
    app = make_app(make_engine())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.post_message(events.Paste(" ".join(f"w{number}" for number in range(400))))
        await shows(pilot, "w399")
        await pilot.press("!")
        await shows(pilot, "w399!")
