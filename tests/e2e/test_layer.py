"""What the screen layer writes leaves the same screen as what Textual writes."""

from __future__ import annotations

import pytest
from rich.color import ColorSystem
from rich.console import Console
from textual.pilot import Pilot

from talkbot_tui.ui.app import TalkbotApp
from talkbot_tui.ui.terminal.layer import Update
from talkbot_tui.ui.terminal.painter import Painter
from tests.emulator import Emulator
from tests.ui.scenes import SCENES, Scene
from tests.ui.test_pictures import SIZES

KINDS = {
    "plain": {"margins": False, "coloured_erase": True},
    "margins": {"margins": True, "coloured_erase": True},
    "poor": {"margins": False, "coloured_erase": False},
    "console": {"scrolls": False},
}


WANDERED = ("chat", "offline", "narrow")
"""Scenes in which keys are pressed: rows scroll, screens come over others."""


class Mirror:
    """Two terminals side by side: what Textual would write, and what we write."""

    def __init__(self, app: TalkbotApp, **kind: bool) -> None:
        self.app = app
        self.painter = Painter(ColorSystem.TRUECOLOR, **kind)
        self.scrolls = kind.get("scrolls", True)
        self.console = Console(color_system="truecolor", force_terminal=True)
        self.size = (0, 0)
        self.updates = 0
        app.on_update = self.take

    def take(self, update: Update) -> None:
        if tuple(self.app.size) != self.size:
            self.size = (self.app.size.width, self.app.size.height)
            self.stock = Emulator(*self.size)
            self.ours = Emulator(*self.size, scrolls=self.scrolls)
        self.stock.write(update.render_segments(self.console))
        self.ours.write(self.painter.paint(update, self.size, (0, 0)))
        self.updates += 1
        wrong = [
            (y, x, mine, theirs)
            for y in sorted(self.ours.touched() | self.stock.touched())
            for x, (mine, theirs) in enumerate(
                zip(self.ours.row(y), self.stock.row(y), strict=True)
            )
            if mine != theirs
        ]
        assert not wrong, (wrong[:5], self.ours.text())


# Other kinds of terminals at one size: how they differ does not depend on it.
TERMINALS = [("plain", size) for size in SIZES] + [
    ("margins", SIZES[0]),
    ("poor", SIZES[1]),
    ("console", SIZES[1]),
]


@pytest.mark.parametrize(
    ("kind", "size"), TERMINALS, ids=lambda part: part if isinstance(part, str) else f"{part[0]}"
)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_every_scene_is_the_same(scene: Scene, size: tuple[int, int], kind: str) -> None:
    app = scene.make()
    mirror = Mirror(app, **KINDS[kind])
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        if scene.play is not None:
            await scene.play(pilot)
        await pilot.pause()
        if scene.name in WANDERED:
            await _wander(pilot)
    assert mirror.updates > 1
    assert mirror.ours.bytes < mirror.stock.bytes


async def _wander(pilot: Pilot[int]) -> None:
    """Move through what there is: rows that scroll, screens that come over others."""
    for key in (
        *("h", "i", "shift+tab", "pageup", "up", "up", "pagedown", "end", "escape"),
        *("f1", "escape", "ctrl+k", "g", "escape"),
    ):
        await pilot.press(key)
        await pilot.pause()
