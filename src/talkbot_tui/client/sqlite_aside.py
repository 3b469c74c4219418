"""Putting a damaged file aside so that being cut off in the middle loses nothing.

A marker beside the file says under which name it is kept, from before the first
rename until its unsent messages stand in the new file. Whoever opens the file and
finds the marker goes on where the last one was cut off.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from talkbot_tui.client.sqlite_rescue import FOLDER_PREFIX
from talkbot_tui.client.store import StoreError
from talkbot_tui.paths import write_private

SIDES = ("", "-wal", "-shm")
LATE = "late"
_NO_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP})
"""What file systems answer that know no syncing of folders."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A damaged file in its new place.

    Attributes:
        path: where it is kept.
        late: what was written last is what is harmed, and nothing else tells of it.
    """

    path: Path
    late: bool


def begun(path: Path) -> bool:
    """Whether a rescue of the file at `path` was begun and not brought to its end."""
    return marker(path).exists()


def put(path: Path, *, late: bool = False) -> Kept:
    """Move the file and what belongs to it aside, or finish that.

    Of a rescue that was begun before, the marker knows whether it was `late`. Raises
    `OSError`, and `StoreError` (unsafe) for a marker that is not ours.
    """
    kept = _begun(path)
    if kept is None:
        kept = Kept(_free(path), late)
        lines = [kept.path.name, LATE] if late else [kept.path.name]
        write_private(marker(path), "\n".join(lines).encode())
        _sync(path.parent)
    if kept.path.exists():
        # It went last: what stands in its place is a new file that nobody has seen yet.
        for side in SIDES:
            path.with_name(path.name + side).unlink(missing_ok=True)
    else:
        for side in reversed(SIDES):
            with suppress(FileNotFoundError):
                path.with_name(path.name + side).rename(kept.path.with_name(kept.path.name + side))
                _sync(path.parent)
    for copy in path.parent.glob(f"{FOLDER_PREFIX}*"):
        # Whoever was killed while reading left messages in it that nobody would delete.
        shutil.rmtree(copy, ignore_errors=True)
    return kept


def done(path: Path) -> None:
    """All that could be read is in the new file, for good; raises `OSError`.

    A marker that stayed, or came back after a power cut, would throw the new file away.
    """
    _sync(path.parent)
    marker(path).unlink(missing_ok=True)
    _sync(path.parent)


def marker(path: Path) -> Path:
    """The file that says that a rescue of `path` is not at its end."""
    return path.with_name(path.name + ".rescue")


def _begun(path: Path) -> Kept | None:
    try:
        name, *more = marker(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise StoreError("unsafe", str(marker(path)), str(error)) from None
    if Path(name).name != name or not name.startswith(f"{path.name}.corrupt-"):
        raise StoreError("unsafe", str(marker(path)), "it names another file")
    return Kept(path.with_name(name), LATE in more)


def _free(path: Path) -> Path:
    """A name that nobody has yet, with the time in it."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    return aside


def _sync(folder: Path) -> None:
    """The names in it are on disk; where folders cannot be opened (Windows), as the system does."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(handle)
