"""What widgets paint without the compositor is what the compositor would have painted."""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace

import pytest
from textual import events
from textual.pilot import Pilot

from talkbot_tui.core import arrivals as a
from talkbot_tui.ui.app import TalkbotApp
from talkbot_tui.ui.terminal.direct import FRAME_S
from talkbot_tui.ui.terminal.layer import Update
from tests.ui.scenes import (
    ANA,
    BRUNO,
    DEPLOYS,
    GENERAL,
    SCENES,
    Scene,
    make_app,
    make_engine,
    said,
)
from tests.ui.seen import chat
from tests.ui.side_by_side import SideBySide
from tests.ui.test_pictures import SIZES
from tests.waiting import until

WIDE = (120, 40)
KINDS = {"plain": {}, "margins": {"margins": True}, "poor": {"coloured_erase": False}}


async def settled(pilot: Pilot[int]) -> None:
    """Nothing more is painted."""
    lane = pilot.app.lane  # type: ignore[attr-defined] # ours
    await pilot.pause()
    await until(lambda: lane.idle)
    await pilot.pause()


def key(app: TalkbotApp, name: str, character: str | None = None) -> bool:
    """A key as the driver hands it over; whether it was on the screen at once."""
    event = events.Key(name, character)
    taken = app.taken(event)
    if not taken:
        app.post_message(event)
    return taken


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_every_scene_is_the_same_with_direct_painting(scene: Scene) -> None:
    app = scene.make()
    both = SideBySide(app)
    async with app.run_test(size=SIZES[0]) as pilot:
        await settled(pilot)
        both.check()
        if scene.play is not None:
            await scene.play(pilot)
            await settled(pilot)
            both.check()
        for name in (
            "h",
            "i",
            "shift+tab",
            "pageup",
            "up",
            "pagedown",
            "end",
            "escape",
            "f1",
            "escape",
        ):
            await pilot.press(name)
            await settled(pilot)
            both.check()


