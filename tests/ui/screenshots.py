"""Writes screenshots/*.svg from the scenes of the snapshot tests."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from talkbot_tui import i18n
from tests.ui.scenes import BY_NAME, Scene

FOLDER = Path(__file__).resolve().parents[2] / "screenshots"
SIZES = {"narrow": (50, 18)}


async def picture(scene: Scene, size: tuple[int, int]) -> str:
    """The scene as SVG."""
    app = scene.make()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        if scene.play is not None:
            await scene.play(pilot)
        await pilot.pause()
        return app.export_screenshot(title="talkbot-tui")


def main() -> int:
    """All of them; `-pt` are the Portuguese ones."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    FOLDER.mkdir(exist_ok=True)
    for language, suffix in ((i18n.ENGLISH, ""), (i18n.PORTUGUESE, "-pt")):
        i18n.set_language(language)
        for name, scene in BY_NAME.items():
            size = SIZES.get(name, (100, 30))
            svg = asyncio.run(picture(scene, size))
            (FOLDER / f"{name}{suffix}.svg").write_text(svg, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
