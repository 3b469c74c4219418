"""A run's history: what people, devices and the server did and saw, one JSON object a line.

The vocabulary is Jepsen's, adapted to rooms: an operation is begun, then ends well, ends
badly, or its end is unknown; what the devices show is recorded beside it, and at the end
the truth that the server keeps.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path


class What(StrEnum):
    """What an entry tells.

    Of one's own messages, by device: COMPOSED (shown as pending, so from here on it must
    survive), ACKED, FAILED (shown as failed, `note` is the reason), CANCELLED (discarded,
    and the device said that nobody will receive it).

    Of what a device shows: SEEN (a numbered message on the screen or handed to the
    program), FORGOT (it dropped what it had of the room: left, removed, another epoch).

    Of requests: ASKED and ANSWERED carry `request`; OFFLINE excuses what was asked before.

    Of membership, both with the `seq` that the log gave and `user` as the one concerned:
    JOINED, REMOVED.

    Of the processes: STARTED, CRASHED, FAULT (`note` says which), ONLINE, OFFLINE,
    HEALED (no fault is injected from here on), MARK (a read mark that was shown).

    Of the end: TRUTH (a place of the server's log; without `message_id` one that is no
    message), HELD (a message in a device's cache), GAP (`seq` to `until` is shown as
    missing), PENDING (still to be sent).
    """

    COMPOSED = "composed"
    ACKED = "acked"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SEEN = "seen"
    FORGOT = "forgot"
    ASKED = "asked"
    ANSWERED = "answered"
    JOINED = "joined"
    REMOVED = "removed"
    STARTED = "started"
    CRASHED = "crashed"
    FAULT = "fault"
    ONLINE = "online"
    OFFLINE = "offline"
    HEALED = "healed"
    MARK = "mark"
    TRUTH = "truth"
    HELD = "held"
    GAP = "gap"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    Attributes:
        what: the kind of entry.
        at: seconds; one clock for all processes of a run (CLOCK_MONOTONIC, or virtual).
        device: the program that tells it, such as `ana.1`; empty for server and harness.
        user: whose device it is; the author for TRUTH, SEEN and HELD.
        room: the conversation's id.
        client_id: the message's `clientMsgId`.
        message_id: the message's `serverMsgId`.
        seq: its place in the room's log; 0 where there is none yet.
        until: the last seq of a GAP.
        digest: of the text, as `digest_of` makes it; empty once it was edited or deleted.
        epoch: the server's epoch; seqs of two epochs are not compared.
        request: which request, unique within the device.
        note: words for people, or the reason of a failure.
    """

    what: What
    at: float
    device: str = ""
    user: str = ""
    room: str = ""
    client_id: str = ""
    message_id: str = ""
    seq: int = 0
    until: int = 0
    digest: str = ""
    epoch: str = ""
    request: str = ""
    note: str = ""

    def line(self) -> str:
        """The entry as JSON, without what has its default value."""
        told = {key: value for key, value in asdict(self).items() if value != _DEFAULTS.get(key)}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


_DEFAULTS = {item.name: item.default for item in fields(Entry)}


def digest_of(text: str) -> str:
    """A short digest of a message's text; enough to tell two apart, short enough to keep."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def parse(line: str) -> Entry:
    """One line back; raises `ValueError` for what is no entry."""
    told = json.loads(line)
    told["what"] = What(told["what"])
    try:
        return Entry(**told)
    except TypeError as error:
        raise ValueError(f"no entry: {line[:200]}") from error


class Recorder:
    """Appends to a file, whole lines only: a process killed at any time leaves no half entry.

    Each entry is one write(2) with O_APPEND, which survives the death of the process (not
    that of the machine, which the harness does not cut).
    """

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def add(self, entry: Entry) -> None:
        os.write(self._handle, entry.line().encode() + b"\n")

    def close(self) -> None:
        """May be called twice."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1


@dataclass(slots=True)
class History:
    """The entries of a run in the order of their time."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def of(self, *kinds: What) -> Iterator[Entry]:
        """The entries of these kinds, in order."""
        return (entry for entry in self.entries if entry.what in kinds)

    def save(self, path: Path) -> None:
        path.write_text("".join(f"{entry.line()}\n" for entry in self.entries), encoding="utf-8")


def merged(paths: Iterable[Path]) -> History:
    """The histories that several processes wrote, as one.

    Entries of one file keep their order whatever their times are.
    """
    entries: list[tuple[float, int, int, Entry]] = []
    for number, path in enumerate(sorted(paths)):
        latest = float("-inf")
        with path.open(encoding="utf-8") as lines:
            for place, line in enumerate(lines):
                entry = parse(line)
                latest = max(latest, entry.at)
                entries.append((latest, number, place, entry))
    entries.sort(key=lambda item: item[:3])
    return History([entry for *_, entry in entries])
