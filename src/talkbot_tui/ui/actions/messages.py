"""Commands about one message: the one that has the focus, else the newest that fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.core.events import Discard, Retry, StopStream
from talkbot_tui.core.model import Message, SendState
from talkbot_tui.ui import words
from talkbot_tui.ui.actions.kinds import Handler
from talkbot_tui.ui.desk import Doing, Task
from talkbot_tui.ui.screens import pickers

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.chat import ChatScreen

_ = i18n.Domain("app")


def _target(chat: ChatScreen, fits: Callable[[Message], bool]) -> Message | None:
    """The focused message if it fits; without a focus the newest that does."""
    if chat.on_message:
        row = chat.pane.current
        return row if isinstance(row, Message) and fits(row) else None
    return chat.desk.last(fits)


def _begin(chat: ChatScreen, doing: Doing, target: Message, text: str) -> None:
    room_id = chat.desk.room_id
    kept = chat.composer.text if chat.composer.text != text else ""
    chat.desk.tasks[room_id] = Task(doing, target, "" if kept.startswith("/") else kept)
    if doing is Doing.EDIT or text:
        chat.composer.set_text(text)
    chat.set_focus(chat.composer)
    chat.show_banner()


def reply(chat: ChatScreen, rest: str) -> None:
    """Answer a message of anybody."""
    target = _target(chat, lambda m: bool(m.server_msg_id) and not m.deleted)
    if target is None:
        chat.tell(_("There is no message here that can be answered."))
    elif rest:
        chat.engine.send(chat.desk.room_id, rest, reply_to=target.server_msg_id)
    else:
        _begin(chat, Doing.REPLY, target, "")


def edit(chat: ChatScreen, rest: str) -> None:
    """Change a message of ours; one that failed comes back into the composer."""
    mine = chat.desk.is_mine
    target = _target(
        chat,
        lambda m: (
            mine(m) and not m.deleted and (bool(m.server_msg_id) or m.state is SendState.FAILED)
        ),
    )
    if target is None:
        chat.tell(_("Only your own sent messages can be changed."))
    elif target.state is SendState.FAILED:
        chat.engine.dispatch(Discard(target.client_msg_id))
        chat.composer.set_text(rest or target.text)
        chat.desk.keep_draft(chat.desk.room_id, chat.composer.text)
        chat.set_focus(chat.composer)
    elif rest:
        chat.engine.edit(chat.desk.room_id, target.server_msg_id, rest)
    else:
        _begin(chat, Doing.EDIT, target, target.text)


def delete(chat: ChatScreen, _rest: str) -> None:
    """Delete for everybody; by key only when it is pressed twice."""
    mine = chat.desk.is_mine
    target = _target(chat, lambda m: mine(m) and bool(m.server_msg_id) and not m.deleted)
    if target is None:
        chat.tell(_("Only your own sent messages can be deleted."))
    elif chat.on_message and chat.asked_delete != target.key:
        chat.asked_delete = target.key
        chat.tell(_("Delete this message for everybody? Press d again."))
    else:
        chat.asked_delete = ""
        chat.tell("")
        chat.engine.delete(chat.desk.room_id, target.server_msg_id)


def retry(chat: ChatScreen, _rest: str) -> None:
    """Send a failed message again."""
    target = _target(chat, lambda m: m.state is SendState.FAILED)
    if target is None:
        chat.tell(_("There is no failed message here."))
    else:
        chat.engine.dispatch(Retry(target.client_msg_id))


def discard(chat: ChatScreen, _rest: str) -> None:
    """Give up a message that was not sent."""
    target = _target(chat, lambda m: m.state in (SendState.FAILED, SendState.QUEUED))
    if target is None:
        chat.tell(_("There is no unsent message here."))
    else:
        chat.engine.dispatch(Discard(target.client_msg_id))


def react(chat: ChatScreen, rest: str) -> None:
    """Put an emoji under a message; the same again takes it away."""
    target = _target(chat, lambda m: bool(m.server_msg_id) and not m.deleted)
    if target is None:
        chat.tell(_("There is no message here to react to."))
        return
    if not rest:
        pickers.pick_emoji(chat, target)
        return
    put(chat, target, rest.split()[0])


def put(chat: ChatScreen, target: Message, emoji: str) -> None:
    """Put `emoji` under a message, or take ours away."""
    me = chat.engine.session.me.user_id
    has = any(r.emoji == emoji and me in r.user_ids for r in target.reactions)
    chat.engine.react(chat.desk.room_id, target.server_msg_id, emoji, not has)


def facts(chat: ChatScreen, _rest: str) -> None:
    """Everything about the message."""
    target = _target(chat, lambda m: True)
    if target is not None:
        pickers.show_facts(chat, target)


def copy(chat: ChatScreen, _rest: str) -> None:
    """Through the terminal, which must allow it (OSC 52)."""
    target = _target(chat, lambda m: not m.deleted)
    if target is not None:
        chat.app.copy_to_clipboard(target.text)
        chat.tell(_("Copied, if your terminal allows it."), "muted")


def stop(chat: ChatScreen, _rest: str) -> None:
    """End an answer that is still being written."""
    target = _target(chat, lambda m: m.streaming)
    if target is None:
        chat.tell(_("No answer is being written here."))
    else:
        chat.engine.dispatch(StopStream(chat.desk.room_id, target.server_msg_id))
        chat.tell(_("Asked {name} to stop.").format(name=words.name_of(target.sender)), "muted")


HANDLERS: dict[str, Handler] = {
    "reply": reply,
    "edit": edit,
    "delete": delete,
    "retry": retry,
    "discard": discard,
    "react": react,
    "facts": facts,
    "copy": copy,
    "stop": stop,
}
