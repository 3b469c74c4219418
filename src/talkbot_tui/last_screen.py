"""The last screen, kept in a file: what `start` shows while the program is still being read.

A text file of lines: what it fits (the terminal, the account, the settings), where
one goes on writing, then the rows of the screen. A row is printable text and SGR
sequences, nothing else; whatever else is in the file, the file is left alone.

Imported before anything is on the screen: it may import nothing that Python has not
imported by itself.
"""

from __future__ import annotations

import os
import stat
import sys

from talkbot_tui import __version__

NAME = "last-screen"
FORMAT = f"talkbot-tui {__version__} screen 1"
SIZE_MAX = 1024 * 1024
SGR_MAX = 80
HEAD = 7

SURROUNDINGS = (
    *("TERM", "COLORTERM", "COLORFGBG", "NO_COLOR", "FORCE_COLOR", "TERM_PROGRAM", "WT_SESSION"),
    *("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", "LC_CTYPE", "TZ"),
    *("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "TALKBOT_HOME", "TALKBOT_CONFIG"),
)
"""Variables that change how the screen looks, or whose it is."""


class Screen:
    """A screen of text.

    Attributes:
        columns, lines: the terminal's size.
        rows: as many as `lines`; printable text and SGR sequences.
        cursor: column and row, from 0, where the next character is written.
        edge: the first column that the composer does not have.
        look: SGR parameters of what is written.
        room: id of the conversation that is shown.
    """

    def __init__(
        self,
        size: tuple[int, int],
        rows: list[str],
        cursor: tuple[int, int],
        edge: int,
        look: str,
        room: str,
    ) -> None:
        self.columns, self.lines = size
        self.rows = rows
        self.cursor = cursor
        self.edge = edge
        self.look = look
        self.room = room


def folder(environ: dict[str, str]) -> str:
    """Where `paths.data_folder` lies; "" where that takes more to find out."""
    if named := environ.get("TALKBOT_HOME"):
        return named
    home, data = environ.get("HOME", ""), environ.get("XDG_DATA_HOME", "").strip()
    if not data and home:
        mac = sys.platform == "darwin"
        data = f"{home}/Library/Application Support" if mac else f"{home}/.local/share"
    return f"{data}/talkbot-tui" if data.startswith("/") else ""


def fit(environ: dict[str, str], config: str, cache: str) -> str:
    """What a screen must have in common with a start that shows it.

    config: path of the settings. cache: path of the account's cache, which must be there.
    """
    values = [environ.get(name) for name in SURROUNDINGS]
    textual = sorted(pair for pair in environ.items() if pair[0].startswith("TEXTUAL"))
    accounts = f"{folder(environ)}/accounts.json"
    files = [_state(config), _state(accounts), stat.S_ISREG(os.lstat(cache).st_mode)]
    return repr((values, textual, files))


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        facts = os.stat(path)
    except FileNotFoundError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def encode(screen: Screen, environ: dict[str, str], config: str, cache: str) -> bytes:
    """The file's content; raises `ValueError` for what a start would not show, `OSError`."""
    fitting = fit(environ, config, cache)
    x, y = screen.cursor
    numbers = f"{screen.columns} {screen.lines} {x} {y} {screen.edge} {screen.look}"
    lines = [FORMAT, fitting, config, cache, screen.room, numbers, "", *screen.rows]
    if any("\n" in line for line in lines):
        raise ValueError("a line of its own in a line")
    data = "\n".join(lines).encode()
    decode(data, environ, (screen.columns, screen.lines))
    return data


def read(environ: dict[str, str], size: tuple[int, int]) -> Screen:
    """The last screen, for a terminal of `size` (columns, lines).

    Raises `OSError` and `ValueError`: there is none that fits, or the file is not
    one that we alone could have written.
    """
    place = folder(environ)
    if not place:
        raise ValueError("no folder")
    _ours(os.lstat(place), stat.S_ISDIR)
    handle = os.open(f"{place}/{NAME}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = os.fstat(handle)
        _ours(facts, stat.S_ISREG)
        if facts.st_size > SIZE_MAX or facts.st_nlink != 1:
            raise ValueError("too large, or known by another name")
        data = os.read(handle, facts.st_size)
    finally:
        os.close(handle)
    return decode(data, environ, size)


def _ours(facts: os.stat_result, kind: object) -> None:
    assert callable(kind)
    if not kind(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        raise ValueError("others may have written it")


def decode(data: bytes, environ: dict[str, str], size: tuple[int, int]) -> Screen:
    """The screen in a file's content; raises `ValueError` when it is not to be shown, `OSError`."""
    lines = data.decode().split("\n")
    if lines[0] != FORMAT or len(lines) != HEAD + size[1]:
        raise ValueError("not of this version, or of another size")
    _format, fitting, config, cache, room, numbers = lines[: HEAD - 1]
    columns, count, x, y, edge, look = numbers.split(" ")
    if (int(columns), int(count)) != size or fitting != fit(environ, config, cache):
        raise ValueError("for another terminal, account or configuration")
    at = int(x), int(y)
    if not (0 <= at[0] < int(edge) <= size[0] and 0 <= at[1] < size[1]):
        raise ValueError("a cursor that is nowhere")
    rows = lines[HEAD:]
    if not (_is_sgr(look) and all(map(_harmless, rows))):
        raise ValueError("more than text and its looks")
    return Screen(size, rows, at, int(edge), look, room)


def _is_sgr(parameters: str) -> bool:
    return len(parameters) <= SGR_MAX and all(char in "0123456789;" for char in parameters)


def _harmless(row: str) -> bool:
    """Whether a row is printable text and SGR sequences only."""
    text, *parts = row.split("\x1b")
    if not text.isprintable():
        return False
    for part in parts:
        sequence, end, text = part.partition("m")
        if not (end and sequence[:1] == "[" and _is_sgr(sequence[1:]) and text.isprintable()):
            return False
    return True


def remove(place: str) -> None:
    """Take the last screen away from the folder of our files."""
    try:
        os.unlink(f"{place}/{NAME}")
    except FileNotFoundError:
        return
