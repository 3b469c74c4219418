"""One of several servers on one database: tells the others, hears them, and looks for itself.

Hints over the bus make it quick. Without them, or where they are lost, the database is looked
into often enough that a message from another server is shown within five seconds.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial

from talkbot_tui.server import service_messages
from talkbot_tui.server.auth import Accounts
from talkbot_tui.server.dispatcher import Dispatcher
from talkbot_tui.server.fanout import Fanout
from talkbot_tui.server.ids import new_id
from talkbot_tui.server.metrics import Metrics
from talkbot_tui.server.nodes.bus import Bus
from talkbot_tui.server.nodes.hints import (
    FIT,
    Beat,
    Entered,
    Failed,
    Moved,
    Packet,
    PresenceMoved,
    Revoked,
    Spent,
    Told,
    ToldUser,
)
from talkbot_tui.server.nodes.order import Order
from talkbot_tui.server.nodes.turns import Turn
from talkbot_tui.server.outcome import Tell, TellUser
from talkbot_tui.server.presence import PresenceBook
from talkbot_tui.server.service_reading import READS_MEMBERS_MAX
from talkbot_tui.server.storage import nodes, rooms
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.messages import Stored
from talkbot_tui.server.storage.nodes import Present
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.server.streams import Streams
from talkbot_tui.wire.errors import Refused
from talkbot_tui.wire.server_events import (
    LogEvent,
    ReadEvent,
    StopEvent,
    StreamEvent,
    TypingEvent,
)

log = logging.getLogger("talkbot.server")

LOOK_SECONDS = (2.5, 4.0)
"""Between two looks into the database: drawn anew each time, or servers would look together."""

TELL_SECONDS = 1.0
RENEW_TURNS = 8
SILENT_MS = 30_000
_chance = random.SystemRandom()


class Nodes:
    """This server among the others; `fanout.Elsewhere` is how the rest of it knows."""

    def __init__(
        self,
        database: Database,
        fanout: Fanout,
        presence: PresenceBook,
        streams: Streams,
        dispatcher: Dispatcher,
        accounts: Accounts,
        metrics: Metrics,
        bus: Bus,
    ) -> None:
        """Share the server's parts; `bus` carries the hints."""
        self.node_id = new_id()
        self._db = database
        self._fanout = fanout
        self._presence = presence
        self._streams = streams
        self._dispatcher = dispatcher
        self._accounts = accounts
        self._metrics = metrics
        self._bus = bus
        self._order = Order(database, fanout, self._doubt)
        self._wake = asyncio.Event()
        self._revoked = asyncio.Event()
        self._sums: dict[str, tuple[int, int]] = {}
        self._doubted: set[str] = set()
        self._watched: set[str] = set()
        self._marks: dict[str, dict[str, int]] = {}
        self._spent: Counter[tuple[str, str, bool]] = Counter()

    # --- what the rest of the server tells -----------------------------------------------

    @property
    def heard(self) -> bool:
        """Whether the others hear at once what they are told."""
        return self._bus.up

    def began(self, conversation_id: str, head: int) -> None:
        """Somebody here receives that conversation now, and knows it up to `head`."""
        self._order.began(conversation_id, head)

    def ended(self, conversation_id: str) -> None:
        """Nobody here does any more."""
        self._order.ended(conversation_id)
        self._marks.pop(conversation_id, None)

    def published(self, event: LogEvent) -> bool:
        """Tell the others how far the log goes; whether to show the event here at once."""
        self._bus.send(Moved(conversation_id=event.conversation_id, seq=event.seq))
        return self._order.published(event)

    def told(self, tell: Tell) -> None:
        """Pass on an event that is not stored."""
        after = self._order.shown(tell.conversation_id)
        room, but, payload = tell.conversation_id, tell.but, tell.payload
        if isinstance(payload, TypingEvent):
            self._bus.send(Told(conversation_id=room, after=after, but=but, typing=payload))
        elif isinstance(payload, StreamEvent):
            self._bus.send(Told(conversation_id=room, after=after, but=but, stream=payload))
        elif isinstance(payload, ReadEvent):
            self._bus.send(Told(conversation_id=room, after=after, but=but, read=payload))

    def told_user(self, tell: TellUser) -> None:
        """Pass on an event for one user; of memberships the others learn from the log."""
        if isinstance(tell.payload, ReadEvent):
            self._bus.send(ToldUser(user_id=tell.user_id, read=tell.payload))
        elif isinstance(tell.payload, StopEvent):
            self._bus.send(ToldUser(user_id=tell.user_id, stop=tell.payload))

    def entered(self, user_id: str) -> None:
        """A user came into a conversation; they may be connected elsewhere."""
        self._bus.send(Entered(user_id=user_id))

    def revoked(self) -> None:
        """Sessions have ended."""
        self._bus.send(Revoked())

    # --- running -------------------------------------------------------------------------

    async def start(self, chat: str) -> None:
        """Begin to live among the others; `chat` is the database's epoch.

        What grew with nobody left to go on with it ends. Raises `BusProblem`, `Refused`.
        """
        others = await self._db.read(nodes.living)
        if not others:
            await self._db.write(service_messages.fail_orphans)
        self._presence.elsewhere = self._on_other_servers
        self._streams.elsewhere = self._is_elsewhere
        self._dispatcher.spent = self._spent
        self._accounts.tell_failed = self._tell_failed
        self._fanout.elsewhere = self
        self._metrics.gauge("bus_up", lambda: float(self._bus.up))
        await self._db.write(lambda tx: nodes.renew(tx, self.node_id, socket.gethostname()))
        await self._bus.start(chat, self.node_id, self._heard, self._wake.set)

    def loops(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """What is to run until the server ends."""
        return (self._look, self._check, self._tell, self._tidy)

    async def stop(self) -> None:
        """Leave the others; what was here fades there."""
        await self._bus.stop()
        await self._order.stop()
        with suppress(Refused, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._db.write(lambda tx: nodes.leave(tx, self.node_id))

    def turn(self, name: str) -> Turn:
        """This server's part in what only one of them does."""
        return Turn(self._db, name, self.node_id)

    async def until_revoked(self, seconds: float) -> None:
        """Return when another server has ended sessions, after `seconds` at the latest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._revoked.wait()
                # However often somebody says so, the database is asked ten times a second.
                await asyncio.sleep(0.1)
        self._revoked.clear()

    # --- what the others tell ------------------------------------------------------------

    def _heard(self, packet: Packet) -> None:
        self._metrics.count("hints_total", by=len(packet.hints))
        self._metrics.count("hints_unknown_total", by=packet.unknown)
        for hint in packet.hints:
            match hint:
                case Moved(conversation_id=conversation_id, seq=seq):
                    self._order.look(conversation_id, seq)
                case Entered(user_id=user_id):
                    self._doubt(user_id)
                case Revoked():
                    self._revoked.set()
                case PresenceMoved(user_ids=user_ids):
                    self._watched |= set(user_ids) & set(self._presence.watched())
                case Told():
                    self._order.tell(hint)
                case ToldUser(user_id=user_id, read=read, stop=stop):
                    if read is not None:
                        self._fanout.to_user(user_id, "read", read)
                    if stop is not None:
                        self._fanout.to_user(user_id, "stop", stop)
                case Spent(rate=rate, user_id=user_id, count=count, bot=bot):
                    self._dispatcher.charge(rate, user_id, count, bot=bot)
                case Failed(look=look, address=address):
                    self._accounts.count_failure(look, address)
                case Beat():
                    pass

    # --- looking for oneself -------------------------------------------------------------

    async def _look(self) -> None:
        """Look into the database every few seconds, and when the bus has come back."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_chance.uniform(*LOOK_SECONDS)):
                    await self._wake.wait()
            self._wake.clear()
            await self._look_at_logs()
            await self._look_at_memberships()
            self._watched |= set(self._presence.watched())

    async def _look_at_logs(self) -> None:
        followed = self._order.followed()
        heads = await self._db.read(lambda tx: nodes.heads(tx, followed))
        for conversation_id, head in heads.items():
            self._order.look(conversation_id, head)
        if self._bus.up:
            self._marks.clear()
            return
        marks = await self._db.read(lambda tx: nodes.read_marks(tx, followed, READS_MEMBERS_MAX))
        for conversation_id, now in marks.items():
            before = self._marks.get(conversation_id, now)
            self._marks[conversation_id] = now
            for user_id, seq in now.items():
                if seq > before.get(user_id, 0):
                    event = ReadEvent(conversation_id=conversation_id, user_id=user_id, seq=seq)
                    self._fanout.to_room(conversation_id, "read", event, but=user_id)

    async def _look_at_memberships(self) -> None:
        users = set(self._fanout.synced())
        sums = await self._db.read(lambda tx: nodes.memberships(tx, users))
        known, self._sums = self._sums, sums
        # Looked at only now: who came or went meanwhile is in both, or is doubted once for nothing.
        for user_id, received in self._fanout.synced().items():
            now = sums.get(user_id, (0, 0))
            if len(received) != now[0] or known.get(user_id, now) != now:
                self._doubted.add(user_id)

    async def _check(self) -> None:
        """Look at the memberships of whom somebody told, or that did not add up."""
        while True:
            await asyncio.sleep(0.05)
            if self._watched:
                asked, self._watched = self._watched, set()
                found = await self._db.read(partial(self._on_other_servers, user_ids=asked))
                self._presence.learn(asked, found)
            while self._doubted:
                await self._look_at(self._doubted.pop())

    async def _look_at(self, user_id: str) -> None:
        fanout = self._fanout
        while True:
            before = fanout.generation(user_id)
            heads = await self._db.read(lambda tx: rooms.heads(tx, user_id))
            if fanout.generation(user_id) == before:
                break
        received = fanout.synced().get(user_id)
        if received is None:
            return
        gone = received - heads.keys()
        if gone:
            now = await self._db.read(lambda tx: nodes.heads(tx, gone))
            if fanout.generation(user_id) != before:
                self._doubted.add(user_id)
                return
            self._take_out(user_id, {one: now.get(one, 0) for one in gone})
        for conversation_id in heads.keys() - received:
            self._order.began(conversation_id, heads[conversation_id])
            fanout.enter(user_id, conversation_id)

    def _take_out(self, user_id: str, heads: Mapping[str, int]) -> None:
        for conversation_id, head in heads.items():
            # The log tells them, and everybody, why; where it has, this is what is left.
            if head > self._order.shown(conversation_id):
                self._order.look(conversation_id, head)
            else:
                self._fanout.leave(user_id, conversation_id)

    def _doubt(self, user_id: str) -> None:
        if self._fanout.of_user(user_id):
            self._doubted.add(user_id)

    # --- telling -------------------------------------------------------------------------

    async def _tell(self) -> None:
        """Write down who is here, renew the lease, tell what was spent."""
        turn = 0
        while True:
            await asyncio.sleep(TELL_SECONDS)
            turn += 1
            changed = self._presence.unsaved
            if changed or turn % RENEW_TURNS == 0:
                self._presence.unsaved = set()
                try:
                    await self._db.write(lambda tx, changed=changed: self._write(tx, changed))  # type: ignore[misc]  # bound now
                except Exception:
                    self._presence.unsaved |= changed
                    raise
                told = sorted(changed)
                for start in range(0, len(told), FIT):
                    self._bus.send(PresenceMoved(user_ids=told[start : start + FIT]))
            spent = dict(self._spent)
            self._spent.clear()
            for (rate, user_id, bot), count in spent.items():
                self._bus.send(Spent(rate=rate, user_id=user_id, count=count, bot=bot))

    def _write(self, tx: Tx, changed: Iterable[str]) -> None:
        if not nodes.renew(tx, self.node_id, socket.gethostname()):
            # We stood still for so long that the others buried us.
            changed = set(changed) | set(self._presence.everybody())
        nodes.set_present(tx, self.node_id, {one: self._presence.here(one) for one in changed})
        nodes.renew_growing(tx, tuple(self._streams.ids()))

    async def _tidy(self) -> None:
        """One of the servers ends what another left behind when it died."""
        turn = self.turn("janitor")
        while True:
            await asyncio.sleep(_chance.uniform(3, 5))
            if await turn.take():
                await self._db.write(nodes.bury)
                for orphan in await self._db.write(lambda tx: nodes.silent(tx, SILENT_MS)):
                    await self._end(orphan)

    async def _end(self, orphan: Stored) -> None:
        await self._db.write(
            lambda tx: service_messages.fail_stream(
                tx, orphan.conversation_id, orphan.server_msg_id, None
            ),
            self._fanout.settle,
            orphan.conversation_id,
        )

    # --- asked by other parts ------------------------------------------------------------

    def _on_other_servers(self, tx: Tx, user_ids: Iterable[str]) -> dict[str, list[Present]]:
        return nodes.present(tx, self.node_id, user_ids)

    async def _is_elsewhere(self, user_id: str) -> bool:
        return bool(await self._db.read(lambda tx: self._on_other_servers(tx, [user_id])))

    def _tell_failed(self, look: str, address: str) -> None:
        self._bus.send(Failed(look=look, address=address))
