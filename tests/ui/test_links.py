"""Opening a link: only when it was chosen, with the real host in view."""

from __future__ import annotations

import pytest

from talkbot_tui.core import arrivals as a
from tests.ui.scenes import ANA, make_app, make_engine, said
from tests.ui.seen import shows, text

BAIT = "see [your bank](https://bank.example@evil.example/x) and https://b.example/y"


@pytest.mark.parametrize("browser", [True, False])
async def test_a_link_is_opened_after_its_host_was_seen(browser: bool) -> None:
    opened: list[str] = []

    def open_link(link: str) -> bool:
        opened.append(link)
        return browser

    engine = make_engine()
    engine.feed(a.LogArrived((said(12, ANA, BAIT, 1),)))
    async with make_app(engine, open_link=open_link).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "your bank")
        await pilot.press("shift+tab", "o")
        await shows(pilot, "Open a link")
        await shows(pilot, "evil.example  https://bank.example@evil.example/x")
        assert opened == []
        await pilot.press("down", "enter")
        await shows(pilot, "Opening b.example" if browser else "No browser can be started")
        assert opened == ["https://b.example/y"]
        assert browser or pilot.app.clipboard == "https://b.example/y"


async def test_without_a_link_nothing_opens() -> None:
    async with make_app(make_engine()).run_test(size=(80, 24)) as pilot:
        await pilot.press("shift+tab", "o")
        await shows(pilot, "There is no link here.")
        assert "Open a link" not in text(pilot)
