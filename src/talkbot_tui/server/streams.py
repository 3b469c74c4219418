"""Messages whose text still grows: pieces are passed on, and saved each second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from talkbot_tui.server import service_messages
from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.fanout import Fanout
from talkbot_tui.server.metrics import Metrics
from talkbot_tui.server.outcome import StreamBegins, Tell
from talkbot_tui.server.storage import messages
from talkbot_tui.server.storage.database import Database
from talkbot_tui.wire.client_events import Stream
from talkbot_tui.wire.errors import Code, Refused
from talkbot_tui.wire.scalars import TEXT_MAX
from talkbot_tui.wire.server_events import StreamEvent

GRACE_SECONDS = 20.0


@dataclass(slots=True)
class _Growing:
    """One growing message.

    allowed_at: the generation of the sender's memberships in which they were seen to be
        allowed to write here. closed: they are so no more, and the text is to end as it is.
    """

    conversation_id: str
    sender_id: str
    text: str
    sent: int
    saved: int
    alone_since: float = 0.0
    allowed_at: int = -1
    closed: bool = False


class Streams:
    """The growing messages of this process.

    Attributes:
        elsewhere: asks whether a user is connected to another server; None where there is none.
    """

    def __init__(
        self, config: ServerConfig, database: Database, fanout: Fanout, metrics: Metrics
    ) -> None:
        """Empty; orphans of an earlier process have been ended before."""
        self._config = config
        self._db = database
        self._fanout = fanout
        self._metrics = metrics
        self._growing: dict[str, _Growing] = {}
        self.elsewhere: Callable[[str], Awaitable[bool]] | None = None

    def ids(self) -> Collection[str]:
        """The messages that grow here."""
        return self._growing.keys()

    def begin(self, begins: StreamBegins) -> None:
        """A message starts to grow."""
        size = len(begins.text)
        self._growing[begins.server_msg_id] = _Growing(
            begins.conversation_id, begins.sender_id, begins.text, size, size
        )

    def end(self, server_msg_id: str) -> None:
        """It has ended; what was not passed on is in the event that ended it."""
        self._growing.pop(server_msg_id, None)

    def close(self, conversation_id: str, sender_id: str | None = None) -> None:
        """Take no more of what grows there, or of what one sender writes there; it ends soon."""
        for growing in self._growing.values():
            if growing.conversation_id == conversation_id and (
                sender_id is None or growing.sender_id == sender_id
            ):
                growing.closed = True

    def sender_of(self, conversation_id: str, server_msg_id: str) -> str | None:
        """Who writes it, None when it does not grow."""
        growing = self._growing.get(server_msg_id)
        if growing is None or growing.closed or growing.conversation_id != conversation_id:
            return None
        return growing.sender_id

    def allowed(self, sender_id: str, piece: Stream, generation: int) -> bool:
        """Whether a piece of that message was already taken from them in this generation."""
        return (
            self.sender_of(piece.conversation_id, piece.server_msg_id) == sender_id
            and self._growing[piece.server_msg_id].allowed_at == generation
        )

    def add(self, sender_id: str, piece: Stream, generation: int) -> None:
        """The next piece, from one who was authorized in this generation of their memberships.

        Raises `Refused`: not_found, forbidden, bad_request, too_large.
        """
        try:
            self._check(sender_id, piece)
        except Refused:
            self._metrics.count("stream_dropped_total")
            raise
        growing = self._growing[piece.server_msg_id]
        growing.allowed_at = generation
        growing.text += piece.delta

    def _check(self, sender_id: str, piece: Stream) -> None:
        sender = self.sender_of(piece.conversation_id, piece.server_msg_id)
        if sender is None:
            raise Refused(Code.NOT_FOUND, "No such message is being written.", field="serverMsgId")
        if sender != sender_id:
            raise Refused(Code.FORBIDDEN, "That message is somebody else's.")
        length = len(self._growing[piece.server_msg_id].text)
        if piece.offset != length:
            raise Refused(Code.BAD_REQUEST, "The text does not end there.", field="offset")
        if length + len(piece.delta) > TEXT_MAX:
            raise Refused(Code.TOO_LARGE, "The text would be too long.", field="delta")

    async def run(self) -> None:
        """Pass on and save, until cancelled."""
        ticks = max(1, round(self._config.checkpoint_seconds / self._config.stream_flush_seconds))
        turn = 0
        while True:
            await asyncio.sleep(self._config.stream_flush_seconds)
            if not self._growing:
                continue
            self._pass_on()
            await self._end_closed()
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
                tell = Tell(growing.conversation_id, "stream", event, but=growing.sender_id)
                self._fanout.deliver((tell,))

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

    async def _end_closed(self) -> None:
        for server_msg_id, growing in list(self._growing.items()):
            if growing.closed:
                await self._fail(server_msg_id, growing)

    async def _end_abandoned(self) -> None:
        """A bot that has gone away for a while will not go on with its text."""
        now = asyncio.get_running_loop().time()
        for server_msg_id, growing in list(self._growing.items()):
            if self._fanout.of_user(growing.sender_id):
                growing.alone_since = 0.0
            elif not growing.alone_since:
                growing.alone_since = now
            elif now - growing.alone_since > GRACE_SECONDS:
                if self.elsewhere is not None and await self.elsewhere(growing.sender_id):
                    # It may go on there; should it not, the servers' janitor ends it.
                    self.end(server_msg_id)
                else:
                    await self._fail(server_msg_id, growing)

    async def _fail(self, server_msg_id: str, growing: _Growing) -> None:
        room, text = growing.conversation_id, growing.text
        await self._db.write(
            lambda tx: service_messages.fail_stream(tx, room, server_msg_id, text),
            self._fanout.settle,
            room,
        )
