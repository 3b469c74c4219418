"""The clients' processes: the real engine, headless, which says what the script says.

Each records in its history what its user is shown, at the moment at which it is
shown: a message is COMPOSED once its row is no longer being saved, ACKED once it
has its place. A restarted process goes on where the script was cut.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Iterator

from talkbot_tui.client import addresses
from talkbot_tui.client.connect import store_in
from talkbot_tui.client.connector import SocketIoConnector
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.memory import FixedToken, MemoryStore
from talkbot_tui.core.changes import Change
from talkbot_tui.core.events import OpenConversation
from talkbot_tui.core.model import Gap, Message, SendState
from tests.crash.places import Run
from tests.histories.record import Entry, Recorder, What, digest_of, parse
from tests.planted import crash_bugs
from tests.waiting import until


def text_of(run: Run, name: str, number: int) -> str:
    """What `name` says as the `number`-th thing, from 1; its number is its first word."""
    dice = random.Random(f"{run.seed} {name} {number}")
    length = dice.choice((10, 200, 200, 4_000)) if number % 3 else 40
    return f"{number} {name} " + "".join(dice.choices("abcdefgh é\n😀", k=length)) + "."


class Device:
    """One process of one person."""

    def __init__(self, run: Run, name: str, port: int, *, kept: bool) -> None:
        """`kept`: with a cache on disk, else in memory."""
        self.run, self.name, self.port, self.kept = run, name, port, kept
        self.room = run.facts.room
        path = run.history(name)
        before = [parse(line) for line in path.read_text().splitlines()] if path.exists() else []
        self._told = {_mark(entry) for entry in before}
        self._said = {int(entry.note) for entry in before if entry.what is What.COMPOSED}
        self._recorder = Recorder(path)
        self.engine = self._engine()

    async def open(self) -> None:
        """Start and look at the room, connected or not."""
        self.engine = self._engine()
        self.engine.subscribe(self._changed)
        await self.engine.start()
        self.engine.dispatch(OpenConversation(self.room))
        # What the outbox holds is shown as pending from here on.
        self._changed(())

    async def online(self) -> None:
        """Wait until the server's answer to our sync is there."""
        link = self.engine.session.link
        await until(lambda: link.online, self.run.patience, lambda: f"{link.state} {link.reason}")

    async def say(self, *numbers: int) -> None:
        """Say these, unless they were said before."""
        said = self.said()
        for number in numbers:
            if number not in said:
                self.engine.send(self.room, text_of(self.run, self.name, number))
        await until(lambda: set(numbers) <= self.said(), self.run.patience, self.seen)

    async def delivered(self) -> None:
        """Wait until nothing of ours is unsent."""
        await until(lambda: not any(self._unsent()), self.run.patience, self.seen)

    async def heard(self, name: str, number: int) -> None:
        """Wait until what `name` said as number `number` is shown."""
        await until(lambda: number in self.said(name), self.run.patience, self.seen)

    def said(self, name: str = "") -> set[int]:
        """Numbers of what `name` (else we) said, as far as it is shown here."""
        if not name:
            return self._said | {_number(row) for row in self._rows() if self._by(row)}
        return {_number(row) for row in self._rows() if self._by(row, name)}

    def seen(self) -> str:
        """For the report of a failure."""
        rows = [(row.seq, row.state.value, row.text[:8]) for row in self._rows()]
        link = self.engine.session.link
        return f"{self.name}: {link.state} {link.reason} {rows}"

    async def close(self) -> None:
        """Stop the engine."""
        await self.engine.stop()
        assert self.engine.faults == 0

    def record_end(self) -> None:
        """Write down what the room looks like now; a later end takes the place of this one."""
        path = self.run.ending(self.name)
        path.unlink(missing_ok=True)
        self._recorder = Recorder(path)
        for row in self.engine.session.timeline(self.room).rows:
            if isinstance(row, Gap):
                self._add(Entry(What.GAP, time.monotonic(), seq=row.first, until=row.last))
            elif isinstance(row, Message):
                known = What.HELD if row.state is SendState.SENT else What.PENDING
                self._add(self._entry(known, row))

    # --- inside -------------------------------------------------------------------------

    def _engine(self) -> Engine:
        return Engine(
            store=store_in(self.run.profile(self.name)) if self.kept else MemoryStore(),
            connector=SocketIoConnector(
                addresses.parse(f"http://127.0.0.1:{self.port}"),
                FixedToken(self.run.facts.tokens[self.name]),
                transports=("websocket",),
            ),
            draw=lambda: 0.02,
        )

    def _rows(self) -> Iterator[Message]:
        for row in self.engine.session.timeline(self.room).rows:
            if isinstance(row, Message):
                yield row

    def _by(self, row: Message, name: str = "") -> bool:
        # Before the first answer of the server our own messages have no sender.
        ours = not name and row.state is not SendState.SENT
        return ours or row.sender.user_id == self.run.facts.users[name or self.name]

    def _unsent(self) -> Iterator[Message]:
        return (row for row in self._rows() if row.state is not SendState.SENT)

    def _changed(self, changes: tuple[Change, ...]) -> None:
        for row in self._rows():
            if row.state is SendState.SAVING:
                continue
            if self._by(row):
                self._once(What.COMPOSED, row)
            if row.state is SendState.FAILED:
                self._once(What.FAILED, row)
            elif row.state is SendState.SENT:
                if self._by(row):
                    self._once(What.ACKED, row)
                self._once(What.SEEN, row)

    def _once(self, what: What, row: Message) -> None:
        entry = self._entry(what, row)
        if _mark(entry) not in self._told:
            self._told.add(_mark(entry))
            self._add(entry)

    def _entry(self, what: What, row: Message) -> Entry:
        return Entry(
            what,
            time.monotonic(),
            user=self.run.facts.users[self.name] if self._by(row) else row.sender.user_id,
            client_id=row.client_msg_id,
            message_id=row.server_msg_id,
            seq=row.seq,
            digest=digest_of(row.text),
            note=str(_number(row)) if what is What.COMPOSED else row.error,
        )

    def _add(self, entry: Entry) -> None:
        told = {name: getattr(entry, name) for name in Entry.__slots__}
        told |= {"device": f"{self.name}.1", "room": self.room, "epoch": self.run.facts.epoch}
        self._recorder.add(Entry(**told))


