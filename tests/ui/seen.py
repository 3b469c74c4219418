"""What a person would see: the screen's text, and waiting for it."""

from __future__ import annotations

from textual.pilot import Pilot

from talkbot_tui.ui.screens.chat import ChatScreen
from tests.waiting import until


def lines(pilot: Pilot[int]) -> list[str]:
    """The rows of the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def text(pilot: Pilot[int]) -> str:
    """The whole screen."""
    return "\n".join(lines(pilot))


async def shows(pilot: Pilot[int], wanted: str) -> None:
    """Wait until `wanted` stands in a row."""
    await until(lambda: wanted in text(pilot), what=lambda: text(pilot))


async def hides(pilot: Pilot[int], unwanted: str) -> None:
    """Wait until `unwanted` stands nowhere."""
    await until(lambda: unwanted not in text(pilot), what=lambda: text(pilot))


def chat(pilot: Pilot[int]) -> ChatScreen:
    """The chat screen, wherever it is in the stack."""
    return next(screen for screen in pilot.app.screen_stack if isinstance(screen, ChatScreen))
