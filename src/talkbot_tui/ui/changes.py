"""Brings the engine's changes to the parts of the screen that show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message as Posted

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

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.chat import ChatScreen


class EngineChanged(Posted):
    """What changed in one turn of the engine."""

    def __init__(self, changes: tuple[Change, ...]) -> None:
        super().__init__()
        self.changes = changes


def route(chat: ChatScreen, changes: tuple[Change, ...]) -> None:
    """Redraw each part at most once."""
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
    if rows:
        chat.read_on()
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
    _land(chat, changes)


def _land(chat: ChatScreen, changes: tuple[Change, ...]) -> None:
    """Where a jump ended is shown once its rows are."""
    for change in changes:
        if isinstance(change, Jumped):
            chat.landed(change)
