"""One live connection, and the queue of what it is still to be sent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from engineio import packet as eio_packet

from talkbot_tui.server.outcome import Actor


class Frame(eio_packet.Packet):  # type: ignore[misc]  # the library ships no types
    """An event on its way; encoded once, however many receive it."""

    def __init__(self, data: str, conversation_id: str = "") -> None:
        """`data` is the Socket.IO packet as text."""
        super().__init__(eio_packet.MESSAGE, data)
        self.conversation_id = conversation_id
        self.size = len(data)


class OutQueue(asyncio.Queue[Any]):
    """Packets for one connection; knows how many bytes of events wait in it.

    Answers are not counted: who asks must read, and is not asked for more until then.
    """

    def __init__(self, maxsize: int = 0) -> None:
        """Without a bound of its own: `fanout` cuts the connection instead."""
        self.held = 0
        self._empty = asyncio.Event()
        super().__init__(maxsize)

    def _put(self, item: Any) -> None:
        if isinstance(item, Frame):
            self.held += item.size
        super()._put(item)

    def _get(self) -> Any:
        item = super()._get()
        if isinstance(item, Frame):
            self.held -= item.size
        if self.empty():
            self._empty.set()
        return item

    async def emptied(self) -> None:
        """Wait until everything was taken."""
        if not self.empty():
            self._empty.clear()
            await self._empty.wait()

    def drop(self, conversation_id: str | None) -> None:
        """Forget the events of one conversation, or of all (None), that still wait."""
        for _ in range(self.qsize()):
            item = self.get_nowait()
            self.task_done()
            if not isinstance(item, Frame) or (
                conversation_id is not None and item.conversation_id != conversation_id
            ):
                self.put_nowait(item)


@dataclass(slots=True, eq=False)
class Request:
    """One event from a client, waiting for its turn."""

    name: str
    arguments: list[Any]
    ack_id: int | None


@dataclass(slots=True, eq=False)
class Connection:
    """One client, signed in.

    rooms: conversations that it receives. synced: whether new ones are added by themselves.
    """

    sid: str
    eio_sid: str
    address: str
    actor: Actor
    expires_at: int
    out: OutQueue
    inbox: asyncio.Queue[Request]
    rooms: set[str] = field(default_factory=set)
    watching: frozenset[str] = frozenset()
    synced: bool = False
    closing: bool = False
    busy: bool = False
    task: asyncio.Task[None] | None = None
