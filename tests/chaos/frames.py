"""WebSocket frames (RFC 6455 §5) as they pass by, and what Socket.IO says in them."""

from __future__ import annotations

from enum import Enum

HEAD_END = b"\r\n\r\n"
NAMESPACE = "/chat,"
TEXT, CONTINUED, MASKED = 0x1, 0x80, 0x80


class Sort(Enum):
    """What a frame is for the conversation."""

    EVENT = "event"
    ACK = "ack"
    PING = "ping"
    PONG = "pong"
    OTHER = "other"


class Frames:
    """Cuts one direction of a connection into whole frames; the HTTP head is one piece.

    Attributes:
        is_plain_http: the head asks for, or grants, no WebSocket: what follows is no frames.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._in_head = True
        self.is_plain_http = False

    def take(self, data: bytes) -> list[bytes]:
        """The pieces that are whole now, in order; together they are what came in."""
        self._rest += data
        pieces: list[bytes] = []
        while piece := self._next():
            pieces.append(piece)
        return pieces

    def rest(self) -> bytes:
        """What is left of it, whole or not."""
        return self._cut(len(self._rest))

    def _next(self) -> bytes:
        if self._in_head:
            end = self._rest.find(HEAD_END)
            if end < 0:
                return b""
            self._in_head = False
            head = self._cut(end + len(HEAD_END))
            self.is_plain_http = b"websocket" not in head.lower()
            return head
        if self.is_plain_http:
            return b""
        size = size_of(self._rest)
        return self._cut(size) if size and len(self._rest) >= size else b""

    def _cut(self, size: int) -> bytes:
        piece = bytes(self._rest[:size])
        del self._rest[:size]
        return piece


def size_of(data: bytes | bytearray) -> int:
    """Bytes of the frame that `data` begins with; 0 when too little of it is there."""
    start = _payload_at(data)
    return start + _length(data) if start else 0


def sort_of(frame: bytes) -> Sort:
    """What a whole frame carries; only the first bytes of its payload are looked at."""
    start = _payload_at(frame)
    if not start or frame[0] & 0x0F != TEXT:
        return Sort.OTHER
    payload = frame[start : start + 16]
    if frame[1] & MASKED:
        mask = frame[start - 4 : start]
        payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    text = payload.decode("utf-8", "replace")
    return {
        "2": Sort.PING,
        "3": Sort.PONG,
        f"42{NAMESPACE}": Sort.EVENT,
        f"43{NAMESPACE}": Sort.ACK,
    }.get(text if len(text) == 1 else text[: 2 + len(NAMESPACE)], Sort.OTHER)


def _length(data: bytes | bytearray) -> int:
    length = data[1] & 0x7F
    if length == 126:
        return int.from_bytes(data[2:4], "big")
    return int.from_bytes(data[2:10], "big") if length == 127 else length


def _payload_at(data: bytes | bytearray) -> int:
    """Where the payload begins; 0 while the frame's head is not whole."""
    if len(data) < 2:
        return 0
    size = 2 + {126: 2, 127: 8}.get(data[1] & 0x7F, 0) + (4 if data[1] & MASKED else 0)
    return size if len(data) >= size else 0
