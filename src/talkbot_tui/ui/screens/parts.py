"""The parts of the chat screen, and how each shows the session's values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.reactive import Reactive
from textual.screen import Screen
from textual.timer import Timer

from talkbot_tui import i18n
from talkbot_tui.core.events import WatchUsers
from talkbot_tui.core.lean import Extra
from talkbot_tui.core.link import LinkState
from talkbot_tui.ui import commands, window_title, words
from talkbot_tui.ui.bell import Bell
from talkbot_tui.ui.desk import Desk
from talkbot_tui.ui.ink import Span, width_of
from talkbot_tui.ui.port import EnginePort
from talkbot_tui.ui.render import Frame
from talkbot_tui.ui.screens import lists
from talkbot_tui.ui.terminal.gauge import Gauged
from talkbot_tui.ui.widgets.composer import Composer
from talkbot_tui.ui.widgets.line_list import LineList
from talkbot_tui.ui.widgets.line_view import LineView, Notice
from talkbot_tui.ui.widgets.message_pane import MessagePane
from talkbot_tui.ui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from talkbot_tui.ui.surroundings import Surroundings

_ = i18n.Domain("app")

WATCH_MAX = 200
PROMPTS_ALIKE_MIN = 80
"""In narrower terminals the text needs the columns."""


class Row(Horizontal):
    """Parts side by side, which always fit."""

    virtual_size = Reactive(Size(0, 0), layout=False)


class Column(Vertical):
    """Parts one above the other, which always fit."""

    virtual_size = Reactive(Size(0, 0), layout=False)


class ChatParts(Gauged, Screen[None]):
    """Has the widgets; each `show_…` brings one of them up to date."""

    virtual_size = Reactive(Size(0, 0), layout=False)

    def __init__(self, engine: EnginePort, around: Surroundings) -> None:
        super().__init__()
        self.engine = engine
        self.around = around
        self.desk = Desk(engine)
        self.status = LineView(id="status")
        self.rooms = LineList(id="rooms")
        self.people = LineList(id="people")
        self.title_view = LineView(id="title")
        self.pane = MessagePane(id="pane")
        self.typing = LineView(id="typing")
        self.notice = Notice(id="notice")
        self.banner = Notice(id="banner")
        self.prompt = LineView(id="prompt")
        self.composer = Composer(id="composer")
        self.hints = LineView(id="hints")
        self.tiny = TooSmall()
        self.shown_rooms: list[str] = []
        self.bell = Bell()
        self.countdown: Timer | None = None
        self.watched: tuple[str, ...] = ()
        self.prompt_width = 0
        self.kept_rooms: dict[str, lists.Kept] = {}

    def compose(self) -> ComposeResult:
        """The parts."""
        yield self.status
        with Row(id="body"):
            yield self.rooms
            with Column(id="main"):
                yield self.title_view
                yield self.pane
                yield self.typing
                yield self.notice
                yield self.banner
                with Row(id="write"):
                    yield self.prompt
                    yield self.composer
            yield self.people
        yield self.hints
        yield self.tiny

    def show_all(self) -> None:
        """Every part, from the session's values."""
        self.show_rooms()
        self.show_rows()
        self.show_people()
        self.show_typing()
        self.show_link()
        self.show_hints()

    def show_rooms(self) -> None:
        """The room list, and the open room's name."""
        rooms = self.engine.session.rooms()
        width, open_id = max(8, self.rooms.size.width), self.desk.room_id
        lines = lists.room_lines(rooms, width, self.around.glyphs, self.kept_rooms, open_id)
        self.shown_rooms = [key for key, _line in lines if key]
        if len(self.kept_rooms) > len(self.shown_rooms):
            self.kept_rooms = {key: self.kept_rooms[key] for key in self.shown_rooms}
        self.rooms.show(lines, self.desk.room_id)
        self.title_view.show(lists.title_line(self.desk.room, self.around.glyphs))
        self.show_banner()
        if not self.around.lean.sheds(Extra.DECORATION):
            window_title.show(self.app, rooms)
        self._show_prompt()
        if self.bell.rings(rooms) and self.around.settings.bell and not self.app.app_focus:
            self.app.bell()

    def _show_prompt(self) -> None:
        """The room's name; as wide as the widest, so that nothing moves from room to room."""
        kept = self.kept_rooms.get(self.composer.room_id)
        name, taken = (kept.name, kept.name_width) if kept else ("", 0)
        prompt = self.around.glyphs.prompt
        self.prompt.show([Span(f" {prompt} ", "muted"), Span(name, "strong bold"), Span(" ")])
        if self.size.width >= PROMPTS_ALIKE_MIN:
            taken = max((room.name_width for room in self.kept_rooms.values()), default=0)
        width = taken + cell_len(prompt) + 3
        if width != self.prompt_width:
            # A layout, even where it changes nothing.
            self.prompt_width = width
            self.prompt.styles.width = width

    def show_rows(self, *, changed: bool = True) -> None:
        """The messages; with `changed` False only if what is known about them is new."""
        session, room_id = self.engine.session, self.desk.room_id
        sheet = self.pane.sheet
        if sheet is None:
            return
        if self.pane.frame is not None and self.pane.frame.me != session.me:
            self.pane.forget()
        view = session.timeline(room_id)
        changed = changed or view is not sheet.view
        sheet.view = view
        reads = session.reads(room_id)
        others = [seq for user_id, seq in reads.items() if user_id != session.me.user_id]
        self.pane.update(session.unread_from(room_id), max(others, default=0), changed=changed)

    def frame_for(self, width: int) -> Frame:
        """What the rows' picture depends on besides the rows."""
        session, room_id = self.engine.session, self.desk.room_id
        return Frame(
            width,
            session.me,
            self.around.zone,
            self.around.glyphs,
            lambda message_id: session.message(room_id, message_id),
            grows=not self.around.lean.sheds(Extra.DECORATION),
            linked=not self.around.lean.sheds(Extra.DECORATION),
        )

    def show_people(self) -> None:
        """Who is here; their presence is wanted from the server."""
        session = self.engine.session
        members = session.roster(self.desk.room_id)
        if self.around.lean.sheds(Extra.PRESENCE):
            # Nobody is watched: what is known of them is soon no longer true.
            self.people.show([])
            members = ()
        presence = {m.user.user_id: session.presence(m.user.user_id) for m in members}
        width = max(12, self.people.size.width)
        if members:
            self.people.show(lists.people_lines(members, presence, width, self.around.glyphs))
        elif not session.link.online:
            # Nobody will tell who is here; what stands there is another room's.
            self.people.show([])
        wanted = tuple(member.user.user_id for member in members[:WATCH_MAX])
        if wanted != self.watched:
            self.watched = wanted
            self.engine.dispatch(WatchUsers(wanted))

    def show_typing(self) -> None:
        """Who is writing; and that something new is below, while one reads further up."""
        glyphs, room = self.around.glyphs, self.desk.room
        people = self.engine.session.typing(self.desk.room_id)
        if self.around.lean.sheds(Extra.TYPING):
            people = ()
        line = words.typing_line(people, glyphs.ellipsis)
        below = ""
        if room is not None and room.unread and not self.pane.following:
            below = f"{glyphs.down} {words.unread_below(room.unread)} "
        said = [Span(f" {line}", "muted italic")] if line else []
        self.typing.show(said, [Span(below, "warn")] if below else [])

    def show_link(self) -> None:
        """The connection; it ticks only while a next try is awaited."""
        link = self.engine.session.link
        if link.latency_ms and self.around.lean.link(link.band):
            self.show_lean()
        self.status.show(
            self._status_line(),
            [Span(f"{self.engine.session.me.name} ", "muted")],
        )
        waiting = link.state is LinkState.WAITING
        if waiting and self.countdown is None:
            self.countdown = self.set_interval(1, self.show_link)
        elif not waiting and self.countdown is not None:
            self.countdown.stop()
            self.countdown = None

    def show_lean(self) -> None:
        """There is room for more now, or for less."""
        self.pane.forget()
        self.show_all()

    def _status_line(self) -> list[Span]:
        link = self.engine.session.link
        glyphs = self.around.glyphs
        spans = lists.status_line(link, self.around.clock(), self.desk.unsent(), glyphs)
        if self.around.lean.level:
            spans.insert(2, Span(f" {glyphs.dot} " + _("lean"), "warn"))
        fitting = (m for m in lists.comforts(link) if width_of(spans + m) < self.size.width)
        return spans + next(fitting, [])

    def show_hints(self) -> None:
        """The keys of this focus."""
        where = commands.Where.MESSAGE if self.on_message else commands.Where.SCREEN
        keys = self.around.settings.keys
        self.hints.show(lists.hint_line(where, keys, self.size.width))

    def show_banner(self) -> None:
        """What is asked, or what is being answered or changed."""
        self.banner.tell(self.desk.banner(self.composer.room_id, self.around.clock()))

    def tell(self, text: str, mood: str = "warn") -> None:
        """One line above the composer, until something else happens; "" takes it away."""
        self.notice.tell(text, mood)
        # What is typed takes it away, so that must be heard of at once.
        self.composer.hasty = bool(text)

    @property
    def has_notice(self) -> bool:
        """Whether something is told now."""
        return bool(self.notice.text)

    @property
    def on_message(self) -> bool:
        """Whether a message has the focus, not the composer."""
        return self.focused is self.pane
