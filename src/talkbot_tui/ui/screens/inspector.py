"""The inspector: every packet on the wire, one of them in detail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.geometry import Size
from textual.reactive import Reactive
from textual.screen import Screen

from talkbot_tui import i18n
from talkbot_tui.client.inspector.pairing import plot
from talkbot_tui.client.wiretap import Wire
from talkbot_tui.core.text import clean_line
from talkbot_tui.ui import glyphs, packet_lines, packet_words
from talkbot_tui.ui.ink import Line, Span, flow
from talkbot_tui.ui.packet_view import PacketView
from talkbot_tui.ui.screens import inspector_deeds as deeds
from talkbot_tui.ui.screens.page import Page
from talkbot_tui.ui.terminal.direct import soon
from talkbot_tui.ui.terminal.gauge import Gauged
from talkbot_tui.ui.widgets.line_list import LineList
from talkbot_tui.ui.widgets.line_view import LineView, Notice
from talkbot_tui.ui.widgets.packet_list import PacketList
from talkbot_tui.ui.widgets.too_small import TooSmall
from talkbot_tui.ui.wrapping import pad

if TYPE_CHECKING:
    from talkbot_tui.ui.surroundings import Surroundings

_ = i18n.Domain("app")

BESIDE_MIN = 100
"""From so many cells on the details stand beside the list, else below it."""
LOW = 14
"""In fewer lines the details begin with the payload as soon as they can."""
FRAME_S = 0.05
"""What comes in so long is drawn together."""
DEPTH, DEPTH_MAX = 4, 12
PINGS = 24


def N_(text: str) -> str:
    """Marks a text that is translated where it is shown."""
    return text


KEYS = (
    ("Esc", N_("close")),
    ("F1", N_("keys")),
    ("/", N_("filter")),
    ("?", N_("explain")),
    ("p", N_("pause")),
    ("y", N_("copy")),
    ("e", N_("emit")),
    ("r", N_("replay")),
    ("w", N_("record")),
    ("s", N_("search")),
    ("Tab", N_("details")),
    ("← →", N_("fold")),
)
"""In the line at the bottom, the most needed first; F1 shows all."""
HELP = (
    ("Esc, F12", N_("close the inspector; packets are kept on")),
    ("↑ ↓, PgUp PgDn", N_("another packet, or lines of the details")),
    ("Home, End", N_("the oldest; the newest, and follow it")),
    ("Tab, Enter", N_("the keys move in the details, or in the list again")),
    ("← →", N_("show the payload less or more deeply")),
    ("?", N_("explain the packet in one sentence")),
    ("p", N_("let the list stand still, and go on")),
    ("/", N_("show only some: dir:out event:message ns:/chat kind:ack size:>1k ack:3 -ping words")),
    ("s, n, N", N_("search by words or such terms; the next one, the one before")),
    ("y", N_("copy as JSON, payload, curl, JavaScript or Python")),
    ("e", N_("emit an event by hand")),
    ("r", N_("send an event of ours again, after a question")),
    ("w", N_("record to a file, and end it")),
)


class Part(Container):
    """Parts which always fit."""

    virtual_size = Reactive(Size(0, 0), layout=False)


class Details(LineList, can_focus=True):
    """The selected packet, to be scrolled."""


def _nothing() -> None:
    """Where there is nothing to end."""


class InspectorScreen(Gauged, Screen[None]):
    """Shows what a wire's tap keeps; gives nothing.

    Attributes:
        live: False for a recording, on which nothing can be sent.
    """

    CSS_PATH = "inspector.tcss"
    AUTO_FOCUS = "PacketList"
    BINDINGS = [
        Binding("escape,f12,ctrl+c", "close", show=False),
        Binding("ctrl+q", "quit", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "move(-1000000)", show=False),
        Binding("end,G", "move(1000000)", show=False),
        Binding("left", "fold(-1)", show=False),
        Binding("right", "fold(1)", show=False),
        Binding("tab,enter", "details", show=False),
        Binding("p,space", "pause", show=False),
        Binding("slash", "deed('filter')", show=False),
        Binding("s", "deed('search')", show=False),
        Binding("n", "again(1)", show=False),
        Binding("N", "again(-1)", show=False),
        Binding("y", "deed('copy')", show=False),
        Binding("r", "deed('replay')", show=False),
        Binding("e", "deed('emit')", show=False),
        Binding("w", "deed('record')", show=False),
        Binding("question_mark", "explain", show=False),
        Binding("f1", "keys", show=False),
    ]
    virtual_size = Reactive(Size(0, 0), layout=False)

    def __init__(self, wire: Wire, around: Surroundings, *, live: bool = True) -> None:
        super().__init__()
        self.wire, self.around, self.live = wire, around, live
        self.view = PacketView(wire.tap)
        self.depth = DEPTH
        self.searched = ""
        self.state = LineView(id="state")
        self.packets = PacketList(self.view, around.zone, id="packets")
        self.side = Details(id="details")
        self.pings = LineView(id="pings")
        self.notice = Notice(id="notice")
        self.keys = LineView(id="keys")
        self.tiny = TooSmall(24, 8)
        self.forget: Callable[[], None] = _nothing
        self.due: asyncio.TimerHandle | None = None
        self.drawn: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """State, list and details, pings, keys."""
        yield self.state
        with Part(id="body"):
            yield self.packets
            with Part(id="side"):
                yield self.side
        yield self.notice
        yield self.pings
        yield self.keys
        yield self.tiny

    def on_mount(self) -> None:
        """Listen, and show what is kept already."""
        if self.live:
            self.forget = self.wire.listen(self._came)
        self.view.pull()
        self.show()

    def on_unmount(self) -> None:
        """Listen no more; packets are kept on."""
        self.forget()
        if self.due is not None:
            self.due.cancel()

    def on_resize(self, event: events.Resize) -> None:
        """Another arrangement."""
        self.tiny.measure(event.size)
        self.set_class(event.size.width < BESIDE_MIN, "-stacked")
        self.call_after_refresh(self.show)

    # --- showing -------------------------------------------------------------------------

    def _came(self) -> None:
        # The connection's tasks know nothing of the app: a timer of Textual would die in them.
        if self.due is None:
            self.due = asyncio.get_running_loop().call_later(FRAME_S, soon, self, self._take)

    def _take(self) -> None:
        self.due = None
        if not self.is_attached:
            return
        if self.view.pull():
            self.show()
        else:
            self.show_state()

    def show(self) -> None:
        """Every part, from the view."""
        self.packets.refresh()
        self.show_details()
        self.show_state()

    def show_details(self) -> None:
        """The selected packet; nothing is made anew that stands there already."""
        packet, width = self.view.current, max(12, self.side.size.width)
        low = self.side.size.height < LOW
        wanted = (packet, self.view.pair, width, self.depth, low)
        if wanted == self.drawn:
            return
        moved = not self.drawn or self.drawn[0] is not packet
        self.drawn = wanted
        plain = self.around.glyphs is glyphs.ASCII
        lines: list[Line] = []
        if packet is not None:
            lines = packet_lines.details(
                packet, self.view.pair, width, self.around.zone, self.depth, plain, low=low
            )
        if moved:
            self.side.first = 0
        self.side.show([("", line) for line in lines])

    def show_state(self) -> None:
        """Where one is, how many packets there are, and the pings."""
        view, tap, dot = self.view, self.wire.tap, f" {self.around.glyphs.dot} "
        count = len(tap.rows)
        parts = [_("Inspector")]
        if not self.live:
            parts.append(_("recording"))
        elif tap.rows and tap.rows[-1].transport:
            parts.append(clean_line(tap.rows[-1].transport, 20))
        parts.append(_.plural("{n} packet", "{n} packets", count).format(n=count))
        if view.filter:
            parts.append(_("{n} shown").format(n=len(view.shown)))
        line = [Span(" " + dot.join(parts), "strong bold")]
        if view.paused:
            line.append(Span(dot + _("paused, {n} waiting").format(n=view.waiting), "warn bold"))
        elif not view.follows:
            line.append(Span(dot + _("End follows"), "muted"))
        if (recorder := self.wire.recorder) is not None:
            told = recorder.problem or clean_line(recorder.path)
            line.append(Span(dot + _("recording to {path}").format(path=told), "bad bold"))
        self.state.show(line, [Span(clean_line(self.wire.origin) + " ", "muted")])
        self._show_pings()
        hints: list[Span] = []
        for key, name in KEYS:
            hints += [Span(f" {key} ", "strong bold"), Span(_(name), "muted"), Span(" ")]
        self.keys.show(hints)

    def _show_pings(self) -> None:
        pairs, plain = self.view.pairs, self.around.glyphs is glyphs.ASCII
        line = [Span(" " + _("pings") + " ", "muted")]
        if pairs.trips:
            line.append(Span(plot(pairs.trips, PINGS, plain=plain), "good"))
            line.append(Span(f" {packet_words.trip(pairs.trips[-1])}", "strong"))
        else:
            line.append(Span(_("none timed yet"), "muted"))
        if self.view.filter:
            line.append(Span(f"  / {clean_line(self.view.filter, 60)}", "warn"))
        self.pings.show(line)

    def tell(self, text: str, mood: str = "warn") -> None:
        """Something in the line above the pings; "" takes it away."""
        self.notice.tell(text, mood)

    # --- moving --------------------------------------------------------------------------

    @on(PacketList.Chosen)
    def _chosen(self) -> None:
        self.show()

    def action_move(self, step: int) -> None:
        """Another packet, or another line of its details."""
        self.tell("")
        if self.focused is self.side:
            self.side.first += step
            self.side.refresh()
        else:
            self.view.move(step)
            self.show()

    def action_page(self, step: int) -> None:
        """So many at once as are on the screen."""
        widget = self.side if self.focused is self.side else self.packets
        self.action_move(step * max(1, widget.size.height - 1))

    def action_fold(self, step: int) -> None:
        """Show the payload less or more deeply."""
        self.depth = max(0, min(self.depth + step, DEPTH_MAX))
        self.show_details()

    def action_details(self) -> None:
        """The keys move in the details, or in the list again."""
        self.set_focus(self.packets if self.focused is self.side else self.side)

    def action_again(self, step: int) -> None:
        """The next packet that was searched for, or the one before."""
        if self.searched and not self.view.find(self.searched, step):
            self.tell(_("nothing found"))
        self.show()

    # --- doing ---------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Stand still; packets are kept meanwhile. Go on."""
        self.view.paused = not self.view.paused
        self.view.pull()
        self.show()

    def action_explain(self) -> None:
        """What this packet is."""
        packet = self.view.current
        if packet is None:
            self.tell(_("There is no packet yet."))
            return

        told = packet_words.explained(packet)

        def lines(width: int) -> list[Line]:
            return [
                (Span(f" {packet.kind}", "warn bold"),),
                (),
                *((Span(" "), *line) for line in flow([Span(told)], width - 2)),
            ]

        self.app.push_screen(Page(_("What this is"), lines))

    def action_keys(self) -> None:
        """What each key does."""

        def lines(width: int) -> list[Line]:
            made: list[Line] = []
            for key, text in HELP:
                for part in flow([Span(_(text))], max(8, width - 18)):
                    made.append((Span(f" {pad(key, 16)}", "strong"), *part))
                    key = ""
            return made

        self.app.push_screen(Page(_("Inspector"), lines))

    def action_deed(self, name: str) -> None:
        """Something that asks first."""
        self.tell("")
        deeds.DEEDS[name](self)

    def action_close(self) -> None:
        """Back to the chat."""
        self.dismiss(None)

    def action_quit(self) -> None:
        """End the app."""
        self.app.exit(0)
