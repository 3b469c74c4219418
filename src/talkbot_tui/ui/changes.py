"""Brings the engine's changes to the parts of the screen that show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talkbot_tui.core.changes import (
    Change,
    DraftReturned,
    Jumped,
    LinkChanged,
    Noticed,
    RoomsChanged,
    RosterChanged,
    TimelineChanged,
    TimelineReset,
    TypingChanged,
)
from talkbot_tui.ui import words
from talkbot_tui.ui.terminal.direct import soon

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.chat import ChatScreen


class Ear:
    """Hears the engine, and shows what changed: once for all that one turn of the loop brings."""

    def __init__(self, chat: ChatScreen) -> None:
        """Whose parts are to show it."""
        self._chat = chat
        self._heard: list[Change] = []
        self._due = False

    def __call__(self, changes: tuple[Change, ...]) -> None:
        """As `EnginePort.subscribe` calls it."""
        self._heard.extend(changes)
        if not self._due:
            self._due = True
            soon(self._chat, self._show)

    def _show(self) -> None:
        try:
            if self._chat.is_attached:
                route(self._chat, self.take())
                self._chat.look_whole()
        finally:
            self._heard.clear()
            self._due = False

    def take(self) -> tuple[Change, ...]:
        """What has been heard and not been shown yet."""
        changes = tuple(self._heard)
        self._heard.clear()
        return changes


def route(chat: ChatScreen, changes: tuple[Change, ...]) -> None:
    """Redraw each part at most once."""
    if any(isinstance(c, TimelineChanged | TimelineReset) for c in changes):
        chat.read_on()
        changes += chat.ear.take()
    rooms = rows = reads = people = typing = link = False
    for change in changes:
        match change:
            case TimelineChanged() | TimelineReset():
                rows = rows or change.conversation_id == chat.desk.room_id
            case RoomsChanged():
                rooms = link = True
                reads = reads or chat.desk.room_id in change.conversation_ids
            case LinkChanged():
                link = True
            case TypingChanged():
                typing = typing or change.conversation_id == chat.desk.room_id
            case RosterChanged():
                people = people or change.conversation_id in ("", chat.desk.room_id)
            case DraftReturned():
                chat.returned(change)
            case Noticed():
                chat.tell(words.refusal(change.code, change.text))
    if rooms:
        chat.choose_room()
    if reads and not rows:
        chat.show_rows(changed=False)
    for wanted, show in (
        (rooms, chat.show_rooms),
        (rows, chat.show_rows),
        (people, chat.show_people),
        (typing or rows, chat.show_typing),
        (link, chat.show_link),
    ):
        if wanted:
            show()
    if rooms:
        chat.look_unsent()
    _land(chat, changes)


def _land(chat: ChatScreen, changes: tuple[Change, ...]) -> None:
    """Where a jump ended is shown once its rows are."""
    for change in changes:
        if isinstance(change, Jumped):
            chat.landed(change)
