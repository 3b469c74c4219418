"""What a process did to its files, in order, read from a log that strace wrote.

A call that strace shows in two halves has taken effect, for us, in its second half when
it is a sync or changes a name (only then is it sure), and in its first half when it writes
or promises (from then on it may be there, or be seen).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "openat",
    "pwrite64",
    "write",
    "ftruncate",
    "fsync",
    "fdatasync",
    "unlink",
    "rename",
    "sendto",
    # Not used by SQLite as it is built today; a log with one of them is refused.
    "pwritev",
    "fallocate",
    "copy_file_range",
    "link",
    "unlinkat",
    "renameat2",
)
OPTIONS = ["-y", "-xx", "-s", "70000", "-e", f"trace={','.join(CALLS)}"]

_BYTES = r'"((?:\\x..)*)"(?:\.\.\.)?'
_FILE = r"\d+<((?:\\x..)*)>(?:\(deleted\))?"
_LINE = re.compile(r"^(\d+) +(.*)$")
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
_PWRITE = re.compile(rf"^pwrite64\({_FILE}, {_BYTES}, \d+, (\d+)")
_WRITE = re.compile(rf"^(?:write|sendto)\({_FILE}, {_BYTES}")
_TRUNCATE = re.compile(rf"^ftruncate\({_FILE}, (\d+)")
_SYNC = re.compile(rf"^f(?:data)?sync\({_FILE}\) += 0")
_OPEN = re.compile(rf"^openat\([^,]*, {_BYTES}, ([A-Z_|]+)(?:, \d+)?\) += \d")
_UNLINK = re.compile(rf"^unlink\({_BYTES}\) += 0")
_RENAME = re.compile(rf"^rename\({_BYTES}, {_BYTES}\) += 0")
_LATER = ("fsync(", "fdatasync(", "unlink(", "rename(", "openat(")
_KNOWN = ("pwrite64(", "write(", "sendto(", "ftruncate(", *_LATER)


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes at a place of a file."""

    path: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncated:
    """A file's new length."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    """A file, or a folder's names, that must be on the disk."""

    path: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that exists from here on."""

    path: str


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A name that is gone."""

    path: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """A name that another took."""

    path: str
    to: str


@dataclass(frozen=True, slots=True)
class Told:
    """Bytes for somebody else: a record of the harness, a frame for a client."""

    path: str
    data: bytes


Call = Written | Truncated | Synced | Opened | Unlinked | Renamed | Told


def read(log: Path) -> Iterator[Call]:
    """The calls of a log; raises `ValueError` for one that changes files in another way."""
    halves: dict[str, str] = {}
    with log.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            found = _LINE.match(line)
            if found is None:
                continue
            pid, text = found[1], found[2]
            resumed = _RESUMED.match(text)
            if resumed:
                text = halves.pop(pid, "") + resumed[1]
            elif text.endswith("<unfinished ...>"):
                text = text.removesuffix("<unfinished ...>").rstrip()
                if text.startswith(_LATER):
                    halves[pid] = text
                    continue
            call = _parse(text)
            if call is not None:
                yield call


def _parse(text: str) -> Call | None:
    if found := _PWRITE.match(text):
        return Written(_name(found[1]), int(found[3]), _bytes(found[2]))
    if found := _WRITE.match(text):
        return Told(_name(found[1]), _bytes(found[2]))
    if found := _TRUNCATE.match(text):
        return Truncated(_name(found[1]), int(found[2]))
    if found := _SYNC.match(text):
        return Synced(_name(found[1]))
    if found := _OPEN.match(text):
        path = _name(found[1])
        return Truncated(path, 0) if "O_TRUNC" in found[2] else Opened(path)
    if found := _UNLINK.match(text):
        return Unlinked(_name(found[1]))
    if found := _RENAME.match(text):
        return Renamed(_name(found[1]), _name(found[2]))
    if not text.startswith((*_KNOWN, "+++", "---", ")")):
        raise ValueError(f"not foreseen: {text[:100]}")
    return None


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _name(escaped: str) -> str:
    return _bytes(escaped).decode(errors="replace")
