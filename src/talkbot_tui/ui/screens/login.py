"""The login screen: who, where, and nothing kept of the password."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input

from talkbot_tui import i18n
from talkbot_tui.ui.ink import Span
from talkbot_tui.ui.port import EnginePort, SignIn, SignInFailed, SignInForm
from talkbot_tui.ui.terminal.gauge import Gauged
from talkbot_tui.ui.widgets.choice import Choice
from talkbot_tui.ui.widgets.line_view import LineView, Notice
from talkbot_tui.ui.widgets.too_small import TooSmall

_ = i18n.Domain("app")


"""Below so many cells the fields cannot be told apart."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is known already, and stands in the fields."""

    server: str = ""
    user: str = ""


class LoginScreen(Gauged, Screen[EnginePort | None]):
    """Gives an engine that is not started yet, or None when the user gave up."""

    CSS_PATH = "login.tcss"
    BINDINGS = [
        Binding("escape,ctrl+c,ctrl+q", "give_up", show=False, priority=True),
        # At once, before the next key finds its field: in a burst of keys the password would
        # otherwise be written into the field before it, for all to see.
        Binding("up,shift+tab", "app.focus_previous", show=False, priority=True),
        Binding("down,tab", "app.focus_next", show=False, priority=True),
        Binding("enter", "go_on", show=False, priority=True),
    ]

    def __init__(self, sign_in: SignIn, given: Given, why: str = "") -> None:
        super().__init__()
        self.sign_in = sign_in
        self.why = why
        self.server = Input(given.server, placeholder="https://chat.example.org", compact=True)
        self.user = Input(given.user, compact=True)
        self.password = Input(password=True, compact=True)
        self.register = Choice(_("make a new account"))
        self.in_file = Choice(_("no keyring? stay signed in by a private file"))
        self.notice = Notice(id="notice")
        self.busy = False
        self.tiny = TooSmall(24, 8)

    def compose(self) -> ComposeResult:
        """Three fields, one choice, one line."""
        fields = (
            (_("Server"), self.server),
            (_("User"), self.user),
            (_("Password"), self.password),
        )
        title, told = LineView(id="heading"), LineView(id="told")
        title.show([Span(" talkbot-tui · " + _("Sign in"), "strong bold")])
        told.show([Span(" " + _("Enter signs in · Tab moves · Space marks · Esc leaves"), "muted")])
        with Vertical(id="box"):
            yield title
            for name, field in fields:
                field.cursor_blink = False
                label = LineView()
                label.show([Span(f" {name}", "muted")])
                yield label
                yield field
            yield self.register
            yield self.in_file
            yield self.notice
            yield told
        yield self.tiny

    def on_resize(self, event: events.Resize) -> None:
        """A very small terminal shows one line."""
        self.tiny.measure(event.size)

    def on_mount(self) -> None:
        """Begin at the first empty field."""
        for field in (self.server, self.user, self.password):
            if not field.value:
                field.focus()
                break
        self.notice.tell(self.why)

    def action_go_on(self) -> None:
        """To the next field; at the end sign in, once what was typed before is in the fields."""
        here = self.focused
        if here is self.server:
            # `Widget.focus` would wait for its turn.
            self.set_focus(self.user)
            here.call_later(self._needed, self.server)
        elif here is self.user:
            self.set_focus(self.password)
            here.call_later(self._needed, self.user)
        else:
            self.password.call_later(self._submit)

    def _needed(self, field: Input) -> None:
        self.notice.tell("" if field.value.strip() else _("This field is needed."))

    def _submit(self) -> None:
        fields = (self.server, self.user, self.password)
        empty = next((field for field in fields if not field.value.strip()), None)
        if empty is not None:
            self.notice.tell(_("This field is needed."))
            empty.focus()
        elif not self.busy:
            self.busy = True
            self.notice.tell(_("Signing in"), "muted")
            self.run_worker(self._try(), exit_on_error=False)

    async def _try(self) -> None:
        password, self.password.value = self.password.value, ""
        try:
            engine = await self.sign_in(
                SignInForm(
                    self.server.value.strip(),
                    self.user.value.strip(),
                    password,
                    self.register.value,
                    self.in_file.value,
                )
            )
        except SignInFailed as failed:
            self.notice.tell(str(failed), "bad")
            self.password.focus()
        else:
            self.dismiss(engine)
        finally:
            self.busy = False

    def action_give_up(self) -> None:
        """Leave, or return to the chat."""
        self.dismiss(None)
