"""Kill points: one conversation, one process killed at its n-th call of a kind, and what is left.

The kill comes at the entry of the call, which then does not happen. `when=n`
counts the calls of each thread by itself; each of the calls below is made by one
thread alone (the store's or the loop's) once the tracing has begun.
"""

from __future__ import annotations

import random
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from talkbot_tui.client.sqlite_store import SqliteStore
from tests.crash import truth
from tests.crash.people import talk
from tests.crash.places import Run, new_run, sign_up_at
from tests.crash.processes import Child, Tracer
from tests.crash.serving import READY, ready_port, serve
from tests.histories.checker import Violation, check
from tests.histories.record import Entry, What, merged
from tests.waiting import until_sync

CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "write", "sendto")
"""Everything that writes: files of the store, their syncs, our own records, frames."""

WITHIN_S = 60.0
SIDES = {"client": 4, "client-again": 2, "server": 4, "server-again": 1, "server-first": 1}
"""Who is killed, and its share of the points. `-again`: killed once more, while it recovers."""

_CALL = re.compile(r"^(\d+) +(\w+)\(")


@dataclass(frozen=True, slots=True)
class Point:
    """Where to kill: at the `number`-th `call` of the process on that side; 0 for nowhere."""

    side: str
    call: str
    number: int
    seed: int

    def __str__(self) -> str:
        return f"{self.side}:{self.call}:{self.number}:{self.seed}"

    @classmethod
    def parse(cls, text: str) -> Point:
        """Read what `str` gives."""
        side, call, number, seed = text.split(":")
        return cls(side, call, int(number), int(seed))

    def before(self) -> Point:
        """The first kill of a process that is to be killed again while it recovers."""
        number = random.Random(self.seed).randrange(20, 60)
        return replace(self, call="pwrite64", number=number)

    def options(self) -> list[str]:
        """For strace."""
        if not self.number:
            return ["-e", f"trace={','.join(CALLS)}"]
        inject = f"inject={self.call}:signal=KILL:when={self.number}"
        return ["-e", f"trace={self.call}", "-e", inject]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a point: whether the kill happened at all, and the broken promises."""

    point: Point
    killed: bool
    violations: tuple[Violation, ...]


def try_point(
    template: Path,
    point: Point,
    *,
    bug: str = "",
    patience: float = 15.0,
    keep: Path | None = None,
) -> Outcome:
    """One run with one kill; what is left of a broken one is copied to `keep`."""
    with new_run(template, point.seed, bug=bug, patience=patience) as run:
        stage = Stage(run)
        killed, found = False, []
        try:
            killed = stage.play(point, None)
        except AssertionError as error:
            found = [Violation("stuck", f"{error}{stage.deaths()}")]
        found += _judge(stage.run)
        if found and keep is not None:
            shutil.copytree(run.folder, keep / str(point), dirs_exist_ok=True)
        return Outcome(point, killed, tuple(found))


def all_points(template: Path, side: str, seed: int) -> list[Point]:
    """Every point of a conversation, as counted in a run without a kill."""
    with new_run(template, seed) as run:
        log = run.folder / "calls"
        stage = Stage(run)
        stage.play(Point(side, "", 0, seed), log)
        counts: Counter[tuple[str, str]] = Counter()
        with log.open(errors="replace") as lines:
            found = (_CALL.match(line) for line in lines)
            counts.update((call[1], call[2]) for call in found if call)
        broken = _judge(stage.run)
        assert not broken, broken
    most: dict[str, int] = {}
    for (_, call), count in counts.items():
        most[call] = max(count, most.get(call, 0))
    return [Point(side, call, n, seed) for call in CALLS for n in range(1, most.get(call, 0) + 1)]


class Stage:
    """The processes of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._children: list[Child] = []
        self._port = 0
        self._crashes = 0

    def play(self, point: Point, log: Path | None) -> bool:
        """Have the conversation; whether the kill happened."""
        sides = {
            "client": self._client,
            "client-again": self._client,
            "server": self._server,
            "server-again": self._server,
            "server-first": self._first,
        }
        try:
            return sides[point.side](point, log)
        finally:
            for child in self._children:
                child.end()

    def _client(self, point: Point, log: Path | None) -> bool:
        server = self._serving()
        ben = self._person("ben")
        if point.side == "client-again":
            first = Tracer(ana := self._ana(), point.before().options())
            ana.go()
            self._fate(ana, point)
            first.ended()
        tracer = Tracer(ana := self._ana(), point.options(), log)
        ana.go()
        killed = self._fate(ana, point)
        tracer.ended()
        if killed:
            self._settled(self._person("ana"))
        self._settled(ben)
        self._stop(server)
        return killed

    def _server(self, point: Point, log: Path | None) -> bool:
        server = self._serving(bugged=True)
        again = point.side == "server-again"
        tracer = Tracer(server, (point.before() if again else point).options(), log)
        people = [self._person("ben"), self._person("ana")]
        self._until_killed(server, people)
        if again and not server.running():
            self._fate(server, point)
            tracer.ended()
            server = self._child("server", partial(serve, self._run, self._port))
            tracer = Tracer(server, point.options(), log)
            server.go()
            self._until_killed(server, people)
        killed = not server.running()
        if killed:
            self._fate(server, point)
            server = self._serving()
        for person in people:
            self._settled(person)
        server.signal(signal.SIGTERM)
        if self._fate(server, point):
            # Killed in its farewell: it must come up once more.
            killed = True
            self._stop(self._serving())
        tracer.ended()
        return killed

    def _first(self, point: Point, log: Path | None) -> bool:
        """The first start of all: folder, schema, default channel, signing key."""
        shutil.rmtree(self._run.server)
        server = self._child("server", partial(serve, self._run, 0))
        tracer = Tracer(server, point.options(), log)
        server.go()
        until_sync(
            lambda: ready_port(self._run.folder) or not server.running(), WITHIN_S, server.words
        )
        server.signal(signal.SIGTERM)
        killed = self._fate(server, point)
        tracer.ended()
        server = self._serving()
        self._run = replace(self._run, facts=sign_up_at(self._run.server, self._port))
        for person in [self._person("ben"), self._person("ana")]:
            self._settled(person)
        self._stop(server)
        return killed

    @property
    def run(self) -> Run:
        """The run as it was: the first start decides who its people are."""
        return self._run

    def deaths(self) -> str:
        """Whose end nobody asked for, for a report: a signal that is not ours."""
        codes = [(child.log.stem, child.ended(0)) for child in self._children]
        sudden = [f"{name} died of signal {-code}" for name, code in codes if code < 0]
        ours = f"signal {int(signal.SIGKILL)}"
        told = [text for text in sudden if not text.endswith(ours)]
        return f" ({', '.join(told)})" if told else ""

    def _until_killed(self, server: Child, people: list[Child]) -> None:
        # Only this loop waits for either of two ends; there is no event to wait for.
        until_sync(
            lambda: not server.running() or not any(person.running() for person in people),
            2 * WITHIN_S,
            server.words,
        )

    def _ana(self) -> Child:
        work = partial(talk, self._run, "ana", self._port, kept=True, bugged=True)
        return self._child("ana", work)

    # --- processes ------------------------------------------------------------------------

    def _child(self, name: str, work: partial[None]) -> Child:
        if name == "server":
            (self._run.folder / READY).unlink(missing_ok=True)
        child = Child(work, self._run.log(name))
        self._children.append(child)
        return child

    def _person(self, name: str) -> Child:
        kept = name == "ana"
        child = self._child(name, partial(talk, self._run, name, self._port, kept=kept))
        child.go()
        return child

    def _serving(self, *, bugged: bool = False) -> Child:
        run = self._run if bugged else self._run.sound()
        child = self._child("server", partial(serve, run, self._port))
        child.go()
        self._ready(child)
        return child

    def _ready(self, server: Child) -> None:
        until_sync(lambda: ready_port(self._run.folder), WITHIN_S, server.words)
        self._port = ready_port(self._run.folder)

    def _fate(self, child: Child, point: Point) -> bool:
        """Wait for the end of the traced process; whether it was killed."""
        code = child.ended(WITHIN_S)
        if code == 0:
            return False
        assert code == -signal.SIGKILL, f"{point}: ended with {code}; {child.words()}"
        return True

    def _settled(self, child: Child) -> None:
        code = child.ended(WITHIN_S)
        assert code == 0, f"ended with {code}; {child.words()}"

    def _stop(self, server: Child) -> None:
        server.signal(signal.SIGTERM)
        self._settled(server)


def _judge(run: Run) -> list[Violation]:
    people = ("ana", "ben")
    records = [*map(run.history, people), *map(run.ending, people)]
    history = merged(path for path in records if path.exists())
    history.add(Entry(What.HEALED, time.monotonic()))
    for entry in truth.truth(run):
        history.add(entry)
    cache = SqliteStore(run.profile("ana")).path
    return [*check(history), *truth.damage(run.database), *truth.damage(cache), *_notices(run)]


def _notices(run: Run) -> Iterator[Violation]:
    """No kill makes a file look damaged."""
    for path in run.profile("ana").glob("*.corrupt-*"):
        yield Violation("damaged file", f"{path.name} was put aside")
