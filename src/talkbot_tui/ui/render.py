"""Rows of a timeline as lines of the screen: pure, without widgets and without a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from zlib import crc32

from talkbot_tui import i18n
from talkbot_tui.core.model import Gap, Message, Note, Outcome, Row, SendState, User
from talkbot_tui.core.text import one_line
from talkbot_tui.ui import clockwork, markdown, words
from talkbot_tui.ui.glyphs import UNICODE, Glyphs, send_glyph
from talkbot_tui.ui.ink import NAMES, Line, Span, flow, width_of
from talkbot_tui.ui.wrapping import clip, pad

_ = i18n.Domain("app")

GROUP_MS = 5 * 60_000
"""Messages of one sender this close together share one name."""

NARROW = 60
"""Below so many cells names have no column: they stand before the text's first word."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a row's picture depends on besides the row itself.

    width: cells of the pane. zone: for the times, None for the system's.
    quoted: finds the message that a reply answers; no two are equal, so it does not count.
    grows: an answer is shown while it is still being written.
    linked: addresses are hyperlinks of the terminal, which cost their length once more.
    """

    width: int
    me: User
    zone: tzinfo | None = None
    glyphs: Glyphs = UNICODE
    quoted: Callable[[str], Message | None] = field(default=lambda _id: None, compare=False)
    grows: bool = True
    linked: bool = True

    @property
    def name_width(self) -> int:
        """Cells of the names' column, 0 for none."""
        return 0 if self.width < NARROW else 12 if self.width < 110 else 14

    @property
    def indent(self) -> int:
        """Where the text begins: mark, time, name."""
        return 1 + 5 + 1 + (self.name_width + 1 if self.name_width else 0)

    @property
    def text_width(self) -> int:
        """Cells for the text; the last column stays free."""
        return max(8, self.width - self.indent - 1)


@dataclass(frozen=True, slots=True)
class Place:
    """A row between its neighbours.

    before: the row above, None for the first one held.
    marker: the unread marker stands above this row.
    read: somebody else has read this message of ours.
    """

    before: Row | None = None
    marker: bool = False
    read: bool = False


def lines_of(row: Row, place: Place, frame: Frame) -> list[Line]:
    """The lines of one row, with the dividers that belong above it."""
    lines: list[Line] = []
    if not isinstance(row, Gap) and _new_day(row, place.before, frame.zone):
        lines.append(divider(clockwork.day(row.ts, frame.zone), frame, "muted"))
    if place.marker:
        lines.append(divider(_("unread"), frame, "warn bold"))
    match row:
        case Message():
            lines += _message(row, place, frame, grouped=not lines and _grouped(row, place.before))
        case Gap():
            lines.append(_gap(row, frame))
        case Note():
            note = Span(f"{frame.glyphs.dot} {words.note_line(row)}", "muted italic")
            lead = Span(" " * frame.indent)
            lines += [(lead, *line) for line in flow([note], frame.text_width)]
    return lines


