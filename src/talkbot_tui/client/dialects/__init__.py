"""The seam between the core and one kind of chat server.

A dialect says how an effect is asked of its server, what the answer means, and
which event of the core a frame is. The engine knows no event name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from talkbot_tui.client.retry import named_wait
from talkbot_tui.client.transport import AccessToken
from talkbot_tui.core.effects import Effect
from talkbot_tui.core.events import Event
from talkbot_tui.wire.errors import ErrorBody

REQUEST_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A request came to nothing.

    Attributes:
        code: the server's code, or `unanswered`, `link_lost`, `malformed`.
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
        return self.code not in ("unanswered", "link_lost", "malformed")


@dataclass(frozen=True, slots=True)
class Request:
    """What to send for an effect.

    Attributes:
        name: the event's name.
        payload: its argument.
        answered: from a successful answer to the core's event; raises `WireError`
            for one that does not fit. None when the event has no ack.
        failed: from a failure to the core's event.
        timeout: seconds to wait for the ack.
    """

    name: str
    payload: dict[str, Any]
    answered: Callable[[object], Event | None] | None = None
    failed: Callable[[Failure], Event | None] = lambda failure: None
    timeout: float = REQUEST_TIMEOUT_S


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


Incoming = Event | Goodbye | StopAsked | Limited
"""What a frame may mean."""


class Dialect(Protocol):
    """One kind of server."""

    def request(self, effect: Effect) -> Request | None:
        """What to send for `effect`; None for one that this server has no event for."""

    def incoming(self, name: str, arguments: tuple[object, ...]) -> Incoming | None:
        """What a frame means; None for an unknown event. Raises `WireError`."""

    def begin(self) -> None:
        """A connection begins: what the server said about the last one holds no more."""

    def renewal(self, token: AccessToken) -> Request | None:
        """How to give a live connection a fresh token; None when it cannot be done."""

    def token_ends(self) -> int:
        """When the server will end this connection's token, in ms; 0 when it has not said."""
