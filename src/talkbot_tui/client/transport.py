"""One connection to a server, and how to get one: what the engine knows of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

Frame = tuple[str, tuple[object, ...]]
"""An event's name and its arguments, as they came."""

Payload = dict[str, Any] | tuple[object, ...]
"""An event's argument as it is sent; a tuple where it has none, or several."""

REASONS = {
    "bad_url": "The server's address is not valid.",
    "insecure_url": "Plain http to another machine is not allowed.",
    "odd_url": "The server's name has letters that can be taken for others.",
    "unknown_host": "The server's name is not known.",
    "refused": "No server answers at that address.",
    "tls": "The server's certificate cannot be trusted.",
    "no_tls": "The server does not speak TLS there.",
    "proxy": "The proxy does not lead to the server.",
    "not_socketio": "There is no Socket.IO server at that address.",
    "timeout": "The server does not answer.",
    "network": "The network cannot be reached.",
    "lost": "The connection was lost.",
    "silent": "The server stopped answering.",
    "closed": "The server closed the connection.",
    "draining": "The server is restarting.",
    "slow": "The connection was too slow for what came in.",
    "flood": "Too much was sent at once.",
    "http_error": "The server answered with an error.",
    "limited": "The server takes no more connections from this address for now.",
    "stopped": "The program is ending.",
    "keyring": "The saved session cannot be read.",
    "token_expired": "The session has to be renewed.",
    "session_revoked": "The session was ended.",
}
"""Why there is no connection: stable code and English words; a front end may translate them."""


def of_status(status: int) -> str:
    """The code of a refusal in HTTP that says no more than its status."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "limited"
    return "http_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "not_socketio"


class TransportError(Exception):
    """Base of what a transport may raise; no exception of a library gets out."""


class Unreachable(TransportError):
    """No connection could be made; trying again may help.

    Attributes:
        code: a key of `REASONS`.
        detail: what the system said, for logs.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        """`code` is a key of `REASONS`."""
        super().__init__(REASONS[code])
        self.code = code
        self.detail = detail

    @property
    def reason(self) -> str:
        """The words for `code`."""
        return REASONS[self.code]


class Refused(TransportError):
    """The server answered and will not have us."""

    def __init__(
        self, code: str, message: str, *, retryable: bool = False, retry_after_ms: int = 0
    ) -> None:
        """`message` is the server's sentence; programs match `code`."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms


class LinkLost(TransportError):
    """The connection ended; what was asked may or may not have happened."""

    def __init__(self, code: str = "lost", retry_after_ms: int = 0) -> None:
        """`code` is a key of `REASONS`, or the server's own word."""
        super().__init__(REASONS.get(code, code))
        self.code = code
        self.retry_after_ms = retry_after_ms

    @property
    def reason(self) -> str:
        """The words for `code`."""
        return REASONS.get(self.code, self.code)


class Unanswered(TransportError):
    """The connection stands, but no ack came in time."""


class NotOffered(TransportError):
    """This kind of server has nothing of the kind: it was not asked."""


class Transport(Protocol):
    """One connection, from its handshake to its end; never used again after that."""

    @property
    def name(self) -> str:
        """`websocket` or `polling`."""

    async def emit(self, event: str, payload: Payload) -> None:
        """Send an event that has no ack; raises `LinkLost`."""

    async def request(self, event: str, payload: Payload, patience: float) -> object:
        """Wait up to `patience` seconds for the ack; raises `LinkLost` and `Unanswered`."""

    async def receive(self) -> Sequence[Frame]:
        """Wait for events and take all that came, in order; raises `LinkLost` after the last."""

    def abort(self, code: str) -> None:
        """End the connection at once, as if it had been lost for this reason."""

    async def close(self) -> None:
        """Say goodbye and release everything, within about a second; never raises."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What opens a connection; `expires_at` in ms, 0 when it is not known."""

    value: str
    expires_at: int = 0


class TokenSource(Protocol):
    """Where access tokens come from."""

    async def token(self, *, renew: bool = False) -> AccessToken:
        """A token that is good for a while; with `renew`, not the one given before.

        Raises `Refused` when a new sign-in is needed, `Unreachable` otherwise.
        """


class Connector(Protocol):
    """Makes connections to one server with one account."""

    @property
    def tokens(self) -> TokenSource:
        """Where this connector takes its tokens from."""

    async def connect(self) -> Transport:
        """Connect and authenticate; raises `Refused` and `Unreachable`."""
