from __future__ import annotations

import asyncio

from talkbot_tui.config import Settings
from talkbot_tui.ui.app import TalkbotApp
from talkbot_tui.ui.port import EnginePort, SignInFailed, SignInForm
from talkbot_tui.ui.screens.login import Given, LoginScreen
from tests.ui.scenes import NOW, ZONE, make_engine
from tests.ui.scripted import ScriptedEngine
from tests.ui.seen import shows
from tests.waiting import until


class Door:
    """Lets one password in."""

    def __init__(self) -> None:
        self.forms: list[SignInForm] = []
        self.engine: ScriptedEngine = make_engine()

    async def __call__(self, form: SignInForm) -> EnginePort:
        self.forms.append(form)
        await asyncio.sleep(0)
        if form.password != "right":
            raise SignInFailed("wrong user or password")
        return self.engine


def make(door: Door, given: Given) -> TalkbotApp:
    return TalkbotApp(
        None, Settings(), sign_in=door, given=given, environ={}, zone=ZONE, clock=lambda: NOW
    )


async def test_a_wrong_password_is_told_and_not_kept_and_the_right_one_opens_the_chat() -> None:
    door = Door()
    app = make(door, Given("http://127.0.0.1:1", ""))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"davi", "enter", *"wrong", "enter")
        await shows(pilot, "wrong user or password")
        screen = app.screen
        assert isinstance(screen, LoginScreen)
        assert screen.password.value == ""
        await pilot.press(*"right", "tab", "space", "shift+tab", "enter")
        await shows(pilot, "› #")
        assert [(form.user, form.password, form.register) for form in door.forms] == [
            ("davi", "wrong", False),
            ("davi", "right", True),
        ]
        assert door.engine.started == 1
        assert "right" not in repr(door.forms)


async def test_an_empty_field_is_not_sent() -> None:
    door = Door()
    async with make(door, Given()).run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await shows(pilot, "This field is needed.")
        assert door.forms == []


async def test_giving_up_leaves() -> None:
    app = make(Door(), Given())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape")
        await until(lambda: app.return_code == 0)
