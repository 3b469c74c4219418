"""Yes or no, told by a mark and not by a colour."""

from __future__ import annotations

from textual.binding import Binding

from talkbot_tui.ui.ink import Span
from talkbot_tui.ui.widgets.line_view import LineView


class Choice(LineView, can_focus=True):
    """`[ ] text`; Space or a click changes it."""

    BINDINGS = [Binding("space", "change", show=False)]

    def __init__(self, text: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.text = text
        self.value = False

    def on_mount(self) -> None:
        """Show it."""
        self._paint()

    def on_focus(self) -> None:
        """Stand out."""
        self._paint()

    def on_blur(self) -> None:
        """Stand back."""
        self._paint()

    def on_click(self) -> None:
        """As Space does."""
        self.action_change()

    def action_change(self) -> None:
        """Yes becomes no."""
        self.value = not self.value
        self._paint()

    def _paint(self) -> None:
        mark = "[x]" if self.value else "[ ]"
        style = "strong bold underline" if self.has_focus else ""
        self.show([Span(f" {mark} "), Span(self.text, style)])
