"""The last screen's file: it is shown where it fits and is ours, and read as a stranger's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from talkbot_tui import last_screen, paths
from talkbot_tui.last_screen import Screen

SIZE = (20, 3)
ROWS = ["\x1b[0;1mhello\x1b[m olá 漢", "› ", ""]


class Place:
    """A home with an account, a cache and a last screen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"TALKBOT_HOME": str(folder), "TERM": "xterm", "LANG": "en_US.UTF-8"}
        self.config = folder / "config.toml"
        self.cache = folder / "cache.db"
        self.cache.touch()
        folder.chmod(0o700)
        (folder / "accounts.json").write_text("[]")
        self.file = folder / last_screen.NAME

    def encoded(self, rows: list[str] | None = None, look: str = "0;1") -> bytes:
        screen = Screen(SIZE, ROWS if rows is None else rows, (2, 1), 20, look, "c-general")
        return last_screen.encode(screen, self.environ, str(self.config), str(self.cache))

    def put(self, data: bytes) -> None:
        paths.write_private(self.file, data)

    def read(self, size: tuple[int, int] = SIZE) -> Screen:
        return last_screen.read(self.environ, size)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.put(made.encoded())
    return made


def test_it_comes_back_as_it_was(place: Place) -> None:
    screen = place.read()
    assert screen.rows == ROWS
    assert (screen.columns, screen.lines) == SIZE
    assert (screen.cursor, screen.edge, screen.look) == ((2, 1), 20, "0;1")
    assert screen.room == "c-general"


@pytest.mark.parametrize(
    "change",
    [
        lambda place: place.environ.update(TERM="linux"),
        lambda place: place.environ.update(NO_COLOR="1"),
        lambda place: place.environ.update(LANG="pt_BR.UTF-8"),
        lambda place: place.environ.update(TEXTUAL_COLOR_SYSTEM="256"),
        lambda place: place.environ.update(TALKBOT_CONFIG="other.toml"),
        lambda place: place.config.write_text('theme = "day"'),
        lambda place: (place.folder / "accounts.json").write_text("[1]"),
        lambda place: place.cache.unlink(),
    ],
    ids=["term", "colour", "language", "textual", "config", "settings", "account", "cache"],
)
def test_another_start_gets_another_screen(place: Place, change: object) -> None:
    assert callable(change)
    change(place)
    with pytest.raises((ValueError, OSError)):
        place.read()


@pytest.mark.parametrize("size", [(21, 3), (20, 4), (20, 2), (3, 20)])
def test_another_terminal_gets_another_screen(place: Place, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError):
        place.read(size)


HOSTILE = {
    "title": "\x1b]0;mine\x07",
    "csi": "\x1b[2J",
    "reply": "\x1b[6n",
    "keys": "\x1b[>4;2m",
    "colon": "\x1b[4:3m",
    "unended": "\x1b[1",
    "escape": "\x1bc",
    "twice": "\x1b\x1b[m",
    "c1": "\x9b2J",
    "nul": "a\x00b",
    "return": "a\rb",
    "tab": "a\tb",
    "bidi": "\u202eabc",
    "long": f"\x1b[{'1;' * 60}m",
}


@pytest.mark.parametrize("row", HOSTILE.values(), ids=HOSTILE)
def test_more_than_text_is_neither_read_nor_written(place: Place, row: str) -> None:
    data = place.encoded().decode()
    place.put(data.replace("› ", row).encode())
    with pytest.raises(ValueError):
        place.read()
    with pytest.raises(ValueError):
        place.encoded(["", row, ""])


def test_the_look_and_the_cursor_are_read_as_a_strangers_too(place: Place) -> None:
    data = place.encoded().decode()
    for numbers in (
        "20 3 2 1 20 31m\x1b[2J",
        "20 3 20 1 20 1",
        "20 3 2 3 20 1",
        "20 3 -1 1 20 1",
        "20 3 2 1 21 1",
        "20 3 2 1",
        "a b c d e f",
    ):
        place.put(data.replace("20 3 2 1 20 0;1", numbers).encode())
        with pytest.raises(ValueError):
            place.read()


def test_a_line_break_in_a_name_is_no_new_line(place: Place) -> None:
    place.cache = place.folder / "a\nb"
    place.cache.touch()
    with pytest.raises(ValueError):
        place.encoded()


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"talkbot-tui 0 screen 1\n" * 9])
def test_a_damaged_file_is_left_alone(place: Place, data: bytes) -> None:
    place.put(data)
    with pytest.raises(ValueError):
        place.read()


def test_a_large_file_is_not_read(place: Place) -> None:
    place.put(place.encoded() + b" " * last_screen.SIZE_MAX)
    with pytest.raises(ValueError):
        place.read()


def _readable(place: Place) -> None:
    place.file.chmod(0o640)


def _open_folder(place: Place) -> None:
    place.folder.chmod(0o750)


def _link(place: Place) -> None:
    place.file.rename(place.folder / "other")
    place.file.symlink_to(place.folder / "other")


def _two_names(place: Place) -> None:
    os.link(place.file, place.folder / "other")


def _pipe(place: Place) -> None:
    place.file.unlink()
    os.mkfifo(place.file, 0o600)


@pytest.mark.parametrize("change", [_readable, _open_folder, _link, _two_names, _pipe])
def test_what_others_could_have_written_is_not_read(place: Place, change: object) -> None:
    assert callable(change)
    change(place)
    with pytest.raises((ValueError, OSError)):
        place.read()


def test_taking_it_away_twice_is_no_error(place: Place) -> None:
    last_screen.remove(str(place.folder))
    last_screen.remove(str(place.folder))
    assert not place.file.exists()


FOLDER = """
import os
from talkbot_tui import last_screen, paths
print(last_screen.folder(dict(os.environ)))
print(paths.data_folder())
"""


@pytest.mark.parametrize(
    "environ",
    [
        {"HOME": "/home/ana"},
        {"HOME": "/home/ana", "XDG_DATA_HOME": "/data"},
        {"HOME": "/home/ana", "XDG_DATA_HOME": " "},
        {"HOME": "/home/ana", "XDG_DATA_HOME": "relative"},
        {"HOME": "/home/ana", "TALKBOT_HOME": "/mine"},
        {},
    ],
)
def test_it_lies_where_our_files_lie(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FOLDER], env=environ, capture_output=True, text=True, check=True
    )
    guessed, folder = done.stdout.splitlines()
    assert guessed in (folder, "")
    assert guessed or not environ.get("HOME") or environ.get("XDG_DATA_HOME") == "relative"


LIGHT = """
import sys
before = set(sys.modules)
import talkbot_tui.start, talkbot_tui.last_screen
print(*sorted(set(sys.modules) - before))
"""


def test_nothing_is_imported_before_the_first_byte() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", LIGHT], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert loaded <= {
        *("__future__", "gc", "talkbot_tui", "talkbot_tui.start", "talkbot_tui.last_screen"),
    }
