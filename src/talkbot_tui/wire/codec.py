"""Python values and what travels: strict for a client's payloads, lenient for a server's."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from talkbot_tui.core.text import clean, clean_line
from talkbot_tui.wire.errors import Code, ErrorBody, Refused
from talkbot_tui.wire.registry import CLIENT_EVENTS, SERVER_EVENTS
from talkbot_tui.wire.scalars import TEXT_BYTES_MAX, ClientPayload, ServerPayload

T = TypeVar("T")

DEPTH_MAX = 16


class WireError(ValueError):
    """A server's payload that does not fit the contract; `event` names it."""

    def __init__(self, event: str, reason: str) -> None:
        """`reason` is for the log."""
        super().__init__(f"{event}: {reason}")
        self.event = event


def prepare(*kinds: Any) -> None:
    """Build now what msgspec builds at the first use of each of `kinds`.

    Two threads that do so at once kill the process (msgspec 0.22), so whoever converts in
    threads prepares what they convert when the module is imported.
    """
    for kind in kinds:
        msgspec.json.Decoder(kind)


def decode_client(name: object, payload: object) -> ClientPayload:
    """Check what a client sent, before anything else looks at it.

    Raises `Refused`: unknown_event, bad_request (with `field`), empty, too_large.
    """
    spec = CLIENT_EVENTS.get(name) if isinstance(name, str) else None
    if spec is None:
        raise Refused(Code.UNKNOWN_EVENT, "There is no such event.")
    return convert_client(payload, spec.payload)


def convert_client(payload: object, kind: type[T]) -> T:
    """`payload` as a `kind`; raises `Refused` as `decode_client` does."""
    check_text(payload)
    try:
        return msgspec.convert(payload, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None


def decode_server(name: str, payload: object) -> ServerPayload | None:
    """What a server sent; None for an event that this version does not know.

    Raises `WireError` when a known event does not fit.
    """
    spec = SERVER_EVENTS.get(name)
    if spec is None:
        return None
    if spec.durable and isinstance(payload, dict):
        payload = {**payload, "type": name}
    return convert_server(name, payload, spec.payload)


def convert_server(name: str, payload: object, kind: type[T]) -> T:
    """`payload` as a `kind`; raises `WireError`."""
    try:
        return msgspec.convert(payload, kind, strict=True)
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError) as error:
        raise WireError(name, str(error)) from None


def decode_ack(name: str, answer: object, kind: type[T]) -> T:
    """A successful ack as a `kind`.

    Raises `AckRefused` for a refusal and `WireError` for anything else.
    """
    if not isinstance(answer, dict):
        raise WireError(name, "the answer is no object")
    if answer.get("ok") is True:
        return convert_server(name, answer, kind)
    raise AckRefused(in_words(convert_server(name, answer.get("error"), ErrorBody)))


def in_words(refusal: ErrorBody) -> ErrorBody:
    """A server's refusal as it may be shown: one line, nothing that a terminal obeys."""
    return msgspec.structs.replace(
        refusal,
        code=clean_line(refusal.code, 64),
        message=clean_line(refusal.message),
        current=None if refusal.current is None else clean(refusal.current),
    )


class AckRefused(Exception):
    """The server refused a request; `body` says why."""

    def __init__(self, body: ErrorBody) -> None:
        """Carry the refusal."""
        super().__init__(f"{body.code}: {body.message}")
        self.body = body


def to_wire(value: msgspec.Struct) -> dict[str, Any]:
    """A payload as the plain object that travels."""
    plain: dict[str, Any] = msgspec.to_builtins(value)
    return plain


def ok(value: msgspec.Struct | None = None) -> dict[str, Any]:
    """A successful ack."""
    return {"ok": True, **(to_wire(value) if value is not None else {})}


def refused(error: Refused) -> dict[str, Any]:
    """A refused ack."""
    return {"ok": False, "error": to_wire(error.body())}


def check_text(value: object, depth: int = 0) -> None:
    """Refuse what no store or terminal can hold: NUL, lone surrogates, bytes, deep nesting.

    SQLite takes NUL and PostgreSQL does not; both refuse lone surrogates. Texts
    over 32 KiB in UTF-8 are refused here too.
    """
    if depth > DEPTH_MAX:
        raise Refused(Code.BAD_REQUEST, "The payload is nested too deeply.")
    if isinstance(value, str):
        _check_str(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_text(key, depth + 1)
            check_text(item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            check_text(item, depth + 1)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        raise Refused(Code.BAD_REQUEST, "Binary values are not taken.")
    elif isinstance(value, float) and not abs(value) <= 2**53:
        raise Refused(Code.BAD_REQUEST, "That number is out of range.")


def _check_str(value: str) -> None:
    if "\x00" in value:
        raise Refused(Code.BAD_REQUEST, "A text holds a NUL character.")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise Refused(Code.BAD_REQUEST, "A text holds half a surrogate pair.") from None
    if size > TEXT_BYTES_MAX:
        raise Refused(Code.TOO_LARGE, f"A text is longer than {TEXT_BYTES_MAX} bytes.")


def _refusal(reason: str) -> Refused:
    """Msgspec says `Expected … - at `$.text``; the path's last name is the field."""
    field = None
    if "at `$." in reason:
        field = reason.rsplit("at `$.", 1)[1].rstrip("`").split("[")[0]
    elif "field `" in reason:
        field = reason.split("field `", 1)[1].split("`")[0]
    if field == "text" and "length >= 1" in reason:
        return Refused(Code.EMPTY, "The text is empty.", field=field)
    if field == "text" and "length <=" in reason:
        return Refused(Code.TOO_LARGE, "The text is too long.", field=field)
    return Refused(Code.BAD_REQUEST, reason, field=field)
