"""What is told of a device while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.changes import Change

if TYPE_CHECKING:
    from tests.sim.device import Device


class Watcher:
    """What is told of a device; a recorder overrides it."""

    def handling(self, device: Device, event: e.Event) -> None:
        """Before an event is handled."""

    def handled(self, device: Device, effects: list[f.Effect], changes: tuple[Change, ...]) -> None:
        """After an event was handled."""

    def died(self, device: Device, error: Exception, event: e.Event) -> None:
        """The session failed on an event."""
