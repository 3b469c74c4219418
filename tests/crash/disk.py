"""A disk that loses its power: what was synced is there, of the rest anything may be.

The model: a write is on the disk for sure when a sync of its file has returned after it.
Of the later ones each sector of 512 bytes is there or is not, one independent of the
other (so also in any order), and the length of the file may already be the new one. A
new, removed or renamed name is sure when its folder was synced; of the later changes of
names a first part is there, as journals of file systems keep them in order.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import PurePosixPath

from tests.crash.syscalls import Call, Opened, Renamed, Synced, Truncated, Unlinked, Written

SECTOR = 512
VOLATILE = ("-shm",)
"""Files that are made anew at each opening."""

Change = Written | Truncated


class Disk:
    """One folder on a disk; `apply` follows what a process does, `cut` is a loss of power."""

    def __init__(self, folder: str, held: dict[str, bytes]) -> None:
        """`held`: what is on the disk at the beginning, by name."""
        self._folder = folder.rstrip("/")
        self._sure = [bytearray(data) for data in held.values()]
        self._late: list[list[Change]] = [[] for _ in held]
        self._names = {name: number for number, name in enumerate(held)}
        self._sure_names = dict(self._names)
        self._late_names: list[tuple[str, int | None]] = []

    def apply(self, call: Call) -> bool:
        """Take a call in; False when it is about something else."""
        if isinstance(call, Synced) and call.path.rstrip("/") == self._folder:
            self._sure_names = dict(self._names)
            self._late_names.clear()
            return True
        name = self._name(call.path)
        if not name:
            return False
        match call:
            case Written() | Truncated():
                self._late[self._number(name)].append(call)
            case Synced():
                number = self._number(name)
                for change in self._late[number]:
                    _write(self._sure[number], change)
                self._late[number].clear()
            case Opened():
                self._number(name)
            case Unlinked():
                self._rename(name, None)
            case Renamed(to=to):
                number = self._number(name)
                self._rename(name, None)
                self._rename(self._name(to), number)
            case _:
                return False
        return True

    def cut(self, dice: random.Random) -> dict[str, bytes]:
        """What is on the disk when the power comes back."""
        names = dict(self._sure_names)
        for name, number in self._late_names[: dice.randint(0, len(self._late_names))]:
            if number is None:
                names.pop(name, None)
            else:
                names[name] = number
        return {
            name: _remains(self._sure[number], self._late[number], dice)
            for name, number in names.items()
        }

    def _name(self, path: str) -> str:
        found = PurePosixPath(path)
        inside = str(found.parent) == self._folder and not found.name.endswith(VOLATILE)
        return found.name if inside else ""

    def _number(self, name: str) -> int:
        """The file of that name, made when there is none."""
        if name not in self._names:
            self._sure.append(bytearray())
            self._late.append([])
            self._rename(name, len(self._sure) - 1)
        return self._names[name]

    def _rename(self, name: str, number: int | None) -> None:
        if number is None:
            self._names.pop(name, None)
        else:
            self._names[name] = number
        self._late_names.append((name, number))


def _remains(sure: bytearray, late: list[Change], dice: random.Random) -> bytes:
    if not late:
        return bytes(sure)
    how = dice.choice(("none", "all", "first", "some", "torn", "torn"))
    data = bytearray(sure)
    if how == "none":
        return bytes(data)
    kept: Iterable[Change] = late
    if how == "first":
        kept = late[: dice.randint(0, len(late))]
    elif how == "some":
        kept = [change for change in late if dice.random() < 0.5]
    share = dice.choice((0.1, 0.5, 0.9, 0.99)) if how == "torn" else 1.0
    for change in kept:
        if how != "torn":
            _write(data, change)
        elif isinstance(change, Written):
            for piece in _sectors(change):
                if dice.random() < share:
                    _write(data, piece)
        elif dice.random() < share:
            _write(data, change)
    longest = max((c.offset + len(c.data) for c in late if isinstance(c, Written)), default=0)
    if len(data) < longest and dice.random() < 0.3:
        data.extend(bytes(longest - len(data)))
    return bytes(data)


def _write(data: bytearray, change: Change) -> None:
    if isinstance(change, Truncated):
        del data[change.size :]
        data.extend(bytes(change.size - len(data)))
        return
    end = change.offset + len(change.data)
    if len(data) < change.offset:
        data.extend(bytes(change.offset - len(data)))
    data[change.offset : end] = change.data


def _sectors(change: Written) -> Iterable[Written]:
    """The write in pieces that do not cross the border of a sector."""
    start = change.offset
    end = start + len(change.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        at = start - change.offset
        yield Written(change.path, start, change.data[at : at + stop - start])
        start = stop
