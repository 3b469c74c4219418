from __future__ import annotations

import asyncio

import pytest
from textual import events

from talkbot_tui.client.store import StoreError
from talkbot_tui.config import Settings
from talkbot_tui.core.session import Session
from talkbot_tui.ui.app import TalkbotApp, serve_app
from talkbot_tui.ui.port import EnginePort, SignInFailed, SignInForm
from talkbot_tui.ui.screens.login import Given, LoginScreen
from tests.ui.scenes import NOW, ZONE, make_engine
from tests.ui.scripted import ScriptedEngine
from tests.ui.seen import chat, hides, shows
from tests.waiting import until


class Profile:
    """Somebody's saved messages: open in one engine at a time, as the store's lock has it."""

    def __init__(self) -> None:
        self.holder: LockingEngine | None = None
        self.broken = ""
        self.closing = asyncio.Event()
        self.closing.set()

    def engine(self) -> LockingEngine:
        return LockingEngine(self, make_engine().session)


class LockingEngine(ScriptedEngine):
    def __init__(self, profile: Profile, session: Session) -> None:
        super().__init__(NOW)
        self.profile = profile
        self.session = session

    async def start(self) -> None:
        if self.profile.broken:
            raise StoreError(self.profile.broken, "/profiles/davi")
        if self.profile.holder is not None:
            raise StoreError("busy", "/profiles/davi")
        self.profile.holder = self
        await super().start()

    async def stop(self) -> None:
        if self.stopped:
            return
        await super().stop()
        await self.profile.closing.wait()
        if self.profile.holder is self:
            self.profile.holder = None


class Door:
    """Lets one password in."""

    def __init__(self, engine: ScriptedEngine | None = None) -> None:
        self.forms: list[SignInForm] = []
        self.engine: ScriptedEngine = engine or make_engine()

    async def __call__(self, form: SignInForm) -> EnginePort:
        self.forms.append(form)
        await asyncio.sleep(0)
        if form.password != "right":
            raise SignInFailed("wrong user or password")
        return self.engine


def make(door: Door, given: Given, engine: EnginePort | None = None) -> TalkbotApp:
    return TalkbotApp(
        engine, Settings(), sign_in=door, given=given, environ={}, zone=ZONE, clock=lambda: NOW
    )


DAVI = Given("http://127.0.0.1:1", "davi")


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


async def test_a_burst_of_keys_writes_each_part_into_its_own_field() -> None:
    for key in ("tab", "enter", "down"):
        door = Door()
        app = make(door, Given())
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            for part in ("http://127.0.0.1:1", key, "davi", key, "right", "enter"):
                for one in [part] if part in (key, "enter") else part:
                    app.post_message(events.Key(one, one if len(one) == 1 else None))
            await until(lambda door=door: door.forms)  # type: ignore[misc]  # bound now
            (form,) = door.forms
            assert (form.server, form.user, form.password) == (
                "http://127.0.0.1:1",
                "davi",
                "right",
            )


async def test_a_tiny_terminal_shows_one_line() -> None:
    async with make(Door(), Given()).run_test(size=(18, 4)) as pilot:
        await shows(pilot, "too small")
        await hides(pilot, "Server")
        await pilot.resize_terminal(80, 24)
        await shows(pilot, "Server")
        await hides(pilot, "too small")


async def test_signing_in_again_as_the_same_person_goes_on_in_the_chat() -> None:
    profile = Profile()
    first, second = profile.engine(), profile.engine()
    await first.start()
    app = make(Door(second), DAVI, first)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "› #")
        await pilot.press(*"/login", "enter")
        await shows(pilot, "Sign in")
        await pilot.press(*"right", "enter")
        await until(lambda: second.started)
        await shows(pilot, "› #")
        assert (first.stopped, app.engine, profile.holder) == (1, second, second)
        await until(lambda: chat(pilot).engine is second)
        await pilot.press(*"hello", "enter")
        await until(lambda: [event for event in second.events if "Compose" in repr(event)])


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("busy", "another talkbot-tui has this account open"),
        ("newer", "a newer version wrote the saved messages"),
        ("read_only", "nothing can be saved; check the owner"),
        ("odd", "the saved messages cannot be used: odd"),
    ],
)
async def test_saved_messages_that_cannot_be_used_are_told_where_one_signs_in(
    code: str, told: str
) -> None:
    profile = Profile()
    profile.broken = code
    app = make(Door(profile.engine()), DAVI)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "Sign in")
        await pilot.press(*"right", "enter")
        await shows(pilot, told)
        assert app.engine is None
        profile.broken = ""
        await pilot.press(*"right", "enter")
        await shows(pilot, "› #")


async def test_after_a_chat_that_is_gone_giving_up_leaves() -> None:
    profile = Profile()
    first = profile.engine()
    await first.start()
    app = make(Door(profile.engine()), DAVI, first)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"/login", "enter")
        await shows(pilot, "Sign in")
        profile.broken = "newer"
        await pilot.press(*"right", "enter")
        await shows(pilot, "a newer version")
        await pilot.press("escape")
        await until(lambda: app.return_code == 0)


async def test_giving_up_a_second_sign_in_returns_to_the_chat() -> None:
    profile = Profile()
    first = profile.engine()
    await first.start()
    app = make(Door(profile.engine()), DAVI, first)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"/login", "enter")
        await shows(pilot, "Sign in")
        await pilot.press("escape")
        await shows(pilot, "› #")
        assert app.is_running
        assert first.stopped == 0


async def test_an_end_while_the_old_engine_stops_waits_for_its_last_words() -> None:
    profile = Profile()
    first = profile.engine()
    app = make(Door(profile.engine()), DAVI, first)
    profile.closing.clear()

    async def app_in_test(**_options: object) -> int:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press(*"/login", "enter")
            await shows(pilot, "Sign in")
            await pilot.press(*"right", "enter")
            await until(lambda: first.stopped)
            app.exit(0)
        return 0

    app.run_async = app_in_test  # type: ignore[method-assign]  # there is no terminal
    serving = asyncio.create_task(serve_app(app))
    await until(lambda: app.return_code == 0 and not app.is_running)
    assert not serving.done()
    assert profile.holder is first
    profile.closing.set()
    await serving
    assert profile.holder is None
