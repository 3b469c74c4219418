"""Power cuts: one conversation is recorded, and its files are rebuilt as at any moment of it.

What the process had promised before the cut must be in the rebuilt files: of the client,
that a message is shown as pending, or that it has its place; of the server, every message
that a frame to a client has named.
"""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.client.store import StoreError
from talkbot_tui.server.storage.database import FILE, StoreProblem, open_database
from tests.crash import syscalls
from tests.crash.disk import Disk
from tests.crash.places import Run, base, new_run
from tests.crash.points import Point, Stage
from tests.crash.syscalls import Call, Told
from tests.histories.record import What, parse

SIDES = {"client": 5, "server": 4, "server-first": 1}
"""Whose disk is cut off, and its share of the images."""

CACHE = "cache.db"
LONG = 5
"""Each fifth conversation is so long that the store moves its log into its file meanwhile."""

REAL = 50
"""Each fiftieth image is opened by our own code, the others by SQLite alone."""

_NAMED = re.compile(rb'"serverMsgId":"([^"]+)"')


@dataclass(slots=True)
class Report:
    """What came of a conversation's images."""

    side: str
    seed: int
    images: int = 0
    calls: int = 0
    broken: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Promises:
    """What the process has told so far.

    Attributes:
        pending: own messages shown as pending, by `clientMsgId`.
        placed: own messages shown with their place: seq by `clientMsgId`.
        named: `serverMsgId`s that went to a client.
    """

    pending: set[str] = field(default_factory=set)
    placed: dict[str, int] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)

    def hear(self, told: Told, history: Path) -> None:
        """Take in what the process tells."""
        if told.path == str(history):
            for line in told.data.decode().splitlines():
                entry = parse(line)
                if entry.what is What.COMPOSED:
                    self.pending.add(entry.client_id)
                elif entry.what is What.ACKED:
                    self.placed[entry.client_id] = entry.seq
        else:
            self.named.update(name.decode() for name in _NAMED.findall(told.data))


def try_cuts(
    template: Path, side: str, seed: int, images: int, *, bug: str = "", keep: Path | None = None
) -> Report:
    """Record one conversation and check `images` moments of it."""
    report = Report(side, seed)
    messages = 60 if seed % LONG == 0 else 4
    with new_run(template, seed, messages=messages, bug=bug) as run:
        folder = run.profile("ana") if side == "client" else run.server
        held = _files(folder) if side == "server" else {}
        log = run.folder / "calls"
        Stage(run).play(Recording(side, "", 0, seed), log)
        calls = list(syscalls.read(log))
        report.calls = len(calls)
        disk, promises = Disk(str(folder), held), Promises()
        for number, image in enumerate(_images(calls, disk, promises, run, images)):
            report.images += 1
            with tempfile.TemporaryDirectory(prefix="talkbot-cut-", dir=base()) as place:
                for name, data in image.items():
                    (Path(place) / name).write_bytes(data)
                broken = _broken(Path(place), side, promises, real=number % REAL == 0)
                if broken and not report.broken and keep is not None:
                    kept = keep / f"{side}-{seed}-{number}"
                    shutil.copytree(place, kept, dirs_exist_ok=True)
                    _restore(kept, image)
                report.broken += [f"{side}:{seed} image {number}: {text}" for text in broken]
    return report


class Recording(Point):
    """No kill, but a log of everything that is written."""

    def options(self) -> list[str]:
        return syscalls.OPTIONS


def _images(
    calls: list[Call], disk: Disk, promises: Promises, run: Run, images: int
) -> Iterator[dict[str, bytes]]:
    dice = random.Random(f"{run.seed} cuts")
    moments = sorted(dice.randrange(1, len(calls) + 1) for _ in range(images))
    done = 0
    for moment in moments:
        for call in calls[done:moment]:
            if isinstance(call, Told):
                promises.hear(call, run.history("ana"))
            else:
                disk.apply(call)
        done = moment
        yield disk.cut(dice)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _restore(folder: Path, image: dict[str, bytes]) -> None:
    """Opening it has changed it."""
    for name, data in image.items():
        (folder / name).write_bytes(data)


def _broken(folder: Path, side: str, promises: Promises, *, real: bool) -> list[str]:
    try:
        if side == "client":
            return list(_client(folder, promises, real))
        return list(_server(folder, promises, real))
    except (sqlite3.Error, StoreError, StoreProblem) as error:
        return [f"cannot be opened: {error!r}"]


def _client(folder: Path, promises: Promises, real: bool) -> Iterator[str]:
    outbox: set[str] = set()
    if real:
        folder.chmod(0o700)
        outbox, notices = asyncio.run(_opened(folder))
        if notices:
            yield f"our store says {notices}"
    with closing(sqlite3.connect(folder / CACHE)) as db:
        yield from _damage(db)
        if not _has(db, "outbox"):
            if promises.pending:
                yield f"no table, but {len(promises.pending)} messages were shown as pending"
            return
        rows = {row[0] for row in db.execute("SELECT client_msg_id FROM outbox")}
        if real and rows != outbox:
            yield f"our store reads {outbox} where the file has {rows}"
        for lost in promises.pending - promises.placed.keys() - rows:
            yield f"{lost} was shown as pending and is nowhere"
        cursor = db.execute("SELECT coalesce(max(cursor), 0) FROM places").fetchone()[0]
        held = {row[0] for row in db.execute("SELECT seq FROM events")}
        for client_id, seq in promises.placed.items():
            if seq <= cursor and seq not in held and client_id not in rows:
                yield f"{client_id} has place {seq}, the cursor is {cursor}, but no row has it"


async def _opened(folder: Path) -> tuple[set[str], tuple[tuple[str, str], ...]]:
    store = SqliteStore(folder)
    loaded = await store.open()
    try:
        return {message.client_msg_id for message in loaded.outbox}, store.notices()
    finally:
        await store.close()


def _server(folder: Path, promises: Promises, real: bool) -> Iterator[str]:
    if real:
        folder.chmod(0o700)
        open_database(folder).close()
    with closing(sqlite3.connect(folder / FILE)) as db:
        yield from _damage(db)
        if not _has(db, "message"):
            if promises.named:
                yield f"no table, but clients were told of {len(promises.named)} messages"
            return
        stored = {row[0] for row in db.execute("SELECT server_msg_id FROM message")}
        for lost in promises.named - stored:
            yield f"clients were told of {lost}, which is not stored"
        for room, head, count in db.execute(
            "SELECT conversation_id, head_seq, (SELECT count(*) FROM event"
            " WHERE event.conversation_id = conversation.conversation_id) FROM conversation"
        ):
            if head != count:
                yield f"{room} has {count} events, and its head is {head}"


def _damage(db: sqlite3.Connection) -> Iterator[str]:
    for (line,) in db.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"damaged: {line}"


def _has(db: sqlite3.Connection, table: str) -> bool:
    found = db.execute("SELECT count(*) FROM sqlite_master WHERE name = ?", (table,))
    return bool(found.fetchone()[0])
