"""Commands about who is in the room."""

from __future__ import annotations

import pytest

from talkbot_tui.core import arrivals as a
from talkbot_tui.core.model import User
from tests.ui.scenes import GENERAL, NOW, make_app, make_engine
from tests.ui.seen import lines, shows
from tests.waiting import until

WIDE = (120, 40)
STRANGER = User("u-zoe", "zoe", "zoe")
ANA = User("u-ana", "ana", "ana")


@pytest.mark.parametrize(
    ("command", "person", "told"),
    [
        ("/kick zoe", STRANGER, "zoe is not in this room."),
        ("/invite ana", ANA, "ana is in this room already."),
    ],
)
async def test_what_is_so_already_is_told_and_not_asked_for(
    command: str, person: User, told: str
) -> None:
    engine = make_engine()
    engine.lookups.people = [person]
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await shows(pilot, "good morning!")
        await pilot.press(*command, "enter")
        await shows(pilot, told)
        assert engine.lookups.asked == []


@pytest.mark.parametrize(
    ("command", "person", "asked"),
    [
        ("/kick ana", ANA, ("remove", GENERAL, "u-ana")),
        ("/invite zoe", STRANGER, ("invite", GENERAL, "u-zoe")),
    ],
)
async def test_the_rest_is_asked_of_the_server(
    command: str, person: User, asked: tuple[str, ...]
) -> None:
    engine = make_engine()
    engine.lookups.people = [person]
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await shows(pilot, "good morning!")
        await pilot.press(*command, "enter")
        await until(lambda: engine.lookups.asked == [asked])


async def test_offline_a_room_shows_no_other_rooms_people() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await until(lambda: any("● ana" in line for line in lines(pilot)))
        engine.feed(a.LinkDown("network", NOW + 5_000))
        await until(lambda: any("○ ana" in line for line in lines(pilot)))
        await pilot.press("alt+a")
        await until(lambda: engine.session.open_id != GENERAL)
        await until(lambda: not any("○ ana" in line for line in lines(pilot)))
