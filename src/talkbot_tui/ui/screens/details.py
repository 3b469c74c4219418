"""Pages with all that is known of a message, and of a room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.core.facts import Facts
from talkbot_tui.core.model import Gap, Message
from talkbot_tui.ui import clockwork, words
from talkbot_tui.ui.glyphs import kind_glyph, send_glyph
from talkbot_tui.ui.ink import Line, Span, flow
from talkbot_tui.ui.screens.page import Page
from talkbot_tui.ui.wrapping import pad

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.chat import ChatScreen

_ = i18n.Domain("app")

Pairs = Sequence[tuple[str, str]]


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
        *journey(session.facts(message.client_msg_id), chat),
        (_("read by"), ", ".join(readers)),
        (_("number"), f"#{message.seq}" if message.seq else ""),
        (_("version"), str(message.revision or "")),
        (_("server id"), message.server_msg_id),
        (_("client id"), message.client_msg_id),
        *((r.emoji, ", ".join(_name(chat, u) for u in r.user_ids)) for r in message.reactions),
    ]
    _show(chat, _("Message details"), pairs)


def journey(facts: Facts, chat: ChatScreen) -> Pairs:
    """When a message of ours reached each place, counted from Enter, and what held it back."""
    if not facts.composed_at:
        return ()

    def after(at: int) -> str:
        return f"+{words.duration(max(0, at - facts.composed_at))}" if at else ""

    return (
        (_("written"), clockwork.to_the_second(facts.composed_at, chat.around.zone)),
        (_("saved here"), after(facts.saved_at)),
        (_("first sent"), after(facts.sent_at)),
        (_("stored there"), after(facts.acked_at)),
        (_("sent"), words.times(facts.sends) if facts.sends > 1 else ""),
        (_("held back by"), "; ".join(words.delay(delay) for delay in facts.delays)),
    )


def show_room(chat: ChatScreen) -> None:
    """Everything that is known of the open room."""
    session, room = chat.engine.session, chat.desk.room
    if room is None:
        chat.tell(_("No room is open yet."))
        return
    conversation = room.conversation
    view = session.timeline(conversation.conversation_id)
    missing = sum(row.count for row in view.rows if isinstance(row, Gap))
    in_sync = _("#{seq} of #{head}").format(seq=view.cursor, head=room.head_seq)
    if view.cursor >= room.head_seq:
        in_sync = _("#{seq}, everything").format(seq=view.cursor)
    name = f"{kind_glyph(chat.around.glyphs, conversation)} {words.title_of(conversation)}"
    pairs = [
        (_("room"), name),
        (_("topic"), conversation.topic),
        (_("your role"), words.role(conversation.role)),
        (_("members"), str(conversation.member_count or "")),
        (_("in sync to"), in_sync),
        (_("gaps"), words.missing(missing) if missing else _("none")),
        (_("unread"), str(room.unread)),
        (_("unsent"), words.counts_line(room.queued, room.failed) or _("none")),
        (_("id"), conversation.conversation_id),
    ]
    _show(chat, _("Room details"), pairs)


def _show(chat: ChatScreen, title: str, pairs: Pairs) -> None:
    def lines(width: int) -> list[Line]:
        made: list[Line] = []
        for name, value in pairs:
            if value:
                for number, line in enumerate(flow([Span(value)], max(8, width - 18))):
                    made.append((Span(f" {pad(name if number == 0 else '', 16)}", "muted"), *line))
        return made

    chat.app.push_screen(Page(title, lines))


def _name(chat: ChatScreen, user_id: str) -> str:
    user = chat.engine.session.user(user_id)
    return words.name_of(user) if user else user_id
