"""Error codes, the shape of a refusal, and what each code asks of a client."""

from __future__ import annotations

from enum import StrEnum

from talkbot_tui.wire.scalars import ServerPayload


class Code(StrEnum):
    """Why something was refused; stable names, to be matched by programs."""

    BAD_REQUEST = "bad_request"
    UNKNOWN_EVENT = "unknown_event"
    TOO_LARGE = "too_large"
    EMPTY = "empty"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    NAME_TAKEN = "name_taken"
    NAME_INVALID = "name_invalid"
    ID_CONFLICT = "id_conflict"
    EDIT_CONFLICT = "edit_conflict"
    ARCHIVED = "archived"
    LIMIT = "limit"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    STORAGE_FULL = "storage_full"
    INTERNAL = "internal"
    AUTH_REQUIRED = "auth_required"
    TOKEN_INVALID = "token_invalid"
    TOKEN_EXPIRED = "token_expired"
    SESSION_REVOKED = "session_revoked"
    PROTOCOL_UNSUPPORTED = "protocol_unsupported"
    BAD_CREDENTIALS = "bad_credentials"
    REGISTRATION_CLOSED = "registration_closed"
    INVITE_INVALID = "invite_invalid"
    PASSWORD_WEAK = "password_weak"


RETRYABLE = frozenset({Code.RATE_LIMITED, Code.BUSY, Code.STORAGE_FULL, Code.INTERNAL})
"""The same request may succeed later; every other code is final."""


class GoodbyeCode(StrEnum):
    """Why the server closes the connection."""

    DRAINING = "draining"
    SLOW = "slow"
    SESSION_REVOKED = "session_revoked"
    TOKEN_EXPIRED = "token_expired"
    FLOOD = "flood"
    UNSUPPORTED = "unsupported"


class ErrorBody(ServerPayload, frozen=True):
    """One refusal. `field` names the payload field at fault, if one is.

    current: with `edit_conflict`, the message's text now; `revision` its number.
    """

    code: str
    message: str
    retryable: bool = False
    retry_after_ms: int | None = None
    field: str | None = None
    current: str | None = None
    revision: int | None = None


class Refused(Exception):
    """A request that the server will not carry out; becomes a refused ack or an HTTP error."""

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        field: str | None = None,
        retry_after_ms: int | None = None,
        current: str | None = None,
        revision: int | None = None,
    ) -> None:
        """`message` is one English sentence for a developer; programs match `code`."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.retry_after_ms = retry_after_ms
        self.current = current
        self.revision = revision

    def body(self) -> ErrorBody:
        """The refusal as it goes over the wire."""
        return ErrorBody(
            code=self.code.value,
            message=self.message,
            retryable=self.code in RETRYABLE,
            retry_after_ms=self.retry_after_ms,
            field=self.field,
            current=self.current,
            revision=self.revision,
        )
