"""One live connection, and the queue of what it is still to be sent."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from engineio import packet as eio_packet

from talkbot_tui.server.outcome import Actor

GATHERING_TURNS = 2
"""Turns of the loop before a writer that waited begins: what one commit brings leaves together.

Without them 16 writers of messages got 15 % fewer acknowledged in a second.
"""


class Frame(eio_packet.Packet):  # type: ignore[misc]  # the library ships no types
    """An event on its way; encoded once, however many receive it."""

    def __init__(self, data: str, conversation_id: str = "") -> None:
        """`data` is the Socket.IO packet as text."""
        super().__init__(eio_packet.MESSAGE, data)
        self.conversation_id = conversation_id
        self.size = len(data)


class Reply(eio_packet.Packet):  # type: ignore[misc]  # the library ships no types
    """An answer on its way to who asked."""

    def __init__(self, data: str) -> None:
        """`data` is the Socket.IO packet as text."""
        super().__init__(eio_packet.MESSAGE, data)
        self.size = len(data)


class OutQueue(asyncio.Queue[Any]):
    """Packets for one connection; knows how many bytes wait in it.

    held: of events; too many cut the connection. replies: of answers; too many
    only stop further requests from being served until they were read.
    """

    def __init__(self, maxsize: int = 0) -> None:
        """Without a bound of its own: `fanout` cuts the connection instead."""
        self.held = 0
        self.replies = 0
        self._answered = asyncio.Event()
        self._filled = asyncio.Event()
        super().__init__(maxsize)

    def _put(self, item: Any) -> None:
        self._count(item, 1)
        super()._put(item)
        self._filled.set()

    def _get(self) -> Any:
        item = super()._get()
        self._count(item, -1)
        if not self.replies:
            self._answered.set()
        return item

    def _count(self, item: Any, sign: int) -> None:
        if isinstance(item, Frame):
            self.held += sign * item.size
        elif isinstance(item, Reply):
            self.replies += sign * item.size

    async def next(self) -> Any:
        """The next packet, None when there are to be no more."""
        while self.empty():
            self._filled.clear()
            await self._filled.wait()
            for _ in range(GATHERING_TURNS):
                await asyncio.sleep(0)
        item = self.get_nowait()
        self.task_done()
        return item

    def following(self, first: Any, size: float = math.inf) -> Iterator[Any]:
        """A packet and those behind it, each taken only when asked for, of about `size` bytes."""
        item = first
        while item is not None:
            yield item
            size -= getattr(item, "size", 0)
            if size <= 0 or self.empty():
                return
            item = self.get_nowait()
            self.task_done()
        self.put_nowait(None)

    async def emptied(self) -> None:
        """Wait until every answer was taken.

        Not every event: in a busy room a slow reader has always one waiting, and would
        never be served again.
        """
        while self.replies:
            self._answered.clear()
            await self._answered.wait()

    def drop(self, conversation_id: str | None) -> None:
        """Forget the events of one conversation, or of all (None), that still wait.

        Answers stay: a request has exactly one, and what it holds was the asker's to read
        when it was given. They are few, since no more are served while many wait.
        """
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
    subscribed: whether those that there were have been added.
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
    subscribed: bool = False
    closing: bool = False
    busy: bool = False
    task: asyncio.Task[None] | None = None
