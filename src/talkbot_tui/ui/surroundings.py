"""What is around the screens: settings, marks, time, and the desktop's browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo

from talkbot_tui.client.ids import now_ms
from talkbot_tui.config import Settings
from talkbot_tui.core.lean import Lean
from talkbot_tui.ui.glyphs import Glyphs

OpenLink = Callable[[str], bool]
"""Starts the user's browser on a safe link; False where none can be started."""


def no_browser(_link: str) -> bool:
    """Where nothing is to be started: in tests, and in terminals of others."""
    return False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the screens know of the world; `zone` None is the system's.

    lean: what there is room for; it changes with what is measured.
    """

    settings: Settings
    glyphs: Glyphs
    zone: tzinfo | None = None
    clock: Callable[[], int] = now_ms
    open_link: OpenLink = no_browser
    lean: Lean = field(default_factory=Lean)
