"""The lines of the room list, the people list, the status and the key hints: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from talkbot_tui import i18n
from talkbot_tui.core.link import Link, LinkState
from talkbot_tui.core.model import Kind, Member, Presence, PresenceInfo, RoomSummary
from talkbot_tui.ui import commands, words
from talkbot_tui.ui.glyphs import Glyphs, kind_glyph, presence_glyph
from talkbot_tui.ui.ink import Line, Span
from talkbot_tui.ui.wrapping import clip, pad

_ = i18n.Domain("app")

Keyed = list[tuple[str, Line]]
PROMPT_MAX = 20


class Kept(NamedTuple):
    """A room as it was shown, so that only what changed is made anew."""

    room: RoomSummary
    width: int
    draft: bool
    line: Line
    name: str
    name_width: int


def room_lines(
    rooms: Sequence[RoomSummary], width: int, glyphs: Glyphs, kept: dict[str, Kept], open_id: str
) -> Keyed:
    """Rooms in sections by kind, each in the session's order; `kept` is from the last time.

    open_id: the room whose draft needs no mark, as it stands in the composer.
    """
    sections: dict[str, list[RoomSummary]] = {}
    for room in rooms:
        sections.setdefault(_section(room), []).append(room)
    lines: Keyed = []
    for section, title in (
        ("rooms", _("Rooms")),
        ("people", _("People")),
        ("bots", _("Bots")),
    ):
        if section not in sections:
            continue
        lines.append(("", (Span(f" {title}", "muted bold"),)))
        for room in sections[section]:
            key = room.conversation.conversation_id
            held, draft = kept.get(key), bool(room.draft) and key != open_id
            if held is None or held.room is not room or held[1:3] != (width, draft):
                name = prompt_name(room, glyphs)
                line = room_line(room, width, glyphs, draft=draft)
                held = kept[key] = Kept(room, width, draft, line, name, cell_len(name))
            lines.append((key, held.line))
    return lines


def prompt_name(room: RoomSummary, glyphs: Glyphs) -> str:
    """The room before the composer."""
    title = clip(words.title_of(room.conversation), PROMPT_MAX, glyphs.ellipsis)
    return kind_glyph(glyphs, room.conversation) + title


def _section(room: RoomSummary) -> str:
    if room.conversation.kind is not Kind.DIRECT:
        return "rooms"
    peer = room.conversation.peer
    return "bots" if peer is not None and peer.bot else "people"


def room_line(room: RoomSummary, width: int, glyphs: Glyphs, *, draft: bool) -> Line:
    """One room: kind, name, and at the right what wants attention."""
    badges: list[Span] = []
    if draft:
        badges.append(Span(glyphs.draft, "muted"))
    if room.failed:
        badges.append(Span(f"{glyphs.failed}{room.failed}", "bad bold"))
    if room.queued:
        badges.append(Span(f"{glyphs.queued}{room.queued}", "warn"))
    if room.mentions:
        badges.append(Span(f"@{room.mentions}", "mention bold"))
    if room.unread:
        badges.append(Span(str(room.unread), "bold"))
    end: list[Span] = []
    for badge in badges:
        end += [Span(" "), badge]
    taken = sum(cell_len(span.text) for span in end)
    style = "bold" if room.unread or room.mentions else ""
    mark = kind_glyph(glyphs, room.conversation)
    name = pad(words.title_of(room.conversation), max(3, width - 4 - taken), glyphs.ellipsis)
    return (Span(f" {mark} ", "muted"), Span(name, style), *end)


def people_lines(
    members: Sequence[Member], presence: Mapping[str, PresenceInfo], width: int, glyphs: Glyphs
) -> Keyed:
    """People with presence by mark and word, or their own words; who is there comes first."""
    order = {Presence.ONLINE: 0, Presence.AWAY: 1, Presence.OFFLINE: 2}

    def rank(member: Member) -> tuple[int, str]:
        return order[presence[member.user.user_id].status], member.user.name.casefold()

    lines: Keyed = []
    for member in sorted(members, key=rank):
        info = presence[member.user.user_id]
        status = info.status
        word = clip(info.text, width // 2, glyphs.ellipsis) or words.presence_word(status)
        mark = glyphs.bot if member.user.bot else presence_glyph(glyphs, status)
        name = pad(words.name_of(member.user), max(3, width - 4 - cell_len(word)), glyphs.ellipsis)
        good = status is Presence.ONLINE
        line = (
            Span(f" {mark} ", "good" if good else "muted"),
            Span(name, "" if good else "muted"),
            Span(f"{word} ", "muted"),
        )
        lines.append((member.user.user_id, line))
    return lines


def status_line(link: Link, now: int, unsent: tuple[int, int], glyphs: Glyphs) -> list[Span]:
    """The link's state and what has not arrived."""
    mark, style = {
        LinkState.ONLINE: (glyphs.online, "good"),
        LinkState.CONNECTING: (glyphs.away, "warn"),
        LinkState.SYNCING: (glyphs.away, "warn"),
        LinkState.WAITING: (glyphs.offline, "warn bold"),
        LinkState.OFFLINE: (glyphs.offline, "warn"),
        LinkState.REFUSED: (glyphs.failed, "bad bold"),
    }[link.state]
    spans = [Span(f" {mark} ", style), Span(words.link_line(link, now), style)]
    queued, failed = unsent
    if failed:
        spans.append(Span(f" {glyphs.failed} {words.counts_line(0, failed)}", "bad bold"))
    if queued:
        spans.append(Span(f" {glyphs.queued} {words.counts_line(queued, 0)}", "warn"))
    return spans


def comforts(link: Link) -> list[list[Span]]:
    """Why there is no link, and that one may go on: the status line shows what it has room for."""
    if link.state is not LinkState.WAITING:
        return []
    why = [Span(" " + words.unreachable(link.code, link.reason), "muted")]
    later = [Span(" · " + _("what you write is kept and sent later"), "muted")]
    return [why + later, why]


def title_line(room: RoomSummary | None, glyphs: Glyphs) -> list[Span]:
    """The open room and its topic."""
    if room is None:
        return [Span(" " + _("No room is open yet."), "muted")]
    conversation = room.conversation
    spans = [
        Span(f" {kind_glyph(glyphs, conversation)} ", "muted"),
        Span(words.title_of(conversation), "strong bold"),
    ]
    if conversation.topic:
        spans.append(Span(f" {glyphs.dot} {conversation.topic}", "muted"))
    return spans


def hint_line(where: commands.Where, overrides: Mapping[str, str], width: int) -> list[Span]:
    """Keys worth knowing in this focus: as many whole ones as fit."""
    wanted = commands.Where.MESSAGE if where is commands.Where.MESSAGE else commands.Where.SCREEN
    hints: list[tuple[str, str]] = []
    if wanted is commands.Where.MESSAGE:
        hints.append(("Esc", _("back")))
    for command in commands.COMMANDS:
        keys = commands.keys_of(command, overrides)
        if command.where is wanted and command.hint and keys:
            hints.append((commands.pretty(keys[:1]), _(command.name).lower()))
    spans: list[Span] = []
    for key, name in hints:
        width -= cell_len(key) + cell_len(name) + 3
        if width < 0:
            break
        spans += [Span(f" {key}", "strong bold"), Span(f" {name} ", "muted")]
    return spans
