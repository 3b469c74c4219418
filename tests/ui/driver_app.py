"""An app for one terminal that writes what it hears, and how it stands, into a file."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from textual import events
from textual.app import ComposeResult

from talkbot_tui.ui.terminal.driver import TerminalDriver
from talkbot_tui.ui.terminal.layer import LayeredApp
from talkbot_tui.ui.widgets.type_ahead import TypeAhead


class Probe(LayeredApp[int]):
    """F2 tells how the app stands, F10 leaves."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = Path(path)
        self.holds_input = bool(os.environ.get("HOLDS"))

    def compose(self) -> ComposeResult:
        yield TypeAhead(id="area")

    def on_mount(self) -> None:
        area = self.query_one(TypeAhead)
        area.focus()
        if self.holds_input:
            self.call_after_refresh(self.driver.feed_early, b"early ")
        self.call_after_refresh(self.tell, "ready", os.getpid())

    @property
    def driver(self) -> TerminalDriver:
        assert isinstance(self._driver, TerminalDriver)
        return self._driver

    def tell(self, what: str, value: Any) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps({what: value}) + "\n")

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            if event.key == "f10":
                self.exit(0)
            elif event.key == "f2":
                self.tell_state()
            else:
                self.tell("key", event.key)
        elif isinstance(event, events.Paste) and not event.is_forwarded:
            self.tell("paste", [len(event.text), event.text[:10], event.text[-10:]])
        elif isinstance(event, events.Resize):
            self.tell("size", list(event.size))
        await super().on_event(event)

    def tell_state(self) -> None:
        loop: Any = asyncio.get_running_loop()
        self.tell(
            "state",
            {
                "threads": [thread.name for thread in threading.enumerate()],
                "timers": sum(not handle.cancelled() for handle in loop._scheduled),
                "text": self.query_one(TypeAhead).text,
                "margins": self.painter._margins,
                "blocked": self.driver.output.blocked,
            },
        )

    def flood(self) -> None:
        """More than any terminal takes at once."""
        self.driver.write("\x1b[H" + "x" * 500_000)
        self.driver.flush()
        self.set_interval(0.05, lambda: self.tell("tick", True))


if __name__ == "__main__":
    app = Probe(sys.argv[1])
    if os.environ.get("FLOODS"):
        app.call_later(app.set_timer, 0.2, app.flood)
    sys.exit(app.run() or 0)
