"""The last screen first, then the program: what is seen, typed, and given back meanwhile."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import pytest

from talkbot_tui import last_screen
from tests.e2e.terminal import PASTE_BEGIN, PASTE_END, Terminal
from tests.e2e.world import PROGRAM, World
from tests.waiting import until_sync

SAID = "we meet at nine"
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"

HOLD = """
import importlib, os, sys
here = os.path.dirname(os.path.dirname(__file__))
while not os.path.exists(os.environ["HELD"]):
    import time; time.sleep(0.01)
sys.path.remove(here)
del sys.modules["textual"]
sys.modules["textual"] = importlib.import_module("textual")
"""
"""Stands in front of Textual and lets nobody in before there is a file with that name."""


class Place:
    """Ana's account with a last screen, which each test finds anew."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.home = world.folder / "ana" / "talkbot"
        self.file = self.home / last_screen.NAME
        self.gate = world.folder / "gate"
        self.kept = b""

    def put(self, data: bytes | None = None) -> None:
        """The last screen is as it was."""
        self.gate.unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)
        self.file.touch(0o600)
        self.file.write_bytes(self.kept if data is None else data)

    @contextmanager
    def app(self, *arguments: str, front: str = "", **options: int) -> Iterator[Terminal]:
        """The app in a pty; `front` is a module that Python finds in the place of Textual."""
        env = {**self.world.env("ana"), "HELD": str(self.gate)}
        if front:
            stand = self.world.folder / "front" / "textual"
            stand.mkdir(parents=True, exist_ok=True)
            (stand / "__init__.py").write_text(front)
            env["PYTHONPATH"] = os.pathsep.join([str(stand.parent), env.get("PYTHONPATH", "")])
        with Terminal([*PROGRAM, *arguments], env=env, **options) as terminal:
            yield terminal

    def leave(self, terminal: Terminal) -> None:
        """Ctrl+U empties the composer's line, Ctrl+Q ends the app."""
        terminal.write("\x1b[B\x05" + "\x15\x7f" * 3)
        terminal.until(
            lambda: writing(terminal).startswith("› #") and " " not in writing(terminal)[2:]
        )
        terminal.write("\x11")
        terminal.until(lambda: terminal.ended, 10, "the app ends")
        assert terminal.exit_code == 0

    def said(self) -> list[str]:
        """The texts of the room, as the server has them."""
        return [row["text"] for row in self.world.log("ana", "general") if row.get("text")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with World(tmp_path_factory.mktemp("start")) as world:
        world.start_server()
        world.sign_up("ana")
        done = world.run("ana", "send", "general", SAID)
        assert done.returncode == 0, done.stderr
        made = Place(world)
        with made.app() as terminal:
            terminal.wait("online")
            terminal.wait(SAID)
            made.leave(terminal)
        made.kept = made.file.read_bytes()
        yield made


def writing(terminal: Terminal) -> str:
    """The composer's last row, from its prompt on."""
    return terminal.lines()[-2].strip("│ ")


def settled(terminal: Terminal) -> None:
    """Until the app itself is connected."""
    terminal.wait("● online")


def test_the_last_screen_is_there_before_textual_is(place: Place) -> None:
    place.put()
    with place.app(front=HOLD) as terminal:
        terminal.wait(SAID)
        assert terminal.shows("connecting"), "what was online then is not online now"
        assert not terminal.shows("online")
        terminal.write("hello, olá")
        terminal.wait("› #general hello, olá")
        terminal.write("!!\x7f\x7f\x7f")
        terminal.until(lambda: writing(terminal) == "› #general hello, ol")
        place.gate.touch()
        settled(terminal)
        terminal.until(lambda: writing(terminal) == "› #general hello, ol")
        assert terminal.raw.count(ENTER) == 1, "entering it again would clear it"
        assert terminal.raw.count(SAID.encode()) == 1, "what stands there is not written again"
        place.leave(terminal)
        assert terminal.raw.rstrip().endswith(b"\x1b[?1004l") or LEAVE in terminal.raw


def test_what_is_typed_early_is_sent_once_and_the_rest_is_there(place: Place) -> None:
    place.put()
    with place.app(front=HOLD) as terminal:
        terminal.wait(SAID)
        terminal.write("first early\r")
        terminal.write(f"{PASTE_BEGIN}pasted\nlines{PASTE_END}")
        terminal.write("\x1b[D\x1b[D")
        place.gate.touch()
        settled(terminal)
        terminal.wait("first early")
        terminal.wait("pasted")
        terminal.write("!")
        terminal.wait("lin!es")
        until_sync(lambda: place.said().count("first early") == 1, 10, lambda: f"{place.said()}")
        assert not any("pasted" in text for text in place.said()), "a paste sends nothing"
        place.leave(terminal)
    assert place.said().count("first early") == 1


def test_what_was_typed_is_a_draft_of_the_room_that_was_shown(place: Place) -> None:
    """The app opens the room that stands there, not the first one."""
    world = place.world
    if not any(room["name"] == "aside" for room in world.rooms("ana")):
        with place.app() as terminal:
            settled(terminal)
            terminal.write("/new aside\r")
            terminal.wait("› #aside")
            place.leave(terminal)
    place.kept, before = place.file.read_bytes(), place.kept
    try:
        place.put()
        with place.app(front=HOLD) as terminal:
            terminal.wait("› #aside")
            terminal.write("only for aside\r")
            place.gate.touch()
            settled(terminal)
            until_sync(lambda: _texts(world, "aside") == ["only for aside"], 10)
            place.leave(terminal)
    finally:
        place.kept = before
    assert "only for aside" not in place.said()


def _texts(world: World, room: str) -> list[str]:
    return [row["text"] for row in world.log("ana", room) if row.get("text")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_before_the_app_is_there_gives_the_terminal_back(
    place: Place, number: signal.Signals
) -> None:
    place.put()
    with place.app(front=HOLD) as terminal:
        terminal.wait(SAID)
        before = terminal.attributes()
        terminal._process.kill(number)
        terminal.until(lambda: terminal.ended, 10)
        assert LEAVE in terminal.raw
        assert terminal.raw.endswith(b"\x1b[?25h") or number == signal.SIGINT
        assert before != terminal.attributes(), "raw before, not after"


def test_ctrl_c_ends_a_program_that_is_not_there_yet(place: Place) -> None:
    place.put()
    with place.app(front=HOLD) as terminal:
        terminal.wait(SAID)
        terminal.write("\x03")
        terminal.until(lambda: terminal.ended, 10)
        assert LEAVE in terminal.raw


def test_an_import_that_fails_is_told_on_the_terminal_as_it_was(place: Place) -> None:
    place.put()
    with place.app(front="raise ImportError('no such thing')\n") as terminal:
        terminal.until(lambda: terminal.ended, 10)
        assert terminal.exit_code == 1
        assert terminal.raw.index(LEAVE) < terminal.raw.index(b"no such thing")


def test_a_cache_in_use_is_told_on_the_terminal_as_it_was(place: Place) -> None:
    place.put()
    profile = next(place.home.glob("profiles/*/cache.db")).parent
    with filelock.FileLock(profile / "lock", mode=0o600), place.app() as terminal:
        terminal.until(lambda: terminal.ended, 20)
        assert terminal.exit_code not in (0, None)
        assert terminal.raw.index(LEAVE) < terminal.raw.index(b"talkbot-tui: ")


def test_a_damaged_cache_is_told_on_the_screen_alone(place: Place) -> None:
    place.put()
    cache = next(place.home.glob("profiles/*/cache.db"))
    whole = cache.read_bytes()
    cache.write_bytes(whole[:4096] + bytes(byte ^ 0x5A for byte in whole[4096:]))
    with place.app() as terminal:
        terminal.wait("corrupt-")
        settled(terminal)
        # What writes past the app moves the rows that it goes on drawing over.
        assert terminal.raw.count(b"is damaged") == 0
        place.leave(terminal)


def test_another_size_is_drawn_whole(place: Place) -> None:
    place.put()
    with place.app(front=HOLD) as terminal:
        terminal.wait(SAID)
        terminal.resize(90, 30)
        terminal.write("abc")
        place.gate.touch()
        settled(terminal)
        terminal.wait("› #general abc")
        terminal.until(lambda: terminal.lines()[-1].startswith(" F1"))
        place.leave(terminal)


def test_it_is_only_shown_where_it_fits(place: Place) -> None:
    place.put()
    for arguments, options in (
        (("--theme", "day"), {}),
        (("--no-snapshot",), {}),
        ((), {"columns": 119}),
    ):
        place.put()
        with place.app(*arguments, front=HOLD, **options) as terminal:
            place.gate.touch()
            settled(terminal)
            assert not place.file.exists(), "it has served, or is out of date"
            place.leave(terminal)
        assert place.file.exists() == (not arguments), "only a plain start is like the next one"


HOSTILE = "\x1b]0;taken\x07\x1b[31mred\x1b[2Jgone"


@pytest.mark.parametrize("kind", ["hostile", "damaged", "foreign", "link", "open"])
def test_a_file_that_is_not_ours_alone_is_left_alone(place: Place, kind: str) -> None:
    place.put()
    if kind == "hostile":
        place.put(place.kept.replace(SAID.encode(), HOSTILE.encode()))
    elif kind == "damaged":
        place.put(place.kept[: len(place.kept) // 2] + b"\xff\xfe")
    elif kind == "foreign":
        place.put(place.kept.replace(b"xterm-256color", b"another-term"))
    elif kind == "link":
        other = place.home / "other"
        other.unlink(missing_ok=True)
        place.file.rename(other)
        place.file.symlink_to(other)
    else:
        place.file.chmod(0o644)
    with place.app(front=HOLD) as terminal:
        place.gate.touch()
        settled(terminal)
        assert terminal.raw.count(b"\x1b[?2004h") == 1, "nothing was shown before the app"
        assert b"taken" not in terminal.raw
        place.leave(terminal)
    assert not place.file.is_symlink()
    assert place.file.stat().st_mode & 0o777 == 0o600


def test_it_holds_no_secret_and_nobody_else_can_read_it(place: Place) -> None:
    place.put()
    secrets = [path.read_text() for path in (place.home / "secrets").iterdir()]
    tokens = [part for text in secrets for part in text.split('"') if len(part) > 30]
    assert tokens
    assert not [token for token in tokens if token.encode() in place.kept]
    with place.app() as terminal:
        settled(terminal)
        until_sync(lambda: not place.file.exists(), 5)
        place.leave(terminal)
    assert place.file.stat().st_mode & 0o777 == 0o600
    assert SAID in place.file.read_text()


def test_logging_out_takes_it_away(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.start_server()
        world.sign_up("ana")
        place = Place(world)
        with place.app() as terminal:
            settled(terminal)
            place.leave(terminal)
        assert place.file.exists()
        assert world.run("ana", "logout").returncode == 0
        assert not place.file.exists()


MODULES = """
import atexit, gc, json, sys
from pathlib import Path

class Watch:
    # The first module that is imported once the app is on the screen.
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "talkbot_tui.client.connector":
            note("first")
        return None

def note(when):
    loaded = [name for name, module in sys.modules.items() if module]
    Path({folder!r}, when).write_text(json.dumps(loaded))
    Path({folder!r}, "state").write_text(
        f"{{gc.isenabled()}} {{gc.get_freeze_count() > 0}} {{sys.getswitchinterval() > 0.004}}"
    )

sys.meta_path.insert(0, Watch)
atexit.register(note, "last")
sys.argv[1:] = ["chat"]
from talkbot_tui.start import main
main()
"""

LATE = {
    *("socketio", "engineio", "aiohttp", "keyring", "markdown_it", "sqlalchemy", "redis", "attr"),
    *("textual.widgets._markdown", "textual.widgets._data_table", "pygments", "multidict"),
    *("talkbot_tui.client.http_calls", "talkbot_tui.client.socketio_transport"),
    *("talkbot_tui.server", "talkbot_tui.bots", "cryptography", "alembic", "email"),
}


def test_the_first_picture_needs_no_network_and_the_app_no_keyring(
    place: Place, tmp_path: Path
) -> None:
    place.put()
    command = [sys.executable, "-c", MODULES.format(folder=str(tmp_path))]
    with Terminal(command, env=place.world.env("ana")) as terminal:
        settled(terminal)
        place.leave(terminal)
    first, last = (set(json.loads((tmp_path / when).read_text())) for when in ("first", "last"))
    assert {"textual.app", "sqlite3", "talkbot_tui.ui.screens.chat"} <= first
    assert not {name for name in first if name in LATE or name.split(".")[0] in LATE}
    assert (tmp_path / "state").read_text() == "True True True"
    assert "aiohttp" in last
    assert "redis" not in last, "it is for servers"
    assert "keyring" not in last, "it is asked by a process of its own"
