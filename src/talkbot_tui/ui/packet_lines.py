"""Packets as lines: a row of the list, and the details of one. Foreign text is cleaned here."""

from __future__ import annotations

from datetime import tzinfo

from talkbot_tui import i18n
from talkbot_tui.client.inspector.packets import Packet, Way
from talkbot_tui.client.inspector.pairing import Pair
from talkbot_tui.client.inspector.pretty import pretty
from talkbot_tui.core.text import clean, clean_line
from talkbot_tui.ui import clockwork, packet_words
from talkbot_tui.ui.ink import Line, Span, flow
from talkbot_tui.ui.wrapping import pad

_ = i18n.Domain("app")

WIDE = 76
"""From so many cells on a row has columns for the kind and the namespace."""
KIND_CELLS = 14
END_CELLS = 9
LINE_MAX = 4000
LINES_MAX = 2000
STYLES = {"ping": "muted", "pong": "muted", "noop": "muted", "ack": "good", "binary_ack": "good"}
BAD = frozenset({"connect_error", "failed", "refused", "upgrade_failed", "ended", "unknown"})
ARROWS = {Way.OUT: ("→", ">"), Way.IN: ("←", "<"), Way.HERE: ("·", "-")}


def style_of(packet: Packet) -> str:
    """The colour of a packet's kind."""
    if packet.kind in BAD:
        return "bad"
    return STYLES.get(packet.kind, "warn" if packet.way is Way.HERE else "strong")


def arrow(packet: Packet, plain: bool) -> str:
    """Which way it went."""
    return ARROWS[packet.way][plain]


def clock(at: float, zone: tzinfo | None) -> str:
    """Hours to milliseconds."""
    return f"{clockwork.local(int(at), zone):%H:%M:%S}.{int(at) % 1000:03}"


def row(packet: Packet, pair: Pair | None, width: int, zone: tzinfo | None, plain: bool) -> Line:
    """One line of `width` cells."""
    wide = width >= WIDE
    when = clock(packet.at, zone) if wide else clock(packet.at, zone)[3:]
    end = packet_words.size(packet.size) if packet.size else ""
    trip = packet_words.trip(pair.ms) if pair else ""
    if packet.ack_id is not None and not trip:
        trip = f"#{packet.ack_id}"
    head = [Span(f" {when} ", "muted"), Span(f"{arrow(packet, plain)} ", style_of(packet))]
    taken = len(when) + 4
    if wide:
        head.append(Span(pad(packet.kind, KIND_CELLS) + " ", style_of(packet)))
        space = clean_line(packet.namespace, 40)
        head.append(Span(pad(space, 9) + " ", "muted"))
        taken += KIND_CELLS + 11
    name = clean_line(packet.event, 80) or ("" if wide else packet.kind)
    tail = f" {trip:>{END_CELLS}} {end:>8}" if wide else f" {trip or end:>{END_CELLS}}"
    room = max(4, width - taken - len(tail) - 1)
    body = f"{name} {_short(packet, room * 2)}".strip()
    text = pad(body, room)
    split = len(name) if text.startswith(name) else 0
    style = "bold" if packet.event else style_of(packet)
    return (*head, Span(text[:split], style), Span(text[split:], "muted"), Span(tail, "muted"))


def _short(packet: Packet, room: int) -> str:
    if packet.kind == "attachment":
        return f"sha256 {clean_line(packet.sha256, 12)}"
    text = packet_words.summary(packet)
    if packet.event and text.startswith("["):
        # The name stands before it already.
        text = text.partition(",")[2].removesuffix("]")
    return clean_line(text, max(8, room))


def details(
    packet: Packet,
    pair: Pair | None,
    width: int,
    zone: tzinfo | None,
    depth: int,
    plain: bool,
    *,
    low: bool = False,
) -> list[Line]:
    """Everything that is kept of a packet; `low`: in as few lines as can be."""
    ways = {Way.OUT: _("to the server"), Way.IN: _("from the server"), Way.HERE: _("here")}
    pairs = [
        (_("packet"), f"#{packet.number} {packet.kind}"),
        (_("time"), f"{clock(packet.at, zone)} {arrow(packet, plain)} {ways[packet.way]}"),
        (_("transport"), clean_line(packet.transport)),
        (_("namespace"), clean_line(packet.namespace)),
        (_("event"), clean_line(packet.event)),
        (_("ack id"), "" if packet.ack_id is None else str(packet.ack_id)),
        (_("size"), packet_words.size(packet.size) if packet.size else ""),
        ("sha256", clean_line(packet.sha256)),
    ]
    if pair is not None:
        line = _("{ms}, with packet #{number}")
        told = line.format(ms=packet_words.trip(pair.ms), number=pair.number)
        pairs.append((_("round trip"), told))
    lines: list[Line] = []
    if low:
        told = "  ".join(value for _name, value in pairs if value)
        lines += [(Span(" "), *part) for part in flow([Span(told, "muted")], max(8, width - 2))]
        pairs = []
    for name, value in pairs:
        for part in flow([Span(value)], max(8, width - 14)) if value else ():
            lines.append((Span(f" {pad(name, 12)} ", "muted"), *part))
            name = ""
    text = packet_words.summary(packet)
    if text:
        lines += [] if low else [()]
        lines += _payload(text, width, depth)
    if packet.cut:
        told = _("only the beginning is kept, of {size}").format(
            size=packet_words.size(packet.size)
        )
        lines.append((Span(f" {told}", "warn"),))
    return lines


def _payload(text: str, width: int, depth: int) -> list[Line]:
    lines: list[Line] = []
    for line in pretty(text, depth):
        more = "…" if len(line) > LINE_MAX else ""
        shown = clean(line[:LINE_MAX]).replace("\n", " ") + more
        indent = len(shown) - len(shown.lstrip(" "))
        for part in flow([Span(shown.strip(" "), "code")], max(8, width - 1 - min(indent, 12))):
            lines.append((Span(" " * (1 + min(indent, 12))), *part))
        if len(lines) >= LINES_MAX:
            break
    return lines
