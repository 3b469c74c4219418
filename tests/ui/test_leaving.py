"""What the app leaves for the next start is what that start will show."""

from __future__ import annotations

import pytest

from talkbot_tui import last_screen
from talkbot_tui.core import arrivals as a
from talkbot_tui.last_screen import Screen
from talkbot_tui.ui import leaving
from talkbot_tui.ui.app import TalkbotApp
from talkbot_tui.ui.terminal import kept
from talkbot_tui.ui.terminal.cells import UNKNOWN
from tests.emulator import Emulator
from tests.ui.scenes import ANA, DEPLOYS, GENERAL, make_app, make_engine
from tests.ui.seen import chat, lines, shows

SIZE = (120, 40)


def written(screen: Screen) -> list[str]:
    """What a terminal shows of it."""
    terminal = Emulator(screen.columns, screen.lines)
    for y, row in enumerate(screen.rows, 1):
        terminal.write(f"\x1b[{y}H\x1b[m{row}")
    return terminal.text().split("\n")


def left(app: TalkbotApp) -> Screen:
    screen = leaving.picture(app)
    assert screen is not None
    return screen


async def test_it_is_the_chat_without_what_only_a_connection_tells() -> None:
    engine = make_engine()
    app = make_app(engine)
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "online")
        engine.feed(a.TypingHint(GENERAL, ANA.user_id, True))
        await shows(pilot, "is typing")
        await pilot.press("h", "i", " ")
        await shows(pilot, "› #general hi")
        before = lines(pilot)
        screen = left(app)
    rows = written(screen)
    assert "connecting" in rows[0]
    assert not any("online" in row or "is typing" in row for row in rows)
    same = [y for y, row in enumerate(rows) if row[:90].rstrip() == before[y][:90].rstrip()]
    assert len(same) >= SIZE[1] - 2, "all but the status and who is typing"
    x, y = screen.cursor
    assert rows[y][:x].endswith("› #general hi ")
    assert screen.room == GENERAL
    assert x < screen.edge <= 97


async def test_what_the_terminal_shows_then_is_known_cell_by_cell() -> None:
    app = make_app(make_engine())
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "online")
        screen = left(app)
        strips = chat(pilot)._compositor.render_strips()
        cells = [app.painter.cells(strip) for strip in strips]
    known = kept.cells(screen)
    assert known[screen.cursor[1]] == [UNKNOWN] * SIZE[0], "there one will have been writing"
    for y, (row, wanted) in enumerate(zip(known, cells, strict=True)):
        doubtful = row == [UNKNOWN] * SIZE[0]
        linked = any("\0" in look for _text, look in wanted)
        assert row == wanted or doubtful or linked, y
    assert sum(row != [UNKNOWN] * SIZE[0] for row in known) > SIZE[1] - 8


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 18), (40, 12)])
async def test_every_row_may_be_shown_by_a_start(size: tuple[int, int]) -> None:
    app = make_app(make_engine())
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "#general")
        screen = left(app)
    assert all(map(last_screen._harmless, screen.rows))
    assert len(screen.rows) == size[1]


async def test_it_is_at_the_end_of_the_room_whatever_is_above_it() -> None:
    app = make_app(make_engine())
    async with app.run_test(size=(80, 18)) as pilot:
        await shows(pilot, "#general")
        newest = [line for line in lines(pilot) if line.strip(" │")][8]
        await pilot.press("pageup", "shift+tab", "home", "f1")
        await pilot.pause()
        assert newest not in lines(pilot)
        screen = left(app)
    assert newest[:60] in [row[:60] for row in written(screen)]
    assert "help" in written(screen)[-1]


async def test_where_the_next_start_shows_other_things_nothing_is_left() -> None:
    engine = make_engine()
    app = make_app(engine)
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "online")
        await pilot.press("shift+tab")
        mine = chat(pilot).desk.last(chat(pilot).desk.is_mine)
        assert mine is not None
        chat(pilot).pane.select(mine.key)
        await pilot.press("e")
        await shows(pilot, "Editing")
        assert leaving.picture(app) is None
    app = make_app(None)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert leaving.picture(app) is None


class GivenOpening:
    """A start that had nothing to show."""

    screen: Screen | None = None
    left: Screen | None = None
    is_done = False

    def typed(self) -> bytes:
        return b""

    def take_over(self) -> list[object]:
        return []

    def done(self) -> None:
        self.is_done = True

    def give_back(self) -> None:
        pass


async def test_nobody_is_told_that_the_app_is_there_before_its_rows_are() -> None:
    engine = make_engine()
    app = make_app(engine)
    opening = GivenOpening()
    seen: list[str] = []
    updates: list[object] = []
    app.on_update = updates.append

    def shown() -> None:
        assert updates
        seen.extend(
            strip.text for strip in app.screen._compositor.render_strips() if strip.text.strip()
        )

    app.begin(opening, shown)
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "online")
        await pilot.pause()
        assert opening.is_done
        assert any("› #general" in line for line in seen)
        assert any("ana" in line for line in seen)
        app.exit(0)
    assert opening.left is not None


async def test_the_room_that_stood_there_is_opened() -> None:
    engine = make_engine()
    app = make_app(engine)
    opening = GivenOpening()
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "online")
        chat(pilot).open_room(DEPLOYS)
        await shows(pilot, "› #deploys")
        screen = left(app)
    opening.screen = screen
    app.begin(opening, None)
    assert app.opened_room(engine) == screen.room
    screen.room = "gone"
    assert app.opened_room(engine) == ""
