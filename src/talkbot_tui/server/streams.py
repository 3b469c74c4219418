"""Messages whose text still grows: pieces are passed on, and saved each second."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from talkbot_tui.server import service_messages
from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.connections import Connection
from talkbot_tui.server.fanout import Fanout
from talkbot_tui.server.metrics import Metrics
from talkbot_tui.server.outcome import StreamBegins
from talkbot_tui.server.storage import messages
from talkbot_tui.server.storage.database import Database
from talkbot_tui.wire.client_events import Stream
from talkbot_tui.wire.scalars import TEXT_MAX
from talkbot_tui.wire.server_events import StreamEvent

GRACE_SECONDS = 20.0


@dataclass(slots=True)
class _Growing:
    conversation_id: str
    sender_id: str
    text: str
    sent: int
    saved: int
    alone_since: float = 0.0


class Streams:
    """The growing messages of this process."""

    def __init__(
        self, config: ServerConfig, database: Database, fanout: Fanout, metrics: Metrics
    ) -> None:
        """Empty; orphans of an earlier process have been ended before."""
        self._config = config
        self._db = database
        self._fanout = fanout
        self._metrics = metrics
        self._growing: dict[str, _Growing] = {}

    def begin(self, begins: StreamBegins) -> None:
        """A message starts to grow."""
        size = len(begins.text)
        self._growing[begins.server_msg_id] = _Growing(
            begins.conversation_id, begins.sender_id, begins.text, size, size
        )

    def end(self, server_msg_id: str) -> None:
        """It has ended; what was not passed on is in the event that ended it."""
        self._growing.pop(server_msg_id, None)

    def sender_of(self, conversation_id: str, server_msg_id: str) -> str | None:
        """Who writes it, None when it does not grow."""
        growing = self._growing.get(server_msg_id)
        if growing is None or growing.conversation_id != conversation_id:
            return None
        return growing.sender_id

    def add(self, connection: Connection, piece: Stream) -> bool:
        """The next piece; False when it is not at the end of a text of the sender's own."""
        growing = self._growing.get(piece.server_msg_id)
        if (
            growing is None
            or growing.sender_id != connection.actor.user_id
            or growing.conversation_id != piece.conversation_id
            or piece.conversation_id not in connection.rooms
            or piece.offset != len(growing.text)
            or len(growing.text) + len(piece.delta) > TEXT_MAX
        ):
            self._metrics.count("stream_dropped_total")
            return False
        growing.text += piece.delta
        return True

    async def run(self) -> None:
        """Pass on and save, until cancelled."""
        ticks = max(1, round(self._config.checkpoint_seconds / self._config.stream_flush_seconds))
        turn = 0
        while True:
            await asyncio.sleep(self._config.stream_flush_seconds)
            if not self._growing:
                continue
            self._pass_on()
            turn += 1
            if turn % ticks == 0:
                await self._save()
                await self._end_abandoned()

    def _pass_on(self) -> None:
        for server_msg_id, growing in self._growing.items():
            if growing.sent < len(growing.text):
                event = StreamEvent(
                    conversation_id=growing.conversation_id,
                    server_msg_id=server_msg_id,
                    offset=growing.sent,
                    delta=growing.text[growing.sent :],
                )
                growing.sent = len(growing.text)
                self._fanout.to_room(
                    growing.conversation_id, "stream", event, but=growing.sender_id
                )

    async def _save(self) -> None:
        fresh = {
            server_msg_id: growing.text
            for server_msg_id, growing in self._growing.items()
            if growing.saved < len(growing.text)
        }
        if not fresh:
            return
        for server_msg_id, text in fresh.items():
            self._growing[server_msg_id].saved = len(text)
        await self._db.write(lambda tx: messages.checkpoint(tx, fresh))

    async def _end_abandoned(self) -> None:
        """A bot that has gone away for a while will not go on with its text."""
        now = asyncio.get_running_loop().time()
        for server_msg_id, growing in list(self._growing.items()):
            if self._fanout.of_user(growing.sender_id):
                growing.alone_since = 0.0
            elif not growing.alone_since:
                growing.alone_since = now
            elif now - growing.alone_since > GRACE_SECONDS:
                room, text = growing.conversation_id, growing.text
                await self._db.write(
                    lambda tx, key=server_msg_id, room=room, text=text: (  # type: ignore[misc]  # bound now, not when it runs
                        service_messages.fail_stream(tx, room, key, text)
                    ),
                    self._fanout.settle,
                )
