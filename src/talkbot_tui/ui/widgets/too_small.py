"""One line in place of a screen that does not fit its terminal."""

from __future__ import annotations

from textual.geometry import Size
from textual.widget import Widget

from talkbot_tui import i18n
from talkbot_tui.ui.ink import Span
from talkbot_tui.ui.widgets.line_view import LineView

_ = i18n.Domain("app")


class TooSmall(LineView):
    """Shown while its screen has the class `-tiny`, which hides everything else."""

    DEFAULT_CSS = "TooSmall { display: none; height: 1; }"

    def __init__(self, width: int = 20, height: int = 5) -> None:
        """`width` and `height`, in cells, are the least that the screen can do with."""
        super().__init__(id="tiny")
        self.least = Size(width, height)
        self.before: Widget | None = None

    def measure(self, size: Size) -> None:
        """The screen has this size now; what had the focus gets it back with the room for it."""
        tiny = size.width < self.least.width or size.height < self.least.height
        screen = self.screen
        if tiny == screen.has_class("-tiny"):
            return
        if tiny:
            self.before = screen.focused
            wanted = _("too small: {width}×{height}")
            told = wanted.format(width=self.least.width, height=self.least.height)
            self.show([Span(told, "warn")])
        screen.set_class(tiny, "-tiny")
        if not tiny and self.before is not None:
            self.call_after_refresh(self._give_back, self.before)

    def _give_back(self, widget: Widget) -> None:
        if widget.is_attached and self.screen.focused is None:
            widget.focus()