@pytest.mark.parametrize("kind", KINDS)
async def test_messages_come_and_pages_turn_without_the_compositor(kind: str) -> None:
    engine = make_engine()
    app = make_app(engine)
    both = SideBySide(app, **KINDS[kind])
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        compositor: list[Update] = []
        app.on_update = compositor.append
        for seq in range(12, 40):
            who = (ANA, BRUNO)[seq // 3 % 2]
            words = f"number {seq} 素晴らしい 👏 " * (seq % 4) + "e\u0301nd"
            engine.feed(a.LogArrived((said(seq, who, words, 0),)))
            await settled(pilot)
            both.check()
        for name in (
            "pageup",
            "pageup",
            "pagedown",
            "pageup",
            "pageup",
            "pagedown",
            "alt+down",
            "alt+up",
        ):
            key(app, name)
            await settled(pilot)
            both.check()
        assert both.checks > 30


async def test_a_message_costs_its_own_row_and_a_scroll_where_columns_can_scroll() -> None:
    engine = make_engine()
    app = make_app(engine)
    both = SideBySide(app, margins=True)
    async with app.run_test(size=WIDE) as pilot:
        for seq in range(12, 60):
            engine.feed(a.LogArrived((said(seq, ANA, f"number {seq}", 0),)))
        await settled(pilot)
        compositor: list[Update] = []
        app.on_update = compositor.append
        both.taken()
        engine.feed(a.LogArrived((said(60, ANA, "one of thirty-eight characters, about.", 0),)))
        await settled(pilot)
        text = both.taken()
        assert "thirty-eight" in text
        assert "\x1b[S" in text
        assert len(text) < 220, text
        assert not compositor


async def test_a_burst_is_painted_in_frames_not_message_by_message() -> None:
    engine = make_engine()
    app = make_app(engine)
    both = SideBySide(app)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        before, since = app.lane.frames, asyncio.get_running_loop().time()
        for seq in range(12, 112):
            engine.feed(a.LogArrived((said(seq, ANA, f"number {seq}", 0),)))
            await asyncio.sleep(0)
        await settled(pilot)
        both.check()
        passed = asyncio.get_running_loop().time() - since
        assert app.lane.frames - before <= 1 + passed / FRAME_S


# --- typing --------------------------------------------------------------------------------


async def test_a_letter_is_one_byte_and_comes_before_the_document() -> None:
    app = make_app(make_engine())
    both = SideBySide(app)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert key(app, "o", "o")
        both.taken()
        for letter in "lá ana":
            assert key(app, letter, letter)
            assert both.taken() == letter
        composer = chat(pilot).composer
        assert composer.document.text == ""
        assert composer.text == "olá ana"
        await settled(pilot)
        # It is in the document and in the draft now, and nothing looks otherwise.
        assert both.taken() == ""
        both.check()
        assert both.terminal.cursor == tuple(composer.cursor_screen_offset)


async def test_what_was_typed_reaches_the_draft_by_itself() -> None:
    engine = make_engine()
    app = make_app(engine)
    SideBySide(app)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        for letter in "later":
            assert key(app, letter, letter)
        await until(lambda: engine.session.draft(GENERAL) == "later")


async def test_leaving_at_once_keeps_the_last_letters() -> None:
    engine = make_engine()
    app = make_app(engine)
    SideBySide(app)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        for letter in "last":
            assert key(app, letter, letter)
        app.exit(0)
        assert engine.session.draft(GENERAL) == "last"


async def test_letters_typed_ahead_stay_in_the_room_for_which_they_were_typed() -> None:
    engine = make_engine()
    app = make_app(engine)
    SideBySide(app)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        for letter in "mine":
            assert key(app, letter, letter)
        # Nobody pressed a key for that: an invitation was accepted, a conversation was made.
        with app._context():
            chat(pilot).open_room(DEPLOYS)
        await until(lambda: engine.session.draft(GENERAL) == "mine")
        assert chat(pilot).composer.text == ""


async def test_typing_is_undone_as_if_it_had_come_letter_by_letter() -> None:
    app = make_app(make_engine())
    SideBySide(app)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        composer = chat(pilot).composer
        for part in ("one ", "two"):
            for letter in part:
                assert key(app, letter, letter)
            composer.settle()
        composer.undo()
        assert composer.text == ""
        composer.redo()
        assert composer.text == "one two"
        assert composer.cursor_location == (0, 7)


async def test_letters_wait_for_a_key_before_them_until_it_has_moved_the_cursor() -> None:
    app = make_app(make_engine())
    SideBySide(app)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        for letter in "bc":
            assert key(app, letter, letter)
        key(app, "home")
        turns = 0
        while not app._nothing_under_way:
            assert not app.taken(events.Key("a", "a"))
            await asyncio.sleep(0)
            turns += 1
        assert turns
        assert chat(pilot).composer.cursor_location == (0, 0)


@pytest.mark.parametrize("name", ["ctrl+k", "f1"])
async def test_letters_never_go_under_a_screen_that_lies_above(name: str) -> None:
    app = make_app(make_engine())
    both = SideBySide(app)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        key(app, name)
        # Until that key has come through, whatever follows must wait for it.
        assert not key(app, "g", "g")
        await settled(pilot)
        assert not key(app, "e", "e")
        await settled(pilot)
        both.check()
        assert chat(pilot).composer.text == ""


# No marks: Textual may break a row before one, and then it stands on what is beside the widget.
ODD = ["漢", "한", "👏", "\t", "\xad", "\u202e"]
KEYS = [
    *("left", "right", "home", "end", "up", "down", "backspace", "delete", "ctrl+w", "ctrl+u"),
    *("tab", "shift+left", "shift+home", "ctrl+z", "pageup", "pagedown", "alt+enter"),
]


@pytest.mark.parametrize("seed", range(6))
async def test_any_keys_leave_the_same_screen_and_the_same_text(seed: int) -> None:
    random_keys = random.Random(seed)
    app, plain = make_app(make_engine()), make_app(make_engine())
    plain.plain_output = True
    both = SideBySide(app)
    size = (random_keys.choice((120, 64, 40)), 20)
    ahead = 0
    pressed: list[list[str]] = []
    async with app.run_test(size=size) as pilot, plain.run_test(size=size) as other:
        await settled(pilot)
        await other.pause()
        for _ in range(40):
            # What Textual makes of a letter behind a key with a binding depends on the moment.
            pressed.append([random_keys.choice(KEYS)])
            if random_keys.random() < 0.7:
                letters = "abc deé@/ " * 4 + "".join(ODD)
                pressed[-1] = random_keys.choices(letters, k=random_keys.choice((1, 1, 3, 12)))
            for name in pressed[-1]:
                character = name if name not in KEYS else None
                with app._context():
                    ahead += key(app, name, character)
                with plain._context():
                    plain.post_message(events.Key(name, character))
                if random_keys.random() < 0.3:
                    await asyncio.sleep(0)
            await settled(pilot)
            await other.pause()
            both.check()
            with app._context():
                mine = chat(pilot).composer.text
                at = chat(pilot).composer.cursor_location
            assert mine == chat(other).composer.text, pressed[-2:]
            assert at == chat(other).composer.cursor_location
            assert both.terminal.cursor == tuple(chat(pilot).composer.cursor_place())
    assert ahead


async def test_a_slow_terminal_gets_one_picture_when_it_takes_it() -> None:
    engine = make_engine()
    app = make_app(engine)
    both = SideBySide(app)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        both.taken()
        output = SimpleNamespace(blocked=True)
        app._driver.output = output  # type: ignore[union-attr] # as ours has
        for seq in range(12, 60):
            engine.feed(a.LogArrived((said(seq, ANA, f"number {seq}", 0),)))
        assert not key(app, "x", "x")
        await pilot.pause()
        await pilot.pause()
        assert both.taken() == ""
        output.blocked = False
        app.terminal_drained()
        await settled(pilot)
        assert "number 59" in both.taken()
        both.check()