def divider(text: str, frame: Frame, style: str) -> Line:
    """A rule across the pane with `text` near its end."""
    text = clip(text, max(1, frame.width - 4), frame.glyphs.ellipsis)
    spare = max(0, frame.width - width_of((Span(text),)) - 4)
    # In a narrow pane the words come before the rule.
    right = min(3, spare // 2)
    left = spare - right
    rule = frame.glyphs.rule
    return (Span(f" {rule * left} {text} {rule * right} ", style),)


def name_style(user: User) -> str:
    """Each name keeps its colour."""
    return f"name-{crc32(user.user_id.encode()) % NAMES} bold"


def _new_day(row: Message | Note, before: Row | None, zone: tzinfo | None) -> bool:
    if before is None:
        return True
    if isinstance(before, Gap):
        return False
    return clockwork.local(before.ts, zone).date() != clockwork.local(row.ts, zone).date()


def _grouped(row: Message, before: Row | None) -> bool:
    return (
        isinstance(before, Message)
        and before.sender.user_id == row.sender.user_id
        and 0 <= row.ts - before.ts < GROUP_MS
        and not row.reply_to
    )


def _gap(gap: Gap, frame: Frame) -> Line:
    text = words.missing(gap.count)
    if gap.fetching:
        text = _("{missing} · loading").format(missing=text)
    return divider(text, frame, "warn")


def _message(row: Message, place: Place, frame: Frame, *, grouped: bool) -> list[Line]:
    mine = row.sender.user_id == frame.me.user_id
    state = _state(row, place, frame) if mine and not row.deleted else ()
    name = () if grouped else _name(row, frame, mine=mine)
    lead = _lead(row, frame, name, grouped=grouped)
    body = _body(row, frame, () if frame.name_width or row.reply_to else name)
    blank: Line = (Span(" " * frame.indent),)
    lines: list[Line] = []
    if row.reply_to:
        before = () if frame.name_width else name
        lines.append((*lead, *before, *_quote(row, frame, width_of(before))))
        lead = blank
    for number, line in enumerate(body):
        start = lead if number == 0 else blank
        lines.append((*start, *line))
    if state and width_of(lines[-1]) + 2 + width_of(state) > frame.width - 1:
        lines.append(blank)
    if state:
        lines[-1] = _right(lines[-1], state, frame.width - 1)
    lines += [(*blank, *line) for line in _below(row, frame, mine=mine)]
    return lines


def _name(row: Message, frame: Frame, *, mine: bool) -> Line:
    """Who says it: in the names' column, or short before the text."""
    name = _("you") if mine else words.name_of(row.sender)
    if frame.name_width:
        return (
            Span(pad(name, frame.name_width, frame.glyphs.ellipsis), name_style(row.sender)),
            Span(" "),
        )
    return (Span(clip(name, 12, frame.glyphs.ellipsis) + ": ", name_style(row.sender)),)


def _lead(row: Message, frame: Frame, name: Line, *, grouped: bool) -> Line:
    if grouped:
        return (Span(" " * frame.indent),)
    hour = Span(f" {clockwork.hour(row.ts, frame.zone)} ", "muted")
    return (hour, *name) if frame.name_width else (hour,)


def _body(row: Message, frame: Frame, lead: Line) -> list[Line]:
    width = frame.text_width
    if row.deleted:
        return flow([*lead, Span(_("message deleted"), "muted italic")], width)
    if row.streaming and not frame.grows:
        return flow([*lead, Span(frame.glyphs.ellipsis, "muted")], width)
    lines = markdown.render(row.text, width, frame.me.name, frame.glyphs.bar, lead)
    if not frame.linked:
        lines = [tuple(span._replace(link="") for span in line) for line in lines]
    tail: list[Span] = []
    if row.streaming:
        tail.append(Span(frame.glyphs.cursor, "strong"))
    elif row.revision > (1 if row.outcome else 0):
        tail.append(Span(" " + _("(edited)"), "muted"))
    if row.outcome is Outcome.STOPPED:
        tail.append(Span(" " + _("(stopped)"), "muted"))
    elif row.outcome is Outcome.FAILED:
        tail.append(Span(" " + _("(the answer broke off)"), "bad"))
    if tail and width_of(lines[-1]) + width_of(tail) <= frame.text_width:
        lines[-1] = (*lines[-1], *tail)
    elif tail:
        lines += flow([span._replace(text=span.text.strip()) for span in tail], width)
    return lines


def _quote(row: Message, frame: Frame, taken: int) -> Line:
    found = frame.quoted(row.reply_to)
    if found is None:
        text = _("an earlier message")
    else:
        said = _("message deleted") if found.deleted else one_line(markdown.plain(found.text))
        text = f"{words.name_of(found.sender)}: {said}"
    room = max(4, frame.text_width - taken)
    text = clip(f"{frame.glyphs.reply} {text}", room, frame.glyphs.ellipsis)
    return (Span(text, "muted"),)


def _state(row: Message, place: Place, frame: Frame) -> Line:
    if row.state in (SendState.SAVING, SendState.FAILED):
        return ()
    glyph = send_glyph(frame.glyphs, row.state)
    if row.state is SendState.SENT and place.read:
        glyph = frame.glyphs.read
    doubtful = row.state in (SendState.QUEUED, SendState.UNCONFIRMED)
    style = "warn" if doubtful else "muted"
    return (Span(f"{glyph} {words.send_word(row.state, read=place.read)}", style),)


def _right(line: Line, state: Line, width: int) -> Line:
    gap = width - width_of(line) - width_of(state)
    return (*line, Span(" " * max(1, gap)), *state)


def _below(row: Message, frame: Frame, *, mine: bool) -> list[Line]:
    lines: list[Line] = []
    if row.reactions and not row.deleted:
        spans: list[Span] = []
        for reaction in row.reactions:
            own = frame.me.user_id in reaction.user_ids
            text = f"{reaction.emoji} {len(reaction.user_ids)}"
            spans.append(Span(f"[{text}]" if own else f" {text} ", "strong" if own else "muted"))
        lines += flow(spans, frame.text_width)
    if mine and row.state is SendState.FAILED:
        why = words.failure(row.error)
        text = f"{frame.glyphs.failed} {words.send_word(row.state)}: {why}"
        hint = _("/retry or /discard")
        lines += flow([Span(text, "bad bold"), Span(f"  {hint}", "muted")], frame.text_width)
    return lines
