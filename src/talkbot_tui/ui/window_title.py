"""The terminal window's title: what waits for the user, seen while another window has the focus.

Only our own words and numbers go there: a title is a place where terminals have obeyed
what strangers wrote (CVE-2003-0070).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import App

from talkbot_tui.core.model import RoomSummary
from talkbot_tui.ui import words

NAME = "talkbot-tui"
PUSH, POP = "\x1b[22;2t", "\x1b[23;2t"
"""XTWINOPS: keep the title that the shell had, and give it back."""


def title(rooms: Sequence[RoomSummary]) -> str:
    """The program's name after what is unread, unsent or failed."""
    unread = sum(room.unread for room in rooms)
    mentions = sum(room.mentions for room in rooms)
    failed = sum(room.failed for room in rooms)
    queued = sum(room.queued for room in rooms)
    parts = [words.counts_line(queued, failed)] if queued or failed else []
    if mentions:
        parts.append(f"@{mentions}")
    if unread:
        parts.append(f"({unread})")
    return " · ".join([*parts, NAME])


def understood(environ: Mapping[str, str]) -> bool:
    """Whether the terminal has a title; the console and dumb ones would show the sequence."""
    return environ.get("TERM", "") not in ("", "dumb", "linux", "vt100", "vt220")


def keep(app: App[Any]) -> None:
    """Have the terminal remember the title that the shell gave it, and show ours."""
    _write(app, f"{PUSH}\x1b]2;{app.title}\x07")


def show(app: App[Any], rooms: Sequence[RoomSummary]) -> None:
    """Write the title when it has changed."""
    text = title(rooms)
    if text != app.title:
        # Set as usual it would have all of the screen painted: Textual's header shows it.
        app.set_reactive(App.title, text)
        _write(app, f"\x1b]2;{text}\x07")


def give_back(app: App[Any]) -> None:
    """The shell's title again."""
    _write(app, POP)


def _write(app: App[Any], sequence: str) -> None:
    driver = app._driver
    if driver is not None and not app.is_headless and understood(os.environ):
        driver.write(sequence)
