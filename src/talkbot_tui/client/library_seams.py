"""The library's own seams, where we look at packets and keep its life cycle apart from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import engineio
import socketio
from engineio.packet import OPEN, PING, PONG, UPGRADE

from talkbot_tui.client.inspector.packets import Way

if TYPE_CHECKING:
    from talkbot_tui.client.socketio_transport import SocketIoTransport

BINARY = frozenset({socketio.packet.BINARY_EVENT, socketio.packet.BINARY_ACK})


class BinaryData(ValueError):
    """A packet announces attachments."""


class SocketPacket(socketio.packet.Packet):  # type: ignore[misc]  # the library has no types
    """Keeps our reading of JSON to this client: the library sets it on the class of packets."""

    def decode(self, encoded_packet: str) -> int | None:
        """As the library, but without attachments, which it would collect without bound."""
        attachments: int | None = super().decode(encoded_packet)
        if self.packet_type in BINARY:
            raise BinaryData("binary data, which no event has")
        return attachments


class Engine(engineio.AsyncClient):  # type: ignore[misc]  # the library has no types
    """Hands each frame on in its turn, instead of in a task of its own."""

    owner: SocketIoTransport

    async def _send_packet(self, pkt: Any) -> None:
        tap = self.owner.tap
        if tap.on and self.state == "connected":
            tap.packet(Way.OUT, self.current_transport, pkt.packet_type, pkt.data)
        await super()._send_packet(pkt)

    async def _connect_websocket(self, url: str, headers: Any, engineio_path: str) -> Any:
        # A session that stands already is moved: the library speaks the probe by itself.
        moving, tap = bool(self.sid), self.owner.tap
        made = await super()._connect_websocket(url, headers, engineio_path)
        if moving and made:
            tap.packet(Way.OUT, "websocket", PING, "probe")
            tap.packet(Way.IN, "websocket", PONG, "probe")
            tap.packet(Way.OUT, "websocket", UPGRADE, "")
        elif moving:
            tap.note("upgrade_failed", "", "polling")
        return made

    async def _receive_packet(self, pkt: Any) -> None:
        self.owner.heard()
        tap = self.owner.tap
        if tap.on:
            tap.packet(Way.IN, self.current_transport, pkt.packet_type, pkt.data)
        try:
            await super()._receive_packet(pkt)
        except Exception as error:
            self.owner.unreadable(error)
        if isinstance(pkt.data, (str, bytes)):
            await self.owner.room_for(len(pkt.data))

    async def _trigger_event(self, event: str, *args: Any, **kwargs: Any) -> Any:
        if event == "message":
            return await self.handlers["message"](*args)
        if event == "connect" and self.owner.tap.on:
            self._tell_open()
        return await super()._trigger_event(event, *args, **kwargs)

    def _tell_open(self) -> None:
        """The library has taken the packet apart already; this is what it keeps of it."""
        told = {
            "sid": self.sid,
            "upgrades": self.upgrades,
            "pingInterval": int(self.ping_interval * 1000),
            "pingTimeout": int(self.ping_timeout * 1000),
        }
        self.owner.tap.secret(self.sid)
        self.owner.tap.packet(Way.IN, self.current_transport, OPEN, told)


class Client(socketio.AsyncClient):  # type: ignore[misc]  # the library has no types
    """Keeps events apart from life cycle: a server may send an event named `disconnect`."""

    owner: SocketIoTransport

    def _engineio_client_class(self) -> type[Engine]:
        return Engine

    async def _handle_event(self, namespace: str | None, id: int | None, data: list[Any]) -> None:
        if (namespace or "/") == self.owner.namespace and data and isinstance(data[0], str):
            self.owner.arrived(data[0], tuple(data[1:]))

    async def _handle_error(self, namespace: str | None, data: Any) -> None:
        self.owner.refused(data)
        await super()._handle_error(namespace, data)

    async def _handle_disconnect(self, namespace: str | None) -> None:
        self.owner.abort("closed")

    async def _handle_eio_disconnect(self, reason: str) -> None:
        self.owner.abort("closed" if reason == "server disconnect" else "lost")
        await super()._handle_eio_disconnect(reason)
