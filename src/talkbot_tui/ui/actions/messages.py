"""Commands about one message: the one that has the focus, else the newest that fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.core.events import Discard, FillGap, Retry, SendHeld, StopStream
from talkbot_tui.core.model import Gap, Message, SendState
from talkbot_tui.ui import words
from talkbot_tui.ui.actions.kinds import Handler
from talkbot_tui.ui.desk import Doing, Task, joined
from talkbot_tui.ui.markdown import links_in
from talkbot_tui.ui.screens import details, pickers

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.chat import ChatScreen

_ = i18n.Domain("app")


def _target(chat: ChatScreen, fits: Callable[[Message], bool]) -> Message | None:
    """The focused message if it fits; without a focus the newest that does."""
    if chat.on_message:
        row = chat.pane.current
        return row if isinstance(row, Message) and fits(row) else None
    return chat.desk.last(fits)


def _put_away(chat: ChatScreen) -> str:
    """End what is under way in the room; what is left there is its draft."""
    task = chat.desk.tasks.pop(chat.desk.room_id, None)
    if task is None or task.doing is Doing.REPLY:
        return chat.composer.text
    if chat.composer.text != task.target.text:
        chat.composer.remember(chat.composer.text)
    return task.kept


def _begin(chat: ChatScreen, doing: Doing, target: Message) -> None:
    room_id = chat.desk.room_id
    draft = _put_away(chat)
    chat.desk.keep_draft(room_id, draft)
    if doing is Doing.EDIT:
        chat.desk.tasks[room_id] = Task(doing, target, draft)
        _write(chat, target.text)
    else:
        chat.desk.tasks[room_id] = Task(doing, target)
        _write(chat, draft)


def _write(chat: ChatScreen, text: str) -> None:
    if chat.composer.text != text:
        chat.composer.set_text(text)
    chat.set_focus(chat.composer)
    chat.show_banner()


def _take_back(chat: ChatScreen, failed: Message, text: str) -> None:
    """A failed message becomes a draft, with the reply that it was."""
    room_id = failed.conversation_id
    draft = joined(text, _put_away(chat))
    # Saved as a draft first: there is no moment at which it is saved nowhere.
    chat.desk.keep_draft(room_id, draft)
    chat.engine.dispatch(Discard(failed.client_msg_id))
    answered = chat.engine.session.message(room_id, failed.reply_to) if failed.reply_to else None
    if answered is not None:
        chat.desk.tasks[room_id] = Task(Doing.REPLY, answered)
    _write(chat, draft)


def reply(chat: ChatScreen, rest: str) -> None:
    """Answer a message of anybody."""
    target = _target(chat, lambda m: bool(m.server_msg_id) and not m.deleted)
    if target is None:
        chat.tell(_("There is no message here that can be answered."))
    elif rest:
        chat.engine.send(chat.desk.room_id, rest, reply_to=target.server_msg_id)
    else:
        _begin(chat, Doing.REPLY, target)


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
    elif target.state is SendState.FAILED and target.attempted:
        chat.tell(words.refusal("may_be_sent"))
    elif target.state is SendState.FAILED:
        _take_back(chat, target, rest or target.text)
    elif rest:
        chat.engine.edit(chat.desk.room_id, target.server_msg_id, rest)
    else:
        _begin(chat, Doing.EDIT, target)


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
        details.show_facts(chat, target)


def fill(chat: ChatScreen, _rest: str) -> None:
    """Load what is missing where the focus is."""
    row = chat.pane.current
    if isinstance(row, Gap):
        chat.engine.dispatch(FillGap(chat.desk.room_id, row.last))
    elif isinstance(row, Message):
        details.show_facts(chat, row)


def send_held(chat: ChatScreen, _rest: str) -> None:
    """Send what waited while the room moved on."""
    if chat.desk.held(chat.desk.room_id):
        chat.engine.dispatch(SendHeld(chat.desk.room_id))
    else:
        chat.tell(_("Nothing here waits for your word."))


def copy(chat: ChatScreen, _rest: str) -> None:
    """Through the terminal, which must allow it (OSC 52)."""
    target = _target(chat, lambda m: not m.deleted)
    if target is not None:
        chat.app.copy_to_clipboard(target.text)
        chat.tell(_("Copied, if your terminal allows it."), "muted")


def open_link(chat: ChatScreen, _rest: str) -> None:
    """Choose a link of the message; where each leads is seen before it is opened."""
    target = _target(chat, lambda m: not m.deleted and bool(links_in(m.text)))
    if target is None:
        chat.tell(_("There is no link here."))
    else:
        pickers.pick_link(chat, links_in(target.text))


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
    "fill": fill,
    "send_held": send_held,
    "copy": copy,
    "open": open_link,
    "stop": stop,
}
