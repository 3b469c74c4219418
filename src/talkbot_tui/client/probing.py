"""Finding out what a server is, without a word that it might not expect.

Sent is only what every Engine.IO and Socket.IO server must understand: the handshake, the probe
of an upgrade, CONNECT to a namespace, pongs. Then it is listened to. No event is ever sent: one
that a small server does not expect may end it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import aiohttp

from talkbot_tui.client import tls
from talkbot_tui.client.addresses import Address
from talkbot_tui.client.bounded import ANSWER_MAX, BoundedResponse
from talkbot_tui.client.connector import no_redirects
from talkbot_tui.client.errors import unreachable
from talkbot_tui.core.text import clean_line

PATIENCE_S = 5.0
EVENTS_MAX = 50
"""So many names of events are told apart."""
SEPARATOR = "\x1e"
_EIO3 = re.compile(r"\d+:0\{")
_PACKET = re.compile(r"4(\d)(?:(\d+)-)?(?:(/[^,]*),)?(\d*)(.*)", re.DOTALL)
CONNECT, EVENT, CONNECT_ERROR, BINARY_EVENT = "0", "2", "4", "5"


@dataclass(frozen=True, slots=True)
class Handshake:
    """What the server says of itself at the beginning; times in ms."""

    sid: str
    upgrades: tuple[str, ...]
    ping_interval: int
    ping_timeout: int
    max_payload: int


@dataclass(frozen=True, slots=True)
class Entrance:
    """A namespace that was tried: `open`, or closed with the server's words; "" for silence."""

    namespace: str
    open: bool
    words: str = ""
    data: object = None


@dataclass(slots=True)
class Seen:
    """An event that came by itself: how often, and its arguments the first time."""

    count: int
    arguments: list[object]


@dataclass(slots=True)
class Findings:
    """What was found.

    Attributes:
        engine: the version of Engine.IO, 4 or 3; 0 where it is something else.
        status: of the answer in HTTP to the first handshake.
        answer: the beginning of that answer, where it was no handshake.
        polling, websocket, upgrade: whether this way works.
        entrances: the namespaces, in the order in which they were tried.
        events: by namespace and name.
        binary: how many events had attachments.
    """

    engine: int = 0
    status: int = 0
    answer: str = ""
    handshake: Handshake | None = None
    polling: bool = False
    websocket: bool = False
    upgrade: bool = False
    entrances: list[Entrance] = field(default_factory=list)
    events: dict[tuple[str, str], Seen] = field(default_factory=dict)
    binary: int = 0


