"""A client's process: the real engine, headless, which writes down what its user is shown.

Told by lines on standard input: `say N RATE`, `end {room: head}`; it answers with lines on
standard output: `open`, `said`, `settled`. A process that is killed is started anew on the
same folder and the same history.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from talkbot_tui.client.connect import open_with_token
from talkbot_tui.client.engine import Engine
from talkbot_tui.core.changes import Change
from talkbot_tui.core.events import FillGap, OpenConversation, ReachedTop
from talkbot_tui.core.model import LogEvent, Message, MessagePosted, SendState
from tests.histories.record import Entry, Recorder, What, digest_of, parse
from tests.waiting import until

SETTLE_S = 75.0
WORDS = ("bom dia", "olá", "é", "你好", "🎉", "the cat", "sat on", "a mat", "and more of it")


class Talker:
    """One device of one person.

    Attributes:
        rooms: where it talks, in turn.
    """

    def __init__(self, engine: Engine, device: str, user: str, history: Path) -> None:
        self.engine = engine
        self.rooms: tuple[str, ...] = ()
        self._device, self._user = device, user
        before = [parse(line) for line in _lines(history)]
        self._told = {(entry.what, entry.client_id) for entry in before if entry.client_id}
        self._online = False
        self._recorder = Recorder(history)
        self._dice = random.Random(device)

    async def start(self, rooms: tuple[str, ...]) -> None:
        """Open the cache; what the outbox holds is shown as pending from here on."""
        self.rooms = rooms
        self._tell(What.STARTED)
        self.engine.subscribe(self._changed)
        self.engine.add_log_listener(self._heard)
        await self.engine.start()
        self.engine.dispatch(OpenConversation(rooms[0]))
        self._look()

    async def say(self, count: int, rate: float) -> None:
        """Compose so many messages, so many a second; the pace is the load, not a wait.

        Returns when all are in the outbox or given back: whoever looks at the file then
        knows what is still to come.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(count):
            text = " ".join(self._dice.choices(WORDS, k=self._dice.choice((3, 8, 8, 60))))
            room = self.rooms[number % len(self.rooms)]
            self.engine.send(room, f"{self._device} {time.monotonic_ns()} {text}")
            await asyncio.sleep(max(0.0, began + (number + 1) / rate - loop.time()))
        await until(lambda: not self._saving(), SETTLE_S, self._state)

    async def settle(self, heads: Mapping[str, int]) -> None:
        """Wait until everything is sent and everything that the server has is here.

        A device whose first sync was killed before it was on disk begins anew with the
        newest page; what it had shown is above, where a user scrolls to, and so does this.
        """
        await until(lambda: self._online and not self._unsent(), SETTLE_S, self._state)
        for room, head in heads.items():
            self.engine.dispatch(OpenConversation(room))
            await until(lambda room=room, head=head: self._whole(room, head), SETTLE_S, self._state)  # type: ignore[misc]  # bound now
            await until(lambda room=room: self._to_the_top(room), SETTLE_S, self._state)  # type: ignore[misc]  # bound now

    async def close(self) -> None:
        """Stop the engine."""
        await self.engine.stop()
        assert self.engine.faults == 0, "the session failed on an event"

    # --- inside -------------------------------------------------------------------------

    def _whole(self, room: str, head: int) -> bool:
        view = self.engine.session.timeline(room)
        for gap in view.gaps:
            if not gap.fetching:
                self.engine.dispatch(FillGap(room, gap.last))
        return not view.gaps and view.cursor >= head

    def _to_the_top(self, room: str) -> bool:
        floor = self.engine.session.timeline(room).floor
        if floor is not None and floor > 1:
            self.engine.dispatch(ReachedTop(room))
        return floor is not None and floor <= 1

    def _unsent(self) -> int:
        return sum(room.queued for room in self.engine.session.rooms())

    def _saving(self) -> int:
        rows = (row for room in self.rooms for row in self.engine.session.timeline(room).rows)
        return sum(isinstance(row, Message) and row.state is SendState.SAVING for row in rows)

    def _state(self) -> str:
        session = self.engine.session
        rooms = [
            (room.conversation.name, room.queued, room.failed, session.timeline(key).cursor)
            for room in session.rooms()
            for key in (room.conversation.conversation_id,)
        ]
        return f"{self._device}: {session.link.state} {session.link.reason} {rooms}"

    def _changed(self, _changes: tuple[Change, ...]) -> None:
        online = self.engine.session.link.online
        if online is not self._online:
            self._online = online
            self._tell(What.ONLINE if online else What.OFFLINE)
        self._look()

    def _look(self) -> None:
        for room in self.rooms:
            for row in self.engine.session.timeline(room).rows[-200:]:
                if isinstance(row, Message) and row.client_msg_id and self._mine(row):
                    self._show(row)

    def _mine(self, row: Message) -> bool:
        return row.sender.user_id in ("", self._user) and row.state is not SendState.SAVING

    def _show(self, row: Message) -> None:
        self._once(What.COMPOSED, row)
        if row.state is SendState.SENT:
            self._once(What.ACKED, row)
        elif row.state is SendState.FAILED:
            self._once(What.FAILED, row)

    def _heard(self, events: tuple[LogEvent, ...]) -> None:
        for event in events:
            if isinstance(event, MessagePosted):
                self._add(What.SEEN, event.message)
                if self._mine(event.message):
                    self._show(event.message)

    def _once(self, what: What, row: Message) -> None:
        if (what, row.client_msg_id) not in self._told:
            self._told.add((what, row.client_msg_id))
            self._add(what, row)

    def _add(self, what: What, row: Message) -> None:
        self._recorder.add(
            Entry(
                what,
                time.monotonic(),
                self._device,
                self._user,
                row.conversation_id,
                row.client_msg_id,
                row.server_msg_id,
                row.seq,
                digest=digest_of(row.text),
                note=row.error.partition(":")[0],
            )
        )

    def _tell(self, what: What) -> None:
        self._recorder.add(Entry(what, time.monotonic(), self._device, self._user))


def _lines(history: Path) -> list[str]:
    return history.read_text(encoding="utf-8").splitlines() if history.exists() else []


def answer(word: str) -> None:
    """Tell the harness."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


async def obey(talker: Talker) -> None:
    """Do what standard input says, until it ends."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order, _space, rest = line.strip().partition(" ")
        if order == "say":
            count, rate = rest.split()
            await talker.say(int(count), float(rate))
            answer("said")
        elif order == "end":
            await talker.settle(json.loads(rest))
            break
    await talker.close()
    answer("settled")


async def main(args: argparse.Namespace) -> None:
    """One life of the client."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(name)s: %(message)s")
    token = args.token_file.read_text()
    engine = open_with_token(args.url, token, folder=args.folder, transports=tuple(args.transports))
    talker = Talker(engine, args.device, args.user, args.history)
    await talker.start(tuple(args.rooms))
    answer("open")
    await obey(talker)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("url", "device", "user"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("token-file", "folder", "history"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--rooms", nargs="+", required=True)
    parser.add_argument("--transports", nargs="+", default=["websocket", "polling"])
    asyncio.run(main(parser.parse_args()))
