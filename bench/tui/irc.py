"""As much of an IRC server as WeeChat and irssi need, in the rig's loop, without flood limits."""

from __future__ import annotations

import socket
from collections import deque

from bench.tui.loop import Loop, now
from bench.tui.texts import NICKS

SERVER = ":rig"


class Connection:
    """One client."""

    def __init__(self, loop: Loop, server: IrcServer, client: socket.socket) -> None:
        self._loop = loop
        self._server = server
        self._client = client
        self._file = client.fileno()
        self._unread = b""
        self._unsent: deque[bytes] = deque()
        self._nick = ""
        self._user = False
        self.joined: set[str] = set()
        loop.add(self._file, self._ready)

    def send(self, *lines: str) -> float:
        """Write lines; when that began."""
        began = now()
        self._unsent.append("".join(f"{line}\r\n" for line in lines).encode())
        self._flush()
        return began

    def close(self) -> None:
        """Leave the client."""
        self._loop.remove(self._file)
        self._client.close()
        self._server.left(self)

    def _ready(self, _mask: int) -> None:
        if self._unsent:
            self._flush()
        try:
            data = self._client.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._line(line.decode("utf-8", "replace").rstrip("\r"))

    def _flush(self) -> None:
        while self._unsent:
            try:
                sent = self._client.send(self._unsent[0])
            except BlockingIOError:
                break
            except OSError:
                self._unsent.clear()
                return
            if sent == len(self._unsent[0]):
                self._unsent.popleft()
            else:
                self._unsent[0] = self._unsent[0][sent:]
        self._loop.add(self._file, self._ready, writes=bool(self._unsent))

    def _line(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        me = self._nick
        match word.upper():
            case "CAP" if rest.upper().startswith("LS"):
                self.send(f"{SERVER} CAP * LS :")
            case "CAP" if rest.upper().startswith("REQ"):
                self.send(f"{SERVER} CAP * NAK :{rest.partition(':')[2]}")
            case "NICK":
                self._nick = rest.lstrip(":")
                self._welcome()
            case "USER":
                self._user = True
                self._welcome()
            case "PING":
                self.send(f"{SERVER} PONG rig :{rest.lstrip(':')}")
            case "JOIN":
                for channel in filter(None, rest.split(" ")[0].lstrip(":").split(",")):
                    self._join(channel)
            case "MODE" if " " not in rest:
                self.send(f"{SERVER} 324 {me} {rest} +nt")
            case "MODE":
                self.send(f"{SERVER} 368 {me} {rest.split()[0]} :End")
            case "WHO":
                self.send(f"{SERVER} 315 {me} {rest} :End")

    def _welcome(self) -> None:
        me = self._nick
        if not (me and self._user):
            return
        self._user = False
        self.send(
            f"{SERVER} 001 {me} :Welcome",
            f"{SERVER} 002 {me} :rig",
            f"{SERVER} 003 {me} :today",
            f"{SERVER} 004 {me} rig 1 io nt",
            f"{SERVER} 005 {me} CHANTYPES=# PREFIX=(ov)@+ NICKLEN=30 NETWORK=rig :are supported",
            f"{SERVER} 375 {me} :-",
            f"{SERVER} 376 {me} :End",
        )

    def _join(self, channel: str) -> None:
        me = self._nick
        self.send(
            f":{me}!u@h JOIN {channel}",
            f"{SERVER} 332 {me} {channel} :all about {channel}",
            f"{SERVER} 353 {me} = {channel} :{me} {' '.join(NICKS)}",
            f"{SERVER} 366 {me} {channel} :End",
        )
        self.joined.add(channel)
        if held := self._server.history.get(channel):
            self.send(*lines_of(channel, held))


class IrcServer:
    """Listens on `port`; a channel's `history` is given to whoever joins, as bouncers do."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._connections: list[Connection] = []
        self.history: dict[str, list[str]] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        loop.add(self._listener.fileno(), self._accept)

    def _accept(self, _mask: int) -> None:
        client, _address = self._listener.accept()
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.append(Connection(self._loop, self, client))

    @property
    def newest(self) -> Connection | None:
        """The client that came last and is still there."""
        return self._connections[-1] if self._connections else None

    def left(self, connection: Connection) -> None:
        """A client has gone."""
        if connection in self._connections:
            self._connections.remove(connection)


def lines_of(channel: str, texts: list[str]) -> list[str]:
    """Each text as a message of somebody in the channel."""
    count = len(NICKS)
    return [
        f":{nick}!{nick}@h PRIVMSG {channel} :{text}"
        for text, nick in zip(texts, (NICKS[i % count] for i in range(len(texts))), strict=True)
    ]
