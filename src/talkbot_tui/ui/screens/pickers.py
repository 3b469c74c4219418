"""What the chat screen opens above itself: switcher, palette, search, help, details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.core.model import Conversation, Message
from talkbot_tui.core.text import one_line
from talkbot_tui.ui import commands, words
from talkbot_tui.ui.finding import Hunt
from talkbot_tui.ui.ink import Line, Span, flow
from talkbot_tui.ui.markdown import real_host
from talkbot_tui.ui.screens import lists
from talkbot_tui.ui.screens.page import Page
from talkbot_tui.ui.screens.picker import Entry, Picker
from talkbot_tui.ui.wrapping import pad

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.chat import ChatScreen

_ = i18n.Domain("app")

WIDTH = 66
EMOJI = ("👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👀", "✅", "❌", "🚀", "🔥", "👏", "💡", "☕")


def pick_room(chat: ChatScreen) -> None:
    """The room switcher: rooms with something new first."""
    entries = [
        Entry(
            room.conversation.conversation_id,
            lists.room_line(room, WIDTH, chat.around.glyphs, draft=bool(room.draft)),
            f"{words.title_of(room.conversation)} {room.conversation.topic}",
        )
        for room in chat.engine.session.rooms()
    ]
    chat.app.push_screen(
        Picker(_("Go to a room"), entries), lambda key: chat.open_room(key) if key else None
    )


def pick_command(chat: ChatScreen) -> None:
    """The command palette; a command that needs more is written into the composer."""
    entries = []
    for command in commands.COMMANDS:
        hidden = not command.name or command.id in ("palette", "back")
        if hidden or command.where is commands.Where.COMPOSER:
            continue
        name = _(command.name)
        keys = commands.pretty(commands.keys_of(command, chat.around.settings.keys)[:1])
        slash = f"/{command.slash[0]}" if command.slash else ""
        line = (
            Span(f" {pad(name, 20)}", "bold"),
            Span(f" {pad(_(command.help), 32)} "),
            Span(slash if command.slash else keys, "muted"),
        )
        entries.append(Entry(command.id, line, f"{name} {_(command.help)} {slash} {command.id}"))

    def run(key: str | None) -> None:
        command = commands.BY_ID.get(key or "")
        if command is None:
            return
        if command.needs_text:
            chat.composer.set_text(f"/{command.slash[0]} ")
            chat.set_focus(chat.composer)
        else:
            chat.action_command(command.id)

    chat.app.push_screen(Picker(_("Commands"), entries), run)


def pick_public(chat: ChatScreen, found: Sequence[Conversation]) -> None:
    """Public rooms; choosing one joins it."""
    entries = [
        Entry(
            c.conversation_id,
            (
                Span(f" {chat.around.glyphs.channel} ", "muted"),
                Span(pad(c.name, 20), "bold"),
                Span(f" {one_line(c.topic, 40)}", "muted"),
            ),
            f"{c.name} {c.topic}",
        )
        for c in found
    ]

    async def join(key: str) -> None:
        if chat.engine.session.room(key) is None:
            await chat.engine.lookups.join(key)
        chat.open_when_known(key)

    def chosen(key: str | None) -> None:
        if key:
            chat.ask(join(key))

    chat.app.push_screen(
        Picker(_("Public rooms"), entries, empty=_("there are none with that name")), chosen
    )


def pick_emoji(chat: ChatScreen, target: Message) -> None:
    """An emoji for a message."""
    from talkbot_tui.ui.actions.messages import put

    entries = [Entry(emoji, (Span(f" {emoji} "),), emoji) for emoji in EMOJI]
    chat.app.push_screen(
        Picker(_("React with"), entries, empty=_("/react <emoji> takes any other")),
        lambda key: put(chat, target, key) if key else None,
    )


def pick_link(chat: ChatScreen, links: Sequence[str]) -> None:
    """A link to open: its real host stands first, so that nobody is led astray."""
    entries = [
        Entry(link, (Span(f" {real_host(link)} ", "bold"), Span(f" {link}", "muted")), link)
        for link in links
    ]

    def chosen(link: str | None) -> None:
        if not link:
            return
        if chat.around.open_link(link):
            chat.tell(_("Opening {host} in your browser.").format(host=real_host(link)), "muted")
        else:
            chat.app.copy_to_clipboard(link)
            chat.tell(
                _(
                    "No browser can be started from here;"
                    " the address is copied, if your terminal allows it."
                )
            )

    chat.app.push_screen(Picker(_("Open a link"), entries), chosen)


def show_finder(chat: ChatScreen, hunt: Hunt) -> None:
    """Search messages; choosing one goes to its place, giving up to where it was begun."""
    from talkbot_tui.ui.screens.finder import Finder

    def chosen(message: Message | None) -> None:
        if message is not None:
            chat.go_to(message.conversation_id, message.seq)
            chat.hunt, hunt.visited = hunt, True
        elif hunt.origin and hunt.origin != chat.desk.room_id:
            chat.open_room(hunt.origin)
        elif hunt.visited:
            chat.go_to_end()
            chat.set_focus(chat.composer)

    chat.app.push_screen(Finder(chat, hunt), chosen)


def show_help(chat: ChatScreen) -> None:
    """Keys and commands, from their one definition."""
    overrides = chat.around.settings.keys
    titles = {
        commands.Where.SCREEN: _("Everywhere"),
        commands.Where.COMPOSER: _("While writing"),
        commands.Where.MESSAGE: _("On a message (Shift+Tab or a click, Esc returns)"),
    }

    def row(left: str, text: str, width: int) -> list[Line]:
        made: list[Line] = []
        column = min(26, width // 2)
        wrapped = flow([Span(text)], max(8, width - column - 2))
        for number, line in enumerate(wrapped):
            made.append((Span(f" {pad(left if number == 0 else '', column)} ", "strong"), *line))
        return made

    def lines(width: int) -> list[Line]:
        made: list[Line] = []
        for where, title in titles.items():
            made += [(), (Span(f" {title}", "warn bold"),)]
            for command in commands.COMMANDS:
                keys = commands.pretty(commands.keys_of(command, overrides))
                if command.where is where and keys and command.name:
                    made += row(keys, _(command.help), width)
        made += [(), (Span(" " + _("Commands"), "warn bold"),)]
        for command in commands.COMMANDS:
            if command.slash:
                made += row(commands.slash_line(command), _(command.help), width)
        made += [()]
        for keys, text in commands.EXAMPLES:
            made += row(keys, _(text), width)
        return made[1:]

    chat.app.push_screen(Page(_("Keys and commands"), lines))
