"""A tap on the connection: every packet, both ways, as a value; it costs nothing while it is off.

It stands at the library's own seams (`client.library_seams`), where packets of Engine.IO are
handed over. What is kept is bounded by number and by bytes, and has its secrets taken out
before it is kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Protocol, runtime_checkable

from talkbot_tui.client.ids import exact_ms
from talkbot_tui.client.inspector.packets import (
    ENGINE_KINDS,
    PROBES,
    TEXT_MAX,
    Packet,
    Parts,
    Way,
    parts_of,
    size_of,
)
from talkbot_tui.client.inspector.redaction import HIDDEN, redacted, redacted_auth, secrets_in
from talkbot_tui.client.recorder import Recorder
from talkbot_tui.client.transport import LinkLost

log = logging.getLogger(__name__)

ROWS_MAX = 10_000
BYTES_MAX = 32 * 1024 * 1024
ROW_COST = 400
"""Bytes that a row takes besides its text, about."""
SECRETS_MAX = 64
SLACK = 4096
"""Characters that are looked at beyond what is kept: a secret may be cut in two there."""

Listener = Callable[[], None]
Sink = Callable[[Packet], None]


class Wiretap:
    """Keeps the newest packets of one client, over all its connections.

    Attributes:
        on: whether anything is kept; off at first.
        rows: what is kept, oldest first.
        sinks: each is given every packet as it comes; a recording is one.
    """

    def __init__(
        self,
        clock: Callable[[], float] = exact_ms,
        *,
        rows_max: int = ROWS_MAX,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        """`clock` in ms."""
        self.on = False
        self.rows: deque[Packet] = deque()
        self.sinks: list[Sink] = []
        self._clock = clock
        self._rows_max, self._bytes_max = rows_max, bytes_max
        self._bytes = 0
        self._number = 0
        self._listeners: list[Listener] = []
        self._secrets: dict[str, None] = {}

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Keep packets from now on, and tell `listener` of each; the result ends the telling."""
        self.on = True
        self._listeners.append(listener)

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return forget

    def load(self, packets: Iterable[Packet]) -> None:
        """Packets of a recording, in place of a connection's."""
        for packet in packets:
            self._number += 1
            self.rows.append(replace(packet, number=self._number))

    @property
    def last(self) -> int:
        """The newest packet's number, 0 before the first."""
        return self._number

    def secret(self, value: object) -> None:
        """Every string in `value` is hidden wherever it comes up from now on."""
        for one in secrets_in(value):
            self._secrets.pop(one, None)
            self._secrets[one] = None
        while len(self._secrets) > SECRETS_MAX:
            del self._secrets[next(iter(self._secrets))]

    # --- told by the connection -------------------------------------------------------

    def packet(self, way: Way, transport: str, number: int, data: object) -> None:
        """A packet of Engine.IO: its type's number, and what the library has in it."""
        if not self.on:
            return
        kind = ENGINE_KINDS[number] if 0 <= number < len(ENGINE_KINDS) else "unknown"
        if isinstance(data, (bytes, bytearray)):
            self._keep_attachment(way, transport, bytes(data))
        elif kind == "message" and isinstance(data, str):
            self._keep_message(way, transport, data)
        elif kind == "message":
            self._keep_message(way, transport, json.dumps(data))
        else:
            self._keep_plain(way, transport, kind, data)

    def note(self, kind: str, text: str = "", transport: str = "") -> None:
        """Something that is no packet: one of `packets.LOCAL_KINDS`, with words or JSON."""
        if self.on:
            self._keep(Way.HERE, transport, Parts(kind, "", None, "", text), 0)

    # --- inside -------------------------------------------------------------------------

    def _keep_message(self, way: Way, transport: str, data: str) -> None:
        size = size_of(data) + 1
        # What is in front of the payload is short; the rest of a huge one is not touched.
        parts = parts_of(data[: TEXT_MAX + SLACK])
        self._keep(way, transport, parts, size, more=len(data) > TEXT_MAX + SLACK)

    def _keep_plain(self, way: Way, transport: str, kind: str, data: object) -> None:
        text = data if isinstance(data, str) else "" if data is None else json.dumps(data)
        size = size_of(text) + 1
        if kind == "open" and isinstance(data, dict):
            # Whoever has it can take part in the connection.
            text = json.dumps({**data, "sid": HIDDEN})
        if kind in PROBES and text == "probe":
            kind = PROBES[kind]
        self._keep(way, transport, Parts(kind, "", None, "", text), size)

    def _keep_attachment(self, way: Way, transport: str, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        parts = Parts("attachment", "", None, "", "")
        self._keep(way, transport, parts, len(data), sha256=digest)

    def _keep(
        self,
        way: Way,
        transport: str,
        parts: Parts,
        size: int,
        *,
        more: bool = False,
        sha256: str = "",
    ) -> None:
        secrets = frozenset(self._secrets)
        auth = parts.kind == "connect" and way is Way.OUT
        text = parts.payload
        text = redacted_auth(text, secrets) if auth else redacted(text, secrets)
        if more:
            text = text[:-SLACK]
        self._number += 1
        packet = Packet(
            self._number,
            self._clock(),
            way,
            transport,
            parts.kind,
            parts.namespace,
            redacted(parts.event, secrets),
            parts.ack_id,
            size,
            text[:TEXT_MAX],
            more or len(text) > TEXT_MAX,
            sha256,
        )
        self.rows.append(packet)
        self._bytes += _cost(packet)
        while len(self.rows) > 1 and (
            len(self.rows) > self._rows_max or self._bytes > self._bytes_max
        ):
            self._bytes -= _cost(self.rows.popleft())
        self._tell(packet)

    def _tell(self, packet: Packet) -> None:
        calls: list[Listener] = [partial(sink, packet) for sink in self.sinks]
        for told in (*calls, *self._listeners):
            try:
                told()
            except Exception:
                # Looking must not disturb what is looked at.
                log.exception("a listener of the wire failed")


def _cost(packet: Packet) -> int:
    return ROW_COST + 4 * len(packet.text)


SILENT = Wiretap()
"""For connections on which nobody can listen; it is never turned on."""


@runtime_checkable
class HandTransport(Protocol):
    """A connection on which events can be sent by hand, and which tells how it stands."""

    async def emit_by_hand(self, event: str, arguments: list[object], ack: bool) -> None:
        """Send an event; raises `LinkLost`."""
        ...

    def standing(self) -> dict[str, object]:
        """Transport, and the times of pings in ms."""
        ...


class Wire:
    """What an inspector needs of a client: its packets, and a way to send one.

    Attributes:
        tap: the packets.
        origin: `http(s)://host:port`, "" where that is not known.
        path: where Socket.IO lives there.
        namespace: where events are sent.
        recorder: writes what comes to a file, None while nothing is recorded.
    """

    def __init__(
        self,
        tap: Wiretap,
        transport: Callable[[], object],
        origin: str = "",
        path: str = "/socket.io",
        namespace: str = "/",
    ) -> None:
        """`transport` gives the present connection, None while there is none."""
        self.tap = tap
        self.origin, self.path, self.namespace = origin, path, namespace
        self.recorder: Recorder | None = None
        self._transport = transport

    def record(self, path: str) -> None:
        """Write what is kept, and what comes, to a new file; raises `OSError`."""
        self.close()
        self.recorder = recorder = Recorder(path, self.origin)
        for packet in self.tap.rows:
            recorder.put(packet)
        self.tap.sinks.append(recorder.put)

    def close(self) -> None:
        """End the recording, if there is one; all of it is in the file then."""
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            self.tap.sinks.remove(recorder.put)
            recorder.close()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """As the tap's; the first time it is also told how the connection stands."""
        first = not self.tap.on
        forget = self.tap.listen(listener)
        transport = self._transport()
        if first and isinstance(transport, HandTransport):
            facts = transport.standing()
            self.tap.note("standing", json.dumps(facts), str(facts.get("transport", "")))
        return forget

    async def emit(self, event: str, arguments: list[object], ack: bool) -> None:
        """Send an event by hand, on the present connection; raises `LinkLost`."""
        transport = self._transport()
        if not isinstance(transport, HandTransport):
            raise LinkLost()
        await transport.emit_by_hand(event, arguments, ack)
