"""The scenes look as accepted, in three sizes and both languages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.scenes import SCENES, Scene

SIZES = ((120, 40), (80, 24), (60, 18))


def play(scene: Scene) -> Callable[[Pilot[int]], Awaitable[None]]:
    async def run(pilot: Pilot[int]) -> None:
        await pilot.pause()
        if scene.play is not None:
            await scene.play(pilot)
        await pilot.pause()

    return run


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_scene(snap_compare: Any, scene: Scene, size: tuple[int, int], language: str) -> None:
    assert snap_compare(scene.make(), terminal_size=size, run_before=play(scene))
