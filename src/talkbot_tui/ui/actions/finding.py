"""Commands that find a message, or a place in the open room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.ui import when
from talkbot_tui.ui.actions.kinds import Handler
from talkbot_tui.ui.finding import Hunt, not_a_time
from talkbot_tui.ui.screens import pickers

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.chat import ChatScreen

_ = i18n.Domain("app")

UNREAD = frozenset({"first-unread", "unread", "first", "não-lidas", "nao-lidas", "não-lida"})


def search(chat: ChatScreen, rest: str) -> None:
    """Find messages."""
    pickers.show_finder(chat, Hunt(chat.desk.room_id, rest))


async def jump(chat: ChatScreen, rest: str) -> None:
    """To a day or an hour, to a number, or to what is unread."""
    room = chat.desk.room
    if room is None:
        return
    place = rest.strip()
    if place.casefold() in UNREAD:
        first_unread(chat, "")
    elif place.startswith("#") or place.isdecimal():
        _to_number(chat, place.lstrip("#"), room.head_seq)
    else:
        await _to_time(chat, place)


def first_unread(chat: ChatScreen, _rest: str) -> None:
    """To the first message that was unread when the room was opened."""
    room_id = chat.desk.room_id
    room = chat.desk.room
    marker = chat.engine.session.unread_from(room_id)
    if not marker and room is not None and room.unread:
        marker = room.read_seq
    if not marker:
        chat.tell(_("Nothing was unread here."), "muted")
    else:
        chat.go_to(room_id, marker + 1)


def _to_number(chat: ChatScreen, text: str, head: int) -> None:
    seq = int(text) if text.isdecimal() and len(text) < 16 else 0
    if 1 <= seq <= head:
        chat.go_to(chat.desk.room_id, seq)
    else:
        chat.tell(_("There is no such number here; they go from #1 to #{head}.").format(head=head))


async def _to_time(chat: ChatScreen, text: str) -> None:
    moment = when.parse(text, chat.around.clock(), chat.around.zone)
    if moment is None:
        chat.tell(not_a_time(text))
        return
    room_id = chat.desk.room_id
    seq = await chat.engine.seq_at(room_id, moment)
    held = chat.engine.session.timeline(room_id).ranges
    if not seq:
        chat.tell(_("Nothing was written here since then."))
    else:
        chat.go_to(room_id, seq)
        if held and held[0][0] > 1 and seq <= held[0][0]:
            chat.tell(_("This is the oldest that is on this computer; PgUp loads older ones."))


HANDLERS: dict[str, Handler] = {
    "search": search,
    "jump": jump,
    "first_unread": first_unread,
}
