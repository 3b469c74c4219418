"""One program of one person: a core session, and what `client.engine*` does around it.

Everything here mirrors the engine and says which function; where they differ, the
simulation proves nothing. What the engine does with tasks is done with the heap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, get_args

from talkbot_tui.client.engine import OVERSLEPT_MS
from talkbot_tui.client.retry import HEALTHY_S, backoff
from talkbot_tui.client.store import StoreEffect
from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.session import Session
from tests.sim.answers import answered, failed, received, timeout_of
from tests.sim.network import Connection, Frame
from tests.sim.server import Refused
from tests.sim.store import SimStore
from tests.sim.watcher import Watcher
from tests.sim.words import words
from tests.sim.world import Action, World

DRAFT_MS = 400
_STORED = frozenset(get_args(StoreEffect))

Refusal = tuple[str, int]
"""Why a connection was not made: a reason, and the ms that the server named."""


class Device:
    """The program, from its first start on; it may be killed and started again.

    Attributes:
        name: such as `ana.1`. user: whose it is.
        offset: what the device's clock shows more than the world's, in ms.
        running: a process is there.
    """

    def __init__(
        self,
        world: World,
        name: str,
        user: str,
        store: SimStore,
        dial: Callable[[Device], Connection | Refusal],
        watcher: Watcher,
        *,
        asks: bool,
    ) -> None:
        self.world = world
        self.name = name
        self.user = user
        self.store = store
        self.watcher = watcher
        self.offset = 1_700_000_000_000
        self.running = False
        self.session = Session()
        self.connection: Connection | None = None
        self.frozen_until = 0
        self._frozen_from = 0
        self._dial = dial
        self._asks = asks
        self._life = 0

    @property
    def clock(self) -> int:
        """The wall clock, in ms."""
        return self.world.now + self.offset

    # --- life: Engine.start, kill -9, Engine.stop, a laptop's lid -------------------------

    def start(self) -> None:
        """Mirrors `Engine.start`."""
        self._life += 1
        self.running = True
        self.session = Session(asks=self._asks)
        self.connection = None
        self._me = ""
        self._queue: deque[e.Event] = deque()
        self._handling = False
        self._wake_turn = 0
        self._wake_at = 0
        self._pending: list[f.Effect] = []
        self._drafts: dict[str, f.SaveDraft] = {}
        self._draft_timer = False
        self._writing: list[Any] | None = None
        self._performing = False
        self._asked: dict[int, tuple[f.Effect, int]] = {}
        self._number = 0
        self._failures = self._attempt = 0
        self._pause_turn = 0
        self._paused = self._given_up = self._at_once = False
        self._up_since = 0
        self._inbox: list[Any] = []
        loaded = self.store.open()
        self._me = loaded.me.user_id
        self.feed(loaded)
        self._connect()

    def crash(self) -> None:
        """Killed: of a transaction under way, all is on disk or nothing."""
        writing = self._writing
        self._end()
        if writing and self.world.chance.random() < 0.5:
            self.store.apply(writing)

    def stop(self) -> None:
        """Mirrors `Engine.stop`: what is pending is written, nothing more is sent."""
        writing = self._writing
        for _ in range(2):
            if writing:
                for answer in self.store.apply(writing):
                    self.feed(answer)
            self._writing = None
            self._pending.extend(self._drafts.values())
            self._drafts.clear()
            effects, self._pending = self._pending, []
            writing = [effect for effect in effects if type(effect) in _STORED]
        if writing:
            self.store.apply(writing)
        self._end()

    def _end(self) -> None:
        self.running = False
        self._life += 1
        self._writing = None
        self.frozen_until = 0
        if self.connection is not None:
            connection, self.connection = self.connection, None
            connection.hang_up()

    def freeze(self, duration: int) -> None:
        """The machine sleeps: nothing runs, what was due is late by as much."""
        self._frozen_from = self.world.now
        self.frozen_until = self.world.now + duration

    def later(self, delay: int, action: Action) -> None:
        """Do this in `delay` ms, unless the process has ended by then."""
        life = self._life

        def act() -> None:
            if life != self._life:
                return
            if self.frozen_until > self.world.now:
                late = self.world.now - self._frozen_from
                self.world.later(self.frozen_until - self.world.now + late, act)
            else:
                action()

        self.world.later(delay, act)

    # --- events: Engine._feed, _run, _handle, _shell ---------------------------------------

    def feed(self, event: e.Event) -> None:
        """Mirrors `Engine._feed` and `_run`: one after the other."""
        self._queue.append(event)
        if self._handling:
            return
        self._handling = True
        while self._queue:
            self._handle(self._queue.popleft())
        self._handling = False

    def _handle(self, event: e.Event) -> None:
        """Mirrors `Engine._handle`, `_shell` and `_publish`."""
        if self.world.telling:
            self.world.tell(self.name, event)
        self.watcher.handling(self, event)
        try:
            effects = self.session.handle(event, self.clock)
        except Exception as error:
            self.watcher.died(self, error, event)
            return
        self.watcher.handled(self, effects, self.session.take_changes())
        for effect in effects:
            if self.world.telling:
                self.world.tell(self.name, f"  {words(effect)}")
            match effect:
                case f.WakeAt(at=at):
                    self._wake_at = at
                    self._sleep()
                case f.Reconnect(reason=reason):
                    self._reconnect(reason)
                case _:
                    self._push(effect)

    # --- the timer: Engine._timer ------------------------------------------------------------

    def _sleep(self) -> None:
        self._wake_turn += 1
        turn = self._wake_turn
        self.later(max(0, self._wake_at - self.clock), lambda: self._woken(turn))

    def _woken(self, turn: int) -> None:
        if turn != self._wake_turn or not self._wake_at:
            return
        if self.clock - self._wake_at > OVERSLEPT_MS:
            self._reconnect("overslept")
        self._wake_at = 0
        self.feed(e.Tick())

    # --- effects: Performer.push, _turn, _take, _send, _exchange -------------------------------

    def _push(self, effect: f.Effect) -> None:
        """Mirrors `Performer.push`."""
        if isinstance(effect, f.SaveDraft):
            self._drafts[effect.conversation_id] = effect
            if not self._draft_timer:
                self._draft_timer = True
                self.later(DRAFT_MS, self._draft_due)
            return
        if isinstance(effect, f.SaveLocal):
            self._drafts.pop(effect.message.conversation_id, None)
        self._pending.append(effect)
        self._perform_soon()

    def _draft_due(self) -> None:
        self._draft_timer = False
        self._perform_soon()

    def _perform_soon(self) -> None:
        if not self._performing:
            self._performing = True
            self.later(0, self._turn)

    def _turn(self) -> None:
        """Mirrors `Performer._turn`: on disk first, then on its way."""
        effects, self._pending = self._pending, []
        if not self._draft_timer:
            effects.extend(self._drafts.values())
            self._drafts.clear()
        stored = [effect for effect in effects if type(effect) in _STORED]
        if not stored:
            self._performed(effects)
            return
        self._writing = stored
        slow = self.world.chance.random() < 0.02
        self.later(
            self.world.lag(50, 900) if slow else self.world.lag(1, 8),
            lambda: self._written(stored, effects),
        )

    def _written(self, stored: list[Any], effects: list[f.Effect]) -> None:
        self._writing = None
        for answer in self.store.apply(stored):
            self.feed(answer)
        self._performed(effects)

    def _performed(self, effects: Iterable[f.Effect]) -> None:
        for effect in effects:
            if type(effect) not in _STORED:
                self.ask(effect)
        self._performing = False
        if self._pending or (self._drafts and not self._draft_timer):
            self._perform_soon()

    def ask(self, effect: Any) -> None:
        """Mirrors `Performer._send` and the beginning of `_exchange`."""
        seconds = timeout_of(effect)
        if not seconds:
            return
        connection = self.connection
        if connection is None:
            self._told(failed(effect, "link_lost"))
            return
        self._number += 1
        number = self._number
        self._asked[number] = (effect, self.world.now)
        connection.up.put(("ask", number, effect))
        self.later(seconds * 1000, lambda: self._unanswered(number))

    def _unanswered(self, number: int) -> None:
        """Mirrors `Transport.request`: a late answer finds nobody."""
        asked = self._asked.pop(number, None)
        if asked is not None:
            self._told(failed(asked[0], "unanswered"))

    def _answered(self, number: int, answer: Any) -> None:
        """Mirrors the end of `Performer._exchange`."""
        asked = self._asked.pop(number, None)
        if asked is None:
            return
        effect, since = asked
        if isinstance(answer, Refused):
            retry_at = self.clock + answer.retry_after if answer.retry_after else 0
            told = failed(effect, answer.code, retryable=answer.retryable, retry_at=retry_at)
        else:
            told = answered(effect, answer, self.user)
            if isinstance(effect, f.SendSync):
                self._me = self.user
            self.feed(a.Latency(self.world.now - since))
        self._told(told)

    def _told(self, event: e.Event | None) -> None:
        if event is not None:
            self.feed(event)

    # --- the link: Supervisor.run, _live, _pause, _give_up, reconnect ---------------------------

    def _connect(self) -> None:
        self._paused = self._given_up = False
        self._attempt += 1
        self.feed(a.LinkConnecting(self._attempt))
        self.later(self.world.lag(2, 150), self._dialled)

    def _dialled(self) -> None:
        got = self._dial(self)
        if isinstance(got, Connection):
            self.connection = got
            self._up_since = self.world.now
            self.feed(a.LinkUp())
            return
        reason, wait = got
        if reason == "session_revoked":
            self._given_up = True
            self._attempt = self._failures = 0
            self.feed(a.LinkRefused(reason, "The session was ended."))
            return
        self._failures += 1
        self._pause(reason, wait, answered=bool(wait))

    def _pause(self, reason: str, wait: int, *, answered: bool = False) -> None:
        delay = backoff(self._failures, self.world.chance.random(), answered=answered)
        if wait:
            seconds = wait / 1000
            delay = seconds * (1 + self.world.chance.random()) if seconds > delay else delay
        if self._at_once:
            delay = 0.0
        self._at_once = False
        self._paused = True
        self._pause_turn += 1
        turn = self._pause_turn
        self.feed(a.LinkDown(reason, self.clock + int(delay * 1000)))
        self.later(int(delay * 1000), lambda: self._paused_out(turn))

    def _paused_out(self, turn: int) -> None:
        if self._paused and turn == self._pause_turn:
            self._connect()

    def _reconnect(self, reason: str) -> None:
        """Mirrors `Supervisor.reconnect`."""
        if self.connection is not None:
            self._at_once = reason == "user"
            self._lost("lost" if reason == "user" else "silent")
        elif (self._paused or self._given_up) and reason != "unanswered":
            self._pause_turn += 1
            self._paused = self._given_up = False
            self.later(0, self._connect)

    def _lost(self, code: str) -> None:
        """Mirrors the end of `Supervisor._live`; requests fail before or after the link."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.hang_up()
        self._inbox.clear()
        asked, self._asked = self._asked, {}
        late = [event for effect, _ in asked.values() if (event := failed(effect, "link_lost"))]
        before = self.world.chance.random() < 0.5
        self._attempt = 0
        if self.world.now - self._up_since >= HEALTHY_S * 1000:
            self._failures = 0
        self._failures += 1
        if before:
            for event in late:
                self.feed(event)
        self._pause(code, 0)
        if not before:
            for event in late:
                self.feed(event)

    # --- frames: Supervisor._take ------------------------------------------------------------

    def ended(self, connection: Connection, code: str) -> None:
        """The transport raises `LinkLost`."""
        self.later(0, lambda: self._lost(code) if self.connection is connection else None)

    def arrived(self, connection: Connection, frame: Frame) -> None:
        """An ack ends its request; an event waits to be received with its neighbours."""
        self.later(0, lambda: self._take(connection, frame))

    def _take(self, connection: Connection, frame: Frame) -> None:
        if self.connection is not connection:
            return
        if frame[0] == "ack":
            self._answered(frame[1], frame[2])
            return
        self._inbox.append(frame[1])
        if len(self._inbox) == 1:
            self.later(self.world.lag(0, 3), self._receive)

    def _receive(self) -> None:
        inbox, self._inbox = self._inbox, []
        for event in received(inbox, self._me):
            self.feed(event)
