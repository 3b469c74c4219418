"""A dialect that is written down as data: what its file may say.

The language is described, with examples, in docs/dialects.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from talkbot_tui.client.dialects import paths
from talkbot_tui.client.dialects.paths import Path, Reading, Template

MODES = ("single", "one", "many")

OPENING = frozenset({"me", "room", "session", "offset"})
"""What is known before the connection stands."""
STANDING = OPENING | {"sid"}
NOTHING = Template({}, frozenset())
SENDING = STANDING | {"text", "id", "now"}
DIRECT = (SENDING | {"to"}) - {"room"}

KINDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "message": (
        frozenset({"author", "text"}),
        frozenset({"author_name", "room", "id", "client_id", "time", "offset"}),
    ),
    "direct": (
        frozenset({"author", "text"}),
        frozenset({"author_name", "to", "id", "client_id", "time", "offset"}),
    ),
    "history": (
        frozenset({"list", "author", "text"}),
        frozenset({"author_name", "room", "id", "client_id", "time", "offset"}),
    ),
    "joined": (frozenset({"author"}), frozenset({"author_name", "room"})),
    "left": (frozenset({"author"}), frozenset({"author_name", "room"})),
    "users": (frozenset({"list", "author"}), frozenset({"author_name", "room"})),
    "typing": (frozenset({"author"}), frozenset({"author_name", "room", "on"})),
    "error": (frozenset({"text"}), frozenset()),
    "notice": (frozenset({"text"}), frozenset({"room"})),
    "ignore": (frozenset(), frozenset()),
}
"""What an event can be -> what must be said of it, and what may be."""


@dataclass(frozen=True, slots=True)
class Emit:
    """An event that we send, with its arguments."""

    event: str
    arguments: tuple[Template, ...] = ()

    def fill(self, known: paths.Known) -> tuple[object, ...]:
        """The arguments as they are sent."""
        return tuple(argument.fill(known) for argument in self.arguments)


@dataclass(frozen=True, slots=True)
class Ack:
    """How an answer is read.

    Attributes:
        ok: leads to true when it went well; None where only `error` tells.
        error: leads to the reason when it did not.
        id, time: of the message that was taken.
    """

    ok: Path | None = None
    error: Path | None = None
    id: Path | None = None
    time: Path | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Something that must be done before we are there: a login, the joining of a room.

    Attributes:
        answer: the event that says that it is done, "" where none comes.
        refused: the event that says that it is not, "" where none comes.
        ack: how its answer is read; None where it has none.
        needed: without an answer it is not done; else it is taken for done after a moment.
    """

    emit: Emit
    answer: str = ""
    refused: str = ""
    ack: Ack | None = None
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Send:
    """How a message is sent.

    Attributes:
        ack: how the answer is read; None where there is none.
        echo: the server sends our own message back to us with the others'.
        once_per_id: the server stores a message with the same {id} once, so that sending it
            again does no harm.
    """

    emit: Emit
    ack: Ack | None = None
    echo: bool = False
    once_per_id: bool = False


@dataclass(frozen=True, slots=True)
class Receive:
    """What one kind of event means.

    Attributes:
        kind: a key of `KINDS`.
        fields: how each thing that is said of it is found.
        when: it is this one only where each of these ways leads to that value.
    """

    event: str
    kind: str
    fields: dict[str, Reading]
    when: tuple[tuple[Path, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Connect:
    """How a connection is opened; `cookies`, `headers` and `query` are tables of texts."""

    namespace: str = "/"
    path: str = "/socket.io"
    auth: Template | None = None
    headers: Template = NOTHING
    query: Template = NOTHING
    cookies: Template = NOTHING


@dataclass(frozen=True, slots=True)
class Session:
    """The event that hands out a session, and where its id lies in it."""

    event: str
    id: Path


@dataclass(frozen=True, slots=True)
class Declared:
    """A whole dialect.

    Attributes:
        direct: how a message to one person is sent, None where it cannot be.
        own: how the server may call us as an author.
        own_by_text: the server names no authors; what comes back in our words is ours.
        mode: `single` (the server has no rooms), `one` (in one at a time) or `many`.
        room: where we go when no room was named.
        receive: what each event means, the first that fits counts.
        ping: an event that is answered at once; the time it takes is shown.
    """

    name: str
    about: str
    send: Send
    connect: Connect = Connect()
    direct: Send | None = None
    session: Session | None = None
    own: Reading = ()
    own_by_text: bool = False
    mode: str = "one"
    room: str = ""
    login: Step | None = None
    join: Step | None = None
    leave: Emit | None = None
    typing_start: Emit | None = None
    typing_stop: Emit | None = None
    ping: Emit | None = None
    receive: dict[str, tuple[Receive, ...]] = field(default_factory=dict)

    @property
    def recovers(self) -> bool:
        """Whether a connect tells how far we are, so that the server sends what we missed."""
        opening = (self.connect.auth, self.connect.query, self.connect.headers)
        steps = [step.emit.arguments for step in (self.login, self.join) if step]
        told = [*(t for t in opening if t), *(t for arguments in steps for t in arguments)]
        return any("offset" in template.names for template in told)

    @property
    def sends_history(self) -> bool:
        """Whether there is an event with messages from before."""
        return any(rule.kind == "history" for rules in self.receive.values() for rule in rules)

    def sends(self) -> frozenset[str]:
        """Every event that this dialect may ever send."""
        steps = (self.login, self.join)
        emits = [step.emit for step in steps if step]
        others = (self.leave, self.typing_start, self.typing_stop, self.ping)
        emits += [emit for emit in others if emit]
        sends = [send.emit for send in (self.send, self.direct) if send]
        return frozenset(emit.event for emit in (*sends, *emits))
