"""What one can do in the inspector besides looking: filter, copy, send, record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.client.inspector import snippets
from talkbot_tui.client.inspector.filters import FilterError, compiled
from talkbot_tui.client.inspector.packets import Packet, Way, arguments_of
from talkbot_tui.client.inspector.redaction import HIDDEN
from talkbot_tui.client.transport import LinkLost
from talkbot_tui.core.text import clean_line
from talkbot_tui.ui import clockwork
from talkbot_tui.ui.ink import Span
from talkbot_tui.ui.screens.inspector_ask import Ask, ByHand, Emit
from talkbot_tui.ui.screens.picker import Entry, Picker

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.inspector import InspectorScreen

_ = i18n.Domain("app")

OURS = "/chat"
"""The namespace of our own contract."""


def filter_packets(screen: InspectorScreen) -> None:
    """Show only some, as one types."""
    before = screen.view.filter

    def check(text: str) -> str:
        try:
            screen.view.narrow(text)
        except FilterError as error:
            return _problem(error)
        screen.show()
        return ""

    def done(text: str | None) -> None:
        if text is None:
            check(before)

    help = "dir:out event:message ns:/chat kind:ack size:>1k -ping"
    screen.app.push_screen(Ask(_("Filter"), before, help, check), done)


def search(screen: InspectorScreen) -> None:
    """Go to the next packet that fits; `n` and `N` go on."""

    def check(text: str) -> str:
        try:
            compiled(text)
        except FilterError as error:
            return _problem(error)
        return ""

    def done(text: str | None) -> None:
        if text:
            screen.searched = text
            screen.action_again(1)

    help = _("Enter finds · n and N go on · words or a filter's terms")
    screen.app.push_screen(Ask(_("Search"), screen.searched, help, check), done)


def _problem(error: FilterError) -> str:
    line = _("{term} is not understood; like this: {wanted}")
    return line.format(term=clean_line(error.term, 24), wanted=error.wanted)


def copy(screen: InspectorScreen) -> None:
    """The packet as JSON, or as a few lines of another language."""
    packet = screen.view.current
    if packet is None:
        screen.tell(_("There is no packet yet."))
        return
    wire = screen.wire
    target = snippets.Target(
        wire.origin or "http://localhost:3000", wire.path, _asks_auth(screen, packet)
    )
    makers: dict[str, tuple[str, Callable[[], str]]] = {
        "json": ("JSON", lambda: snippets.as_json(packet)),
        "payload": (_("payload"), lambda: packet.text),
        "curl": ("curl", lambda: snippets.curl(packet, target)),
        "javascript": ("JavaScript, socket.io-client", lambda: snippets.javascript(packet, target)),
        "python": ("Python, python-socketio", lambda: snippets.python(packet, target)),
    }

    def done(key: str | None) -> None:
        if key:
            name, make = makers[key]
            screen.app.copy_to_clipboard(make())
            line = _("Copied as {name}, if your terminal allows it.")
            screen.tell(line.format(name=name), "muted")

    entries = [Entry(key, (Span(f" {name}"),), name) for key, (name, _make) in makers.items()]
    screen.app.push_screen(Picker(_("Copy as"), entries), done)


def _asks_auth(screen: InspectorScreen, packet: Packet) -> bool:
    """Whether CONNECT to that namespace had an auth, or is not known to have had none."""
    sent = [
        row.text
        for row in screen.wire.tap.rows
        if (row.kind, row.way, row.namespace) == ("connect", Way.OUT, packet.namespace)
    ]
    return any(text not in ("", "{}") for text in sent) if sent else packet.namespace == OURS


def replay(screen: InspectorScreen) -> None:
    """Send an event of ours again; asks first."""
    packet = screen.view.current
    if packet is None or packet.way is not Way.OUT or packet.kind != "event":
        screen.tell(_("Only an event that was sent can be sent again."))
        return
    arguments = arguments_of(packet)
    if HIDDEN in packet.text:
        screen.tell(_("Its secrets were taken out; e emits it by hand."))
        return
    if arguments is None:
        screen.tell(_("Only the beginning of it is kept; e emits it by hand."))
        return

    def done(key: str | None) -> None:
        if key == "yes":
            _send(screen, ByHand(packet.event, arguments, packet.ack_id is not None))

    words = _("No"), _("Yes, send it again")
    entries = [
        Entry(key, (Span(f" {word}"),), word)
        for key, word in zip(("no", "yes"), words, strict=True)
    ]
    title = _("Send {event} again?").format(event=clean_line(packet.event, 40))
    screen.app.push_screen(Picker(title, entries), done)


def emit(screen: InspectorScreen) -> None:
    """An event of the user's own making."""
    if not screen.live:
        screen.tell(_("This is a recording: nothing can be sent."))
        return
    rows = screen.wire.tap.rows
    seen = [row for row in rows if row.way is Way.OUT and row.kind == "event"]
    heard = [row.event for row in rows if row.way is Way.IN and row.kind.endswith("event")]
    names = {row.event for row in seen} | {*heard}
    if screen.wire.namespace == OURS:
        from talkbot_tui.wire.registry import CLIENT_EVENTS

        names |= CLIENT_EVENTS.keys()

    def last(name: str) -> str:
        found = next((row for row in reversed(seen) if row.event == name and not row.cut), None)
        return found.text.partition(",")[2].removesuffix("]") if found else ""

    def done(made: ByHand | None) -> None:
        if made is not None:
            _send(screen, made)

    screen.app.push_screen(Emit(sorted(names), last), done)


def _send(screen: InspectorScreen, made: ByHand) -> None:
    async def send() -> None:
        try:
            await screen.wire.emit(made.event, made.arguments, made.ack)
        except LinkLost:
            screen.tell(_("Not sent: there is no connection now."), "bad")
        else:
            line = _("Sent: {event}")
            screen.tell(line.format(event=clean_line(made.event, 40)), "muted")

    if screen.live:
        screen.run_worker(send(), group="emit", exit_on_error=False)
    else:
        screen.tell(_("This is a recording: nothing can be sent."))


def record(screen: InspectorScreen) -> None:
    """Write all packets to a file until it is asked for again."""
    wire = screen.wire
    if wire.recorder is not None:
        path, problem = wire.recorder.path, wire.recorder.problem
        wire.close()
        line = _("Not all is in {path}: {why}") if problem else _("Recorded to {path}")
        told = line.format(path=clean_line(path), why=problem)
        screen.tell(told, "bad" if problem else "muted")
        screen.show_state()
        return
    now = clockwork.local(screen.around.clock(), screen.around.zone)

    def done(path: str | None) -> None:
        if not path:
            return
        try:
            wire.record(path)
        except FileExistsError:
            line = _("{path} is there already; name another file.")
            screen.tell(line.format(path=clean_line(path)), "bad")
        except (OSError, ValueError) as error:
            line = _("{path} cannot be written: {why}")
            why = getattr(error, "strerror", "") or str(error)
            screen.tell(line.format(path=clean_line(path), why=why), "bad")
        screen.show_state()

    help = _("Enter records · tokens are taken out · w again ends it")
    name = f"inspector-{now:%Y%m%d-%H%M%S}.ndjson"
    screen.app.push_screen(Ask(_("Record to a file"), name, help, lambda _text: ""), done)


DEEDS: dict[str, Callable[[InspectorScreen], None]] = {
    "filter": filter_packets,
    "search": search,
    "copy": copy,
    "replay": replay,
    "emit": emit,
    "record": record,
}
