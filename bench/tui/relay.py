"""Our server, as the app sees it: every byte goes through the rig's own loop.

So a message's way to the screen begins when the rig hands it to the app, as it does with
IRC; and the rig can hold messages back, or be a server that takes connections and never answers.
"""

from __future__ import annotations

import re
import socket
from collections import deque

from bench.tui.loop import Loop, now

MARK = re.compile(rb'"text":"([a-z]\d{6})\b')
LONGEST_MARK = 32
PING = b"\x81\x012"
"""Engine.IO's ping in a WebSocket frame."""
HEADS = b'"heads":'


class Relay:
    """Listens on `port` and hands on to the server's port.

    Attributes:
        handed: when the app was handed the message that begins with this token.
        seen: the tokens that the server has broadcast so far, handed on or held back.
        heads: how often the app was told how far its rooms are; it asks every 14 to 26 s.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._pairs: list[_Pair] = []
        self._waiting: list[socket.socket] = []
        self.target = 0
        self.frozen = False
        self.holding = False
        self.handed: dict[str, float] = {}
        self.seen: set[str] = set()
        self.heads = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        loop.add(self._listener.fileno(), self._accept)

    def _accept(self, _mask: int) -> None:
        client, _address = self._listener.accept()
        if self.frozen:
            self._waiting.append(client)
            return
        self._pairs.append(_Pair(self._loop, self, client, self.target))

    def forget(self) -> None:
        """Forget which messages were seen."""
        self.handed.clear()
        self.seen.clear()

    def hold(self) -> None:
        """Keep back what the server sends from now on, but its pings: the link is to live."""
        self.holding = True

    def release(self) -> float:
        """Hand on everything at once; when that began."""
        self.holding = False
        began = now()
        for pair in list(self._pairs):
            pair.down.flush()
        return began

    def freeze(self) -> None:
        """End what is there; take connections from now on, read nothing, answer nothing."""
        self.frozen = True
        for pair in list(self._pairs):
            pair.close()

    def thaw(self) -> None:
        """Be a server again; who waits is sent away and will come back."""
        self.frozen = False
        for client in self._waiting:
            client.close()
        self._waiting.clear()

    def gone(self, pair: _Pair) -> None:
        """A connection has ended."""
        if pair in self._pairs:
            self._pairs.remove(pair)


class _Pair:
    """One connection of the app and ours to the server."""

    def __init__(self, loop: Loop, relay: Relay, client: socket.socket, port: int) -> None:
        self._relay = relay
        server = socket.create_connection(("127.0.0.1", port))
        for one in (client, server):
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ends = (client, server)
        self.closed = False
        self.up = _Way(loop, self, client, server, None)
        self.down = _Way(loop, self, server, client, relay)
        self.up.other, self.down.other = self.down, self.up
        self.go_on()

    def pause(self) -> None:
        self.up.stop()
        self.down.stop()

    def go_on(self) -> None:
        self.up.listen()
        self.down.listen()

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self.pause()
        for one in self._ends:
            one.close()
        self._relay.gone(self)


class _Way:
    """What comes from `source` goes to `sink`."""

    other: _Way

    def __init__(
        self,
        loop: Loop,
        pair: _Pair,
        source: socket.socket,
        sink: socket.socket,
        relay: Relay | None,
    ) -> None:
        self._loop = loop
        self._pair = pair
        self._source, self._sink = source, sink
        self._file = source.fileno()
        self._relay = relay
        self._unsent: deque[bytes] = deque()
        self._tail = b""

    def listen(self) -> None:
        """Read the source, and write to it what the other way could not write yet."""
        self._loop.add(self._file, self._ready, writes=self.other.blocked)

    def stop(self) -> None:
        self._loop.remove(self._file)

    @property
    def blocked(self) -> bool:
        return bool(self._unsent) and not (self._relay and self._relay.holding)

    def flush(self) -> None:
        if self._relay is not None and self._relay.holding:
            return
        was = bool(self._unsent)
        while self._unsent:
            data = self._unsent[0]
            began = now()
            try:
                sent = self._sink.send(data)
            except BlockingIOError:
                break
            except OSError:
                self._pair.close()
                return
            self._mark(data[:sent], began)
            if sent == len(data):
                self._unsent.popleft()
            else:
                self._unsent[0] = data[sent:]
        if was:
            # Whether the sink is to be told of room is a matter of the file that it is read from.
            self.other.listen()

    def _ready(self, _mask: int) -> None:
        self.other.flush()
        if self._pair.closed:
            return
        try:
            data = self._source.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._pair.close()
            return
        if self._relay is not None and self._relay.holding:
            # No text holds these bytes, so a ping is found between any two messages.
            if PING in data:
                data = data.replace(PING, b"")
                self._sink.send(PING)
            self._unsent.append(data)
            self._relay.seen.update(mark.decode() for mark in MARK.findall(self._tail + data))
            self._tail = data[-LONGEST_MARK:]
            return
        if self._relay is not None:
            self._relay.heads += data.count(HEADS)
        self._unsent.append(data)
        self.flush()

    def _mark(self, data: bytes, when: float) -> None:
        if self._relay is None:
            return
        for mark in MARK.findall(self._tail + data):
            name = mark.decode()
            self._relay.handed.setdefault(name, when)
            self._relay.seen.add(name)
        self._tail = data[-LONGEST_MARK:]