class Probe:
    """Looks at one server; use it as a context."""

    def __init__(self, address: Address, path: str = "/socket.io") -> None:
        """`path`: where Socket.IO lives below the address."""
        self._address = address
        place = f"{address.prefix}{path}".strip("/")
        self._url = f"{address.origin}/{place}/"
        self.found = Findings()
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
            connector=aiohttp.TCPConnector(ssl=tls.trusted()),
            trust_env=address.through_proxy,
            response_class=BoundedResponse,
            trace_configs=[no_redirects()],
        )

    async def __aenter__(self) -> Probe:
        """The probe itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release its connections."""
        await self._session.close()

    async def run(self, namespaces: Sequence[str], listen_s: float) -> Findings:
        """Everything in turn; raises `Unreachable` where nothing answers."""
        try:
            await self._polling()
            await self._websocket()
            if self.found.polling and self.found.websocket:
                await self._upgrade()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(error) from None
        if self.found.websocket:
            await self._listen(_Socket(self._session, self._query()), namespaces, listen_s)
        elif self.found.polling:
            await self._listen(_Poller(self._session, self._query()), namespaces, listen_s)
        return self.found

    # --- the ways ---------------------------------------------------------------------

    def _query(self, sid: str = "") -> str:
        return f"{self._url}?EIO=4" + (f"&sid={sid}" if sid else "")

    def _get(self, url: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._session.get(url + "&transport=polling", allow_redirects=False)

    async def _polling(self) -> None:
        found = self.found
        async with self._get(self._query()) as response:
            text = (await response.read()).decode("utf-8", "replace")
            found.status = response.status
        handshake = parse_handshake(text.split(SEPARATOR)[0])
        if found.status == 200 and handshake is not None:
            found.engine, found.handshake, found.polling = 4, handshake, True
        elif _EIO3.match(text):
            found.engine = 3
        else:
            found.answer = clean_line(text)

    async def _websocket(self) -> None:
        """Also without polling before, which some servers do not offer."""
        try:
            async with _Socket(self._session, self._query()) as socket:
                handshake = parse_handshake(await socket.receive())
        except (aiohttp.ClientError, TimeoutError, OSError):
            return
        if handshake is not None:
            self.found.engine, self.found.websocket = 4, True
            self.found.handshake = self.found.handshake or handshake

    async def _upgrade(self) -> None:
        async with self._get(self._query()) as response:
            text = (await response.read()).decode("utf-8", "replace")
        handshake = parse_handshake(text.split(SEPARATOR)[0])
        if handshake is None or "websocket" not in handshake.upgrades:
            return
        try:
            async with _Socket(self._session, self._query(handshake.sid)) as socket:
                await socket.send("2probe")
                self.found.upgrade = await socket.receive() == "3probe"
        except (aiohttp.ClientError, TimeoutError, OSError):
            return

    # --- namespaces and events --------------------------------------------------------

    async def _listen(self, way: _Socket | _Poller, names: Sequence[str], listen_s: float) -> None:
        try:
            async with way:
                await way.receive()
                for name in names:
                    await self._enter(way, name)
                try:
                    async with asyncio.timeout(listen_s):
                        while True:
                            self._note(await way.receive(None), "")
                except TimeoutError:
                    return
        except (aiohttp.ClientError, TimeoutError, OSError):
            # It ended the connection: what was seen until then is what there is.
            return

    async def _enter(self, way: _Socket | _Poller, name: str) -> None:
        await way.send("40" if name == "/" else f"40{name},")
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self._note(await way.receive(None), name):
                    pass
        except TimeoutError:
            self.found.entrances.append(Entrance(name, open=False))

    def _note(self, packet: str, waited: str) -> bool:
        """Take a packet in; True when it answers for the namespace that is waited for."""
        parsed = _PACKET.fullmatch(packet)
        if parsed is None:
            return False
        kind, _attachments, namespace, _ack, rest = parsed.groups()
        namespace = namespace or "/"
        try:
            data: Any = json.loads(rest) if rest else None
        except (ValueError, RecursionError):
            data = None
        if kind in (CONNECT, CONNECT_ERROR) and waited and namespace == waited:
            words = data.get("message") if isinstance(data, dict) else data
            words = clean_line(str(words)) if kind == CONNECT_ERROR and words else ""
            self.found.entrances.append(Entrance(namespace, kind == CONNECT, words, data))
            return True
        if kind in (EVENT, BINARY_EVENT) and isinstance(data, list) and data:
            self.found.binary += kind == BINARY_EVENT
            self._count(namespace, str(data[0]), data[1:])
        return False

    def _count(self, namespace: str, name: str, arguments: list[object]) -> None:
        events, key = self.found.events, (namespace, name)
        if key in events:
            events[key].count += 1
        elif len(events) < EVENTS_MAX:
            events[key] = Seen(1, arguments)


class _Socket:
    """A WebSocket on which pings are answered."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._opening = session.ws_connect(
            url + "&transport=websocket", max_msg_size=ANSWER_MAX, autoclose=False
        )
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def __aenter__(self) -> _Socket:
        async with asyncio.timeout(PATIENCE_S):
            self._socket = await self._opening
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def send(self, packet: str) -> None:
        assert self._socket is not None
        await self._socket.send_str(packet)

    async def receive(self, patience: float | None = PATIENCE_S) -> str:
        """The next packet that is no ping; attachments are left out."""
        assert self._socket is not None
        async with asyncio.timeout(patience):
            while True:
                message = await self._socket.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    if message.data != "2":
                        return str(message.data)
                    await self.send("3")
                elif message.type is not aiohttp.WSMsgType.BINARY:
                    raise aiohttp.ClientConnectionError("the server ended the connection")


class _Poller:
    """The same by polling."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url + "&transport=polling"
        self._packets: list[str] = []

    async def __aenter__(self) -> _Poller:
        await self._poll()
        handshake = parse_handshake(self._packets[0]) if self._packets else None
        if handshake is None:
            raise aiohttp.ClientPayloadError("no handshake")
        self._url += f"&sid={handshake.sid}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        """The server forgets it after a while."""

    async def send(self, packet: str) -> None:
        async with self._session.post(self._url, data=packet) as response:
            await response.read()

    async def receive(self, patience: float | None = PATIENCE_S) -> str:
        """The next packet that is no ping; attachments are left out."""
        async with asyncio.timeout(patience):
            while True:
                while not self._packets:
                    await self._poll()
                packet = self._packets.pop(0)
                if packet == "2":
                    await self.send("3")
                elif packet[:1] != "b":
                    return packet

    async def _poll(self) -> None:
        long = aiohttp.ClientTimeout(total=None)
        async with self._session.get(self._url, timeout=long) as response:
            if response.status != 200:
                raise aiohttp.ClientPayloadError(f"status {response.status}")
            text = (await response.read()).decode("utf-8", "replace")
        self._packets += text.split(SEPARATOR)


def parse_handshake(packet: str) -> Handshake | None:
    """The handshake of Engine.IO 4 in a packet, None where there is none."""
    try:
        told = json.loads(packet[1:]) if packet[:1] == "0" else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not isinstance(told.get("sid"), str):
        return None
    upgrades = told.get("upgrades")
    names = tuple(str(one) for one in upgrades) if isinstance(upgrades, list) else ()
    numbers = [told.get(key) for key in ("pingInterval", "pingTimeout", "maxPayload")]
    interval, timeout, payload = (n if isinstance(n, int) else 0 for n in numbers)
    return Handshake(clean_line(told["sid"]), names, interval, timeout, payload)
