"""What the chat screen opens above itself: switcher, palette, search, help, details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.core.events import OpenConversation
from talkbot_tui.core.model import Conversation, Message
from talkbot_tui.core.text import one_line
from talkbot_tui.ui import clockwork, commands, words
from talkbot_tui.ui.glyphs import kind_glyph, send_glyph
from talkbot_tui.ui.ink import Line, Span, flow
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
            lists.room_line(room, WIDTH, chat.around.glyphs),
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


def pick_found(chat: ChatScreen, query: str) -> None:
    """Search messages; choosing one goes to its room."""
    where: dict[str, Message] = {}

    async def search(words_typed: str) -> Sequence[Entry]:
        from talkbot_tui.client.lookups import LookupFailed

        try:
            found = await chat.engine.lookups.search(words_typed)
        except LookupFailed as failed:
            line = (Span(f" {words.refusal(failed.code, failed.message)}", "warn"),)
            return [Entry("", line)]
        where.clear()
        where.update({message.server_msg_id: message for message in found})
        return [Entry(m.server_msg_id, _found_line(chat, m)) for m in found]

    def chosen(key: str | None) -> None:
        message = where.get(key or "")
        if message is None:
            return
        if chat.engine.session.room(message.conversation_id) is not None:
            chat.open_room(message.conversation_id)
            if not chat.pane.reveal(message.key):
                chat.engine.dispatch(OpenConversation(message.conversation_id))
                chat.tell(_("That message is further back than what is loaded; page up to it."))
            else:
                chat.pane.select(message.key)
                chat.set_focus(chat.pane)

    chat.app.push_screen(
        Picker(_("Search messages"), search=search, typed=query, empty=_("nothing found")), chosen
    )


def _found_line(chat: ChatScreen, message: Message) -> Line:
    room = chat.engine.session.room(message.conversation_id)
    glyphs = chat.around.glyphs
    name = "" if room is None else words.title_of(room.conversation)
    mark = "" if room is None else kind_glyph(glyphs, room.conversation)
    return (
        Span(f" {clockwork.stamp(message.ts, chat.around.zone)} {mark}{name} ", "muted"),
        Span(f"{words.name_of(message.sender)} ", "bold"),
        Span(one_line(message.text, 100)),
    )


def show_facts(chat: ChatScreen, message: Message) -> None:
    """Everything that is known of a message."""
    session = chat.engine.session
    zone = chat.around.zone
    readers = [
        words.name_of(user)
        for user_id, seq in session.reads(message.conversation_id).items()
        if message.seq
        and seq >= message.seq
        and (user := session.user(user_id)) is not None
        and user_id not in (session.me.user_id, message.sender.user_id)
    ]
    mark = send_glyph(chat.around.glyphs, message.state)
    pairs = [
        (_("from"), f"{words.name_of(message.sender)} (@{message.sender.name})"),
        (_("time"), clockwork.stamp(message.ts, zone)),
        (_("state"), f"{mark} {words.send_word(message.state)}".strip()),
        (_("why"), words.failure(message.error) if message.error else ""),
        (_("read by"), ", ".join(readers)),
        (_("number"), str(message.seq or "")),
        (_("version"), str(message.revision or "")),
        (_("server id"), message.server_msg_id),
        (_("client id"), message.client_msg_id),
        *((r.emoji, ", ".join(_name(chat, u) for u in r.user_ids)) for r in message.reactions),
    ]

    def lines(width: int) -> list[Line]:
        made: list[Line] = []
        for name, value in pairs:
            if value:
                for number, line in enumerate(flow([Span(value)], max(8, width - 18))):
                    made.append((Span(f" {pad(name if number == 0 else '', 16)}", "muted"), *line))
        return made

    chat.app.push_screen(Page(_("Message details"), lines))


def _name(chat: ChatScreen, user_id: str) -> str:
    user = chat.engine.session.user(user_id)
    return words.name_of(user) if user else user_id


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
