"""The message pane beside Textual's own way to show a log, RichLog, on the same headless screen."""

from __future__ import annotations

import asyncio
import time

import measure
from textual.app import App, ComposeResult
from textual.widgets import RichLog

from talkbot_tui.core.model import Message, MessagePosted, User
from talkbot_tui.core.timeline import Timeline
from talkbot_tui.ui import themes
from talkbot_tui.ui.render import Frame
from talkbot_tui.ui.widgets.message_pane import MessagePane, Sheet

HELD = 10_000
ADDED = 100
SIZE = (120, 40)
ANA = User("u1", "ana")
TEXT = "the build is green again, thanks to everybody who looked at it this morning"
WORDS = TEXT.split()


def message(seq: int) -> Message:
    """One of many, of 3 to 13 words."""
    text = " ".join(WORDS[: 3 + seq % 11])
    return Message(f"m{seq}", "c", ANA, text, seq * 60_000, server_msg_id=f"m{seq}", seq=seq)


class Ours(App[None]):
    """The pane alone."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The colours' names in the pane's style sheet."""
        return themes.DEFAULTS

    def compose(self) -> ComposeResult:
        """One widget."""
        yield MessagePane()


class Plain(App[None]):
    """RichLog alone."""

    def compose(self) -> ComposeResult:
        """One widget."""
        yield RichLog(wrap=True)


async def _ours(held: int) -> tuple[float, float]:
    timeline = Timeline("c")
    timeline.open()
    app = Ours()
    async with app.run_test(size=SIZE) as pilot:
        pane = app.query_one(MessagePane)
        began = time.process_time()
        for seq in range(1, held + 1):
            timeline.put(MessagePosted("c", seq, seq, ANA, message(seq)))
        pane.show(Sheet("c", timeline, lambda width: Frame(width, User("u2", "bruno"))))
        await pilot.pause()
        loaded = time.process_time() - began
        began = time.process_time()
        for seq in range(held + 1, held + ADDED + 1):
            timeline.put(MessagePosted("c", seq, seq, ANA, message(seq)))
            pane.redraw()
            await pilot.pause()
        return loaded, (time.process_time() - began) / ADDED


async def _plain(held: int) -> tuple[float, float]:
    app = Plain()
    async with app.run_test(size=SIZE) as pilot:
        log = app.query_one(RichLog)
        await pilot.pause()
        began = time.process_time()
        for seq in range(1, held + 1):
            log.write(f"09:41 ana  {message(seq).text}")
        await pilot.pause()
        loaded = time.process_time() - began
        began = time.process_time()
        for seq in range(held + 1, held + ADDED + 1):
            log.write(f"09:41 ana  {message(seq).text}")
            await pilot.pause()
        return loaded, (time.process_time() - began) / ADDED


def rows(runs: int) -> list[measure.Row]:
    """Loading and appending, in seconds of the processor."""
    found = []
    for name, part, goal in (
        (f"CPU to show {HELD:,} messages", 0, 0.5),
        (f"CPU to add and draw one message to {HELD:,}", 1, 0.5),
    ):
        found.append(
            measure.compare(
                name,
                "RichLog",
                lambda p=part: asyncio.run(_ours(HELD))[p],
                lambda p=part: asyncio.run(_plain(HELD))[p],
                unit="s",
                goal=goal,
                higher_is_better=False,
                runs=runs,
            )
        )
    found.append(
        measure.compare(
            f"CPU to add and draw one message to {HELD:,}",
            "the same to 100",
            lambda: asyncio.run(_ours(HELD))[1],
            lambda: asyncio.run(_ours(100))[1],
            unit="s",
            goal=1.5,
            higher_is_better=False,
            runs=runs,
        )
    )
    return found
