"""The seam between the core and one kind of chat server.

A dialect says how an effect is asked of its server, what the answer means, and
which event of the core a frame is. The engine knows no event name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from talkbot_tui.client.retry import named_wait
from talkbot_tui.client.transport import AccessToken, Transport
from talkbot_tui.core.effects import Effect
from talkbot_tui.core.events import Event
from talkbot_tui.wire.errors import ErrorBody

if TYPE_CHECKING:
    from talkbot_tui.client.lookups import Lookups

REQUEST_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A request came to nothing.

    Attributes:
        code: the server's code, or `unanswered`, `link_lost`, `malformed`; `unsent` where
            there was no link at all.
        message: the server's words, "" for the rest.
        retryable: whether the same request may succeed later.
        retry_at: not before this time, in ms; 0 when nothing was said.
    """

    code: str
    message: str = ""
    retryable: bool = True
    retry_at: int = 0

    @classmethod
    def of(cls, body: ErrorBody, now: int) -> Failure:
        """The failure that a refused ack tells of at time `now`."""
        wait = int(named_wait(body.retry_after_ms or 0) * 1000)
        return cls(body.code, body.message, body.retryable, now + wait if wait else 0)

    @property
    def answered(self) -> bool:
        """Whether the server itself said so."""
        return self.code not in ("unanswered", "link_lost", "malformed", "unsent")


@dataclass(frozen=True, slots=True)
class Request:
    """What to send for an effect.

    Attributes:
        name: the event's name.
        payload: its argument; a tuple where it has none, or several.
        answered: from a successful answer to the core's event; raises `WireError`
            for one that does not fit. None when the event has no ack.
        failed: from a failure to the core's event.
        timeout: seconds to wait for the ack.
        emitted: what follows from having sent an event without an ack, `settle_s` later.
    """

    name: str
    payload: dict[str, Any] | tuple[object, ...]
    answered: Callable[[object], Event | None] | None = None
    failed: Callable[[Failure], Event | None] = lambda failure: None
    timeout: float = REQUEST_TIMEOUT_S
    emitted: Callable[[], Event | None] | None = None
    settle_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Nothing is to be sent for an effect: the dialect itself knows the answer."""

    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The server closes this connection next."""

    code: str
    retry_after_ms: int = 0


@dataclass(frozen=True, slots=True)
class StopAsked:
    """A member asks us, a bot, to end a streaming answer."""

    conversation_id: str
    server_msg_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Limited:
    """Something we sent was dropped, since it came too often."""

    event: str
    retry_after_ms: int


@dataclass(frozen=True, slots=True)
class Several:
    """One frame that is several events, in this order."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A frame that does not fit the dialect: counted, and perhaps shown as it came."""

    reason: str
    shown: tuple[Event, ...] = ()


Incoming = Event | Goodbye | StopAsked | Limited | Several | Misfit
"""What a frame may mean."""


class Dialect(Protocol):
    """One kind of server."""

    @property
    def once(self) -> bool:
        """Whether a message that is sent again would be stored again."""

    @property
    def native(self) -> bool:
        """Whether it is one of our servers, which may be asked anything of our contract."""

    def request(self, effect: Effect) -> Request | Answer | None:
        """What to send for `effect`; None for one that this server has no event for."""

    def incoming(self, name: str, arguments: tuple[object, ...]) -> Incoming | None:
        """What a frame means; None for an unknown event. Raises `WireError`."""

    def begin(self) -> None:
        """A connection begins: what the server said about the last one holds no more."""

    def renewal(self, token: AccessToken) -> Request | None:
        """How to give a live connection a fresh token; None when it cannot be done."""

    def lookups(
        self,
        ours: Lookups,
        transport: Callable[[], Transport | None],
        feed: Callable[[Event], None],
    ) -> Lookups:
        """How questions outside the session are asked: as `ours` does, or in another way."""

    def token_ends(self) -> int:
        """When the server will end this connection's token, in ms; 0 when it has not said."""
