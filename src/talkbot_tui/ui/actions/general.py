"""Commands about the app itself, and those of the composer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.core.events import ReconnectNow
from talkbot_tui.ui import themes
from talkbot_tui.ui.actions.kinds import Handler
from talkbot_tui.ui.desk import Doing
from talkbot_tui.ui.screens import pickers

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.chat import ChatScreen

_ = i18n.Domain("app")


def help_screen(chat: ChatScreen, _rest: str) -> None:
    """Keys and commands."""
    pickers.show_help(chat)


def switcher(chat: ChatScreen, _rest: str) -> None:
    """Choose a room."""
    pickers.pick_room(chat)


def palette(chat: ChatScreen, _rest: str) -> None:
    """Choose a command."""
    pickers.pick_command(chat)


def inspector(chat: ChatScreen, _rest: str) -> None:
    """Every packet on the wire."""
    from talkbot_tui.ui.screens.inspector import InspectorScreen

    chat.app.push_screen(InspectorScreen(chat.engine.wire, chat.around))


def send(chat: ChatScreen, _rest: str) -> None:
    """Send what is written."""
    chat.submit()


def newline(chat: ChatScreen, _rest: str) -> None:
    """Another line."""
    chat.composer.insert("\n")


def complete(chat: ChatScreen, _rest: str) -> None:
    """The word before the cursor; without one, on to the messages."""
    if not chat.composer.complete() and not chat.composer.text:
        chat.set_focus(chat.pane)


def older_input(chat: ChatScreen, _rest: str) -> None:
    """What was sent before."""
    chat.composer.older()


def newer_input(chat: ChatScreen, _rest: str) -> None:
    """What was sent after."""
    chat.composer.newer()


def back(chat: ChatScreen, _rest: str) -> None:
    """One step back: notice, hits, message focus, reply or edit, scrolled pane."""
    room_id = chat.desk.room_id
    if chat.has_notice:
        chat.tell("")
    if chat.hunt is not None and (chat.on_message or room_id not in chat.desk.tasks):
        hunt, chat.hunt = chat.hunt, None
        pickers.show_finder(chat, hunt)
    elif chat.on_message:
        chat.set_focus(chat.composer)
    elif room_id in chat.desk.tasks:
        task = chat.desk.tasks.pop(room_id)
        if task.doing is Doing.EDIT:
            chat.composer.set_text(task.kept)
            chat.desk.keep_draft(room_id, task.kept)
        chat.show_banner()
    else:
        chat.go_to_end()


def interrupt(chat: ChatScreen, _rest: str) -> None:
    """Clear the text; on an empty text, twice in a row, quit."""
    if chat.composer.text:
        task = chat.desk.tasks.pop(chat.desk.room_id, None)
        if task is not None:
            chat.composer.remember(task.kept)
        chat.composer.remember(chat.composer.text)
        chat.composer.set_text("")
        chat.desk.keep_draft(chat.desk.room_id, "")
        chat.show_banner()
        # What is unsent has not been named yet: the next time asks.
        chat.leaving = not chat.desk.unsent_texts()
        line = _("Cleared; ↑ brings it back.")
        if chat.leaving:
            line = _("Cleared; ↑ brings it back. Ctrl+C again quits.")
        chat.tell(line, "muted")
    elif chat.leaving:
        chat.app.exit(0)
    elif chat.desk.unsent_texts():
        chat.leave()
    else:
        chat.leaving = True
        chat.tell(_("Ctrl+C again quits."), "muted")


def quit_app(chat: ChatScreen, _rest: str) -> None:
    """Leave."""
    chat.leave()


def theme(chat: ChatScreen, rest: str) -> None:
    """Another one, or the next."""
    names = list(themes.NAMES)
    wanted = rest.strip().lower()
    if not wanted:
        wanted = names[(names.index(chat.app.theme) + 1) % len(names)]
    if wanted not in names:
        line = _("There is no theme {name}; there are: {names}")
        chat.tell(line.format(name=wanted, names=", ".join(names)))
        return
    chat.app.theme = wanted
    chat.tell(_("Theme: {name}").format(name=wanted), "muted")


def reconnect(chat: ChatScreen, _rest: str) -> None:
    """Do not wait for the next try."""
    chat.engine.dispatch(ReconnectNow())


def login(chat: ChatScreen, _rest: str) -> None:
    """The login screen."""
    from talkbot_tui.ui.app import TalkbotApp

    if isinstance(chat.app, TalkbotApp):
        chat.app.show_login()


def logout(chat: ChatScreen, _rest: str) -> None:
    """Signing out is a command of its own: it ends all sessions of this computer."""
    chat.tell(_("To sign out on this computer, leave and run: talkbot-tui logout"), "muted")


HANDLERS: dict[str, Handler] = {
    "help": help_screen,
    "switcher": switcher,
    "palette": palette,
    "inspector": inspector,
    "send": send,
    "newline": newline,
    "complete": complete,
    "older_input": older_input,
    "newer_input": newer_input,
    "back": back,
    "interrupt": interrupt,
    "quit": quit_app,
    "theme": theme,
    "reconnect": reconnect,
    "login": login,
    "logout": logout,
}
