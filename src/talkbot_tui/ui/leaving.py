"""What the app leaves for the next start: the chat as it will be then, not as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from talkbot_tui.core.link import Link as Connection
from talkbot_tui.core.link import Signal
from talkbot_tui.last_screen import Screen
from talkbot_tui.ui import commands
from talkbot_tui.ui.desk import Doing
from talkbot_tui.ui.ink import Span
from talkbot_tui.ui.screens import lists
from talkbot_tui.ui.screens.chat import ChatScreen
from talkbot_tui.ui.terminal import kept

if TYPE_CHECKING:
    from talkbot_tui.ui.terminal.layer import LayeredApp


def picture(app: LayeredApp[Any]) -> Screen | None:
    """The chat, at the end of its room, with its draft; None where a start would show other things.

    Whatever screen is above it is left out, and so is what only a connection tells.
    """
    chat = next((screen for screen in app.screen_stack if isinstance(screen, ChatScreen)), None)
    if chat is None or chat.size != app.size or not chat.engine.session.room(chat.desk.room_id):
        return None
    task = chat.desk.tasks.get(chat.composer.room_id)
    if chat.composer.room_id != chat.desk.room_id or (task and task.doing is Doing.EDIT):
        return None
    _as_at_start(chat)
    width, height = chat.size
    rows = [app.painter.cells(strip) for strip in chat._compositor.render_strips()]
    x, y = chat.composer.cursor_screen_offset
    place = chat.composer.content_region
    if not (place.contains(x, y) and len(rows) == height):
        return None
    look, blank = app.painter.look(chat.composer.rich_style)
    # The composer's own cursor: the terminal shows one there.
    rows[y][x] = (" ", blank)
    return Screen(
        (width, height),
        [kept.row_of(row[:width]) for row in rows],
        (x, y),
        min(place.right, width),
        look,
        chat.composer.room_id,
    )


def _as_at_start(chat: ChatScreen) -> None:
    """Show neither who is there nor what was typed, told or selected."""
    session, glyphs = chat.engine.session, chat.around.glyphs
    link = Connection()
    link.signal(Signal.CONNECTING)
    now, keys = chat.around.clock(), chat.around.settings.keys
    status = lists.status_line(link, now, chat.desk.unsent(), glyphs)
    chat.status.show(status, [Span(f"{session.me.name} ", "muted")])
    # Who is in a room is not in the cache.
    chat.people.show([])
    chat.hints.show(lists.hint_line(commands.Where.SCREEN, keys, chat.size.width))
    chat.typing.show([])
    for told in (chat.notice, chat.banner):
        told.text = ""
    chat.pane.selected = ""
    chat.pane.action_end()
    chat.composer.move_cursor(chat.composer.document.end)