def _number(row: Message) -> int:
    return int(row.text.split()[0])


def _mark(entry: Entry) -> tuple[What, str]:
    return entry.what, entry.client_id or entry.message_id


def talk(run: Run, name: str, port: int, *, kept: bool, bugged: bool = False) -> None:
    """A process that says its part, hears the other's, and records what it shows at the end."""
    logging.basicConfig(level=logging.WARNING)
    with crash_bugs.planted(run.bug if bugged else ""):
        asyncio.run(_talk(Device(run, name, port, kept=kept)))


async def _talk(device: Device) -> None:
    count = device.run.messages
    other = "ben" if device.name == "ana" else "ana"
    await device.open()
    await device.online()
    await device.say(1)
    await device.delivered()
    if device.kept:
        # What is composed while there is no connection yet goes the same way.
        await device.close()
        await device.open()
    await device.say(2)
    await device.online()
    dice = random.Random(f"{device.run.seed} {device.name}")
    number = 3
    while number < count:
        # Alone, or several at once.
        together = range(number, min(count, number + dice.randint(1, 3)))
        await device.say(*together)
        await device.delivered()
        number = together.stop
    await device.delivered()
    await device.heard(other, 2)
    await device.say(count)
    await device.delivered()
    await device.heard(other, count)
    if device.kept:
        # The end is told by a cache that was closed and opened again.
        await device.close()
        await device.open()
        await device.online()
        await device.heard(other, count)
        await device.heard(device.name, count)
    device.record_end()
    await device.close()
