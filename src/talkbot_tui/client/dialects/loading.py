"""Where dialects come from: those of this package by name, others from a file."""

from __future__ import annotations

import os
import stat
from importlib import resources
from pathlib import Path

from talkbot_tui.client.dialects.declared import Declared
from talkbot_tui.client.dialects.declaring import parse
from talkbot_tui.client.dialects.document import DialectError

SIZE_MAX = 256 * 1024
OURS = "talkbot/1"
"""The dialect of our own servers; it is no data but `client.dialects.talkbot`."""
_FOLDER = resources.files("talkbot_tui.client.dialects") / "builtin"


def names() -> tuple[str, ...]:
    """The dialects that are known by name, without our own."""
    found = (Path(file.name) for file in _FOLDER.iterdir())
    return tuple(sorted(file.stem for file in found if file.suffix == ".toml"))


def load(written: str) -> Declared:
    """The dialect that somebody named, or whose file; raises `DialectError`."""
    if written in names():
        text = (_FOLDER / f"{written}.toml").read_text(encoding="utf-8")
        return parse(text, f"{written}.toml")
    if not written.endswith(".toml"):
        known = ", ".join((*names(), OURS))
        reason = f"there is no such dialect; known are {known}, or name a file that ends in .toml"
        raise DialectError(written, 0, "", reason)
    return parse(_text(written), written)


def _text(path: str) -> str:
    try:
        # Not blocking: opening a pipe would wait until somebody writes into it.
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DialectError(path, 0, "", "cannot be read: it is not a file")
            data = file.read(SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        if isinstance(error, DialectError):
            raise
        raise DialectError(path, 0, "", f"cannot be read: {why}") from None
    if len(data) > SIZE_MAX:
        raise DialectError(path, 0, "", f"cannot be read: it is longer than {SIZE_MAX} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DialectError(path, 0, "", "cannot be read: it is not UTF-8") from None
