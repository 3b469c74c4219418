"""Commands that move: between rooms, through messages, between the parts of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talkbot_tui.core.model import Kind, RoomSummary
from talkbot_tui.ui.actions.kinds import Handler

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.chat import ChatScreen


def _step(chat: ChatScreen, step: int) -> None:
    order = chat.shown_rooms
    if not order:
        return
    at = order.index(chat.desk.room_id) if chat.desk.room_id in order else -step
    chat.open_room(order[(at + step) % len(order)])


def next_room(chat: ChatScreen, _rest: str) -> None:
    """Down the list."""
    _step(chat, 1)


def previous_room(chat: ChatScreen, _rest: str) -> None:
    """Up the list."""
    _step(chat, -1)


def next_unread(chat: ChatScreen, _rest: str) -> None:
    """Mentions first, then direct conversations, then rooms."""
    rooms = [room for room in chat.engine.session.rooms() if room.unread or room.mentions]
    rooms = [room for room in rooms if room.conversation.conversation_id != chat.desk.room_id]
    if rooms:
        chat.open_room(max(rooms, key=_importance).conversation.conversation_id)


def _importance(room: RoomSummary) -> tuple[bool, bool, int]:
    return (room.mentions > 0, room.conversation.kind is Kind.DIRECT, room.last_ts)


def page_up(chat: ChatScreen, _rest: str) -> None:
    """Older messages."""
    chat.pane.action_page(-1)


def page_down(chat: ChatScreen, _rest: str) -> None:
    """Newer messages."""
    chat.pane.action_page(1)


def oldest(chat: ChatScreen, _rest: str) -> None:
    """The first one held."""
    chat.pane.action_top()


def newest(chat: ChatScreen, _rest: str) -> None:
    """The last one."""
    chat.go_to_end()


def messages(chat: ChatScreen, _rest: str) -> None:
    """To the messages, or back to the text."""
    chat.set_focus(chat.composer if chat.on_message else chat.pane)


def toggle_rooms(chat: ChatScreen, _rest: str) -> None:
    """The list of rooms."""
    chat.toggle_pane("rooms")


def toggle_people(chat: ChatScreen, _rest: str) -> None:
    """The list of people."""
    chat.toggle_pane("people")


def _numbered(number: int) -> Handler:
    def go(chat: ChatScreen, _rest: str) -> None:
        if number <= len(chat.shown_rooms):
            chat.open_room(chat.shown_rooms[number - 1])

    return go


HANDLERS: dict[str, Handler] = {
    "next_room": next_room,
    "previous_room": previous_room,
    "next_unread": next_unread,
    "page_up": page_up,
    "page_down": page_down,
    "oldest": oldest,
    "newest": newest,
    "messages": messages,
    "toggle_rooms": toggle_rooms,
    "toggle_people": toggle_people,
    **{f"room_{number}": _numbered(number) for number in range(1, 10)},
}
