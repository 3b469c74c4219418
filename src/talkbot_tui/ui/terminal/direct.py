"""Widgets that paint their own rectangle, without Textual's compositor.

The compositor asks a widget for its lines, cuts them where other widgets lie over
them, and hands on the rest. Where nothing lies over a widget, its lines are its
rectangle: the lane takes them as they are, once for all that changed in a frame.
Whenever it is not sure, the widget refreshes as Textual's widgets do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from textual.geometry import Offset, Region
from textual.widget import Widget

from talkbot_tui.ui.terminal.gauge import measured
from talkbot_tui.ui.terminal.painter import Part

if TYPE_CHECKING:
    from talkbot_tui.ui.terminal.layer import LayeredApp

FRAME_S = 1 / 60
"""The first picture of a burst is painted at once, the next after so long, and so on."""


if TYPE_CHECKING:
    _Base = Widget
else:
    # Textual follows the first base that is a widget: this one must not be it.
    _Base = object


class Direct(_Base):
    """Mixin, before a widget's class: its `render_lines` is all that stands in its rectangle."""

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """As every widget's, but a mere repaint takes the short way where there is one."""
        if repaint and not layout and not recompose and self._is_mounted:
            app = self.app
            lane: Lane | None = getattr(app, "lane", None)
            if lane is not None and lane.take(self):
                self._layout_cache.clear()
                self._set_dirty(*regions)
                self.clear_cached_dimensions()
                self._rich_style_cache.clear()
                return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    @property
    def covered(self) -> bool:
        """Whether it cannot be seen, or not all of it, or it is about to be moved."""
        lane: Lane | None = getattr(self.app, "lane", None)
        return lane is None or lane.place(self) is None

    def refresh_ordinarily(self) -> None:
        """By way of the compositor."""
        super().refresh()


def soon(owner: Widget, callback: Callable[[], None]) -> None:
    """Call back for `owner` in the loop's next turn, without its queue of messages.

    What it raises ends the app, as from a handler of a message.
    """
    app = owner.app

    def call() -> None:
        with app._context(), owner._context():
            try:
                callback()
            except Exception as error:
                app._handle_exception(error)

    asyncio.get_running_loop().call_soon(call)


class Typewriter(Direct):
    """What shows a typed character before the key has come to it as an event.

    While it has the focus the terminal's own cursor is shown, where the app's is.
    """

    def type_ahead(self, text: str) -> bool:
        """Show `text` now and take it in later; False when it must come as an event."""
        raise NotImplementedError

    def settle(self) -> None:
        """Take in what was shown ahead."""
        raise NotImplementedError

    def leave(self) -> None:
        """The app ends: nothing that was typed may wait any longer."""
        self.settle()

    def cursor_place(self) -> Offset:
        """The cursor's column and row on the terminal."""
        raise NotImplementedError


class Lane:
    """Collects what changed and paints it, one frame at a time."""

    def __init__(self, app: LayeredApp[Any]) -> None:
        """The app whose widgets it paints."""
        self._app = app
        self._dirty: dict[Direct, None] = {}
        self._frame: asyncio.Handle | None = None
        self._painted_at = float("-inf")
        self._map: object = None
        self._places: dict[Widget, Region | None] = {}
        self.frames = 0

    def take(self, widget: Direct) -> bool:
        """Paint `widget` in the next frame; False when it must go the ordinary way."""
        if not self._app.layered:
            return False
        self._dirty[widget] = None
        if self._frame is None:
            loop = asyncio.get_running_loop()
            due = self._painted_at + FRAME_S - loop.time()
            # Even the first waits for the end of what goes on now: it may change more.
            self._frame = (
                loop.call_later(due, self._paint) if due > 0 else loop.call_soon(self._paint)
            )
        return True

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be painted."""
        return self._frame is None and not self._dirty

    def place(self, widget: Widget) -> Region | None:
        """Where on the terminal `widget` stands, all of it and nothing over it; None otherwise."""
        app = self._app
        screen = app.screen
        if widget.screen is not screen or screen.size != app.size or screen._layout_required:
            return None
        if widget._layout_required or widget._scroll_required:
            return None
        shown = screen._compositor.visible_widgets
        if shown is not self._map:
            self._map = shown
            self._places.clear()
        if widget not in self._places:
            self._places[widget] = _uncovered(widget, shown)
        return self._places[widget]

    def _paint(self) -> None:
        self._frame = None
        app = self._app
        if app.blocked:
            # When the terminal takes something again all is painted.
            app.missed()
            self._dirty.clear()
        widgets = [widget for widget in self._dirty if widget.is_attached]
        self._dirty.clear()
        if not app.layered:
            return
        with measured(app, "direct"), app._context():
            try:
                parts = [part for widget in widgets for part in self._parts(widget)]
            except Exception as error:
                app._handle_exception(error)
                return
            if parts:
                self._painted_at = asyncio.get_running_loop().time()
                self.frames += 1
                app.show_parts(parts)

    def _parts(self, widget: Direct) -> list[Part]:
        place = None if self._app._batch_count else self.place(widget)
        if place is None:
            widget.refresh_ordinarily()
            return []
        strips = widget.render_lines(Region(0, 0, place.width, place.height))
        return [Part(y, place.x, place.right, strip) for y, strip in enumerate(strips, place.y)]


def _uncovered(widget: Widget, shown: dict[Widget, tuple[Region, Region]]) -> Region | None:
    region, clip = shown.get(widget, (None, None))
    if region is None or clip is None or region.intersection(clip) != region or not region.area:
        return None
    below = {widget, *widget.ancestors}
    for other, (place, cut) in shown.items():
        if other not in below and place.intersection(cut).overlaps(region):
            return None
    return region
