from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import filelock
import pytest

from talkbot_tui import paths
from talkbot_tui.cli import demo
from talkbot_tui.cli.demo import password, user_name
from talkbot_tui.cli.demo_server import Demo, DemoServer
from talkbot_tui.cli.problems import Problem
from tests.waiting import until_sync

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ana", "ana"),
        ("Ana Clara", "ana-clara"),
        ("João", "joao"),
        ("DOMAIN\\user", "domain-user"),
        ("_apt", "apt"),
        ("李明", "李明"),
        ("Олег", "олег"),
        ("हिन्दी", "हिन्दी"),
        ("x" * 50, "x" * 32),
        ("x" * 31 + " y", "x" * 31),
        ("!?", ""),
        ("", ""),
    ],
)
def test_any_system_name_becomes_a_name(text: str, name: str) -> None:
    assert user_name(text) == name


def test_a_password_belongs_to_one_person_and_one_demo() -> None:
    made = {password("s1", "ana"), password("s1", "bruno"), password("s2", "ana")}
    assert len(made) == 3
    assert password("s1", "ana") in made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TALKBOT_RUNTIME", str(tmp_path / "run"))
    monkeypatch.setenv("TALKBOT_DEMO_IDLE", "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def start(data_dir: Path | None) -> Demo:
    with DemoServer(data_dir) as server:
        server.begin()
        return server.ready()


def ended(pid: int) -> bool:
    """Whether it has ended; our own child, or anybody's."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def end(demo: Demo) -> None:
    os.kill(demo.pid, signal.SIGTERM)
    until_sync(lambda: ended(demo.pid), 10)


@contextmanager
def served(folder: Path) -> Iterator[None]:
    """As if a server ran in `folder`."""
    lock = paths.private_folder(folder / "server") / "serve.lock"
    with filelock.FileLock(lock, timeout=0, mode=0o600):
        yield


class Draining(BaseHTTPRequestHandler):
    """A server that still answers and is about to end."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Nothing on the screen."""


def leave_behind(folder: Path, demo: Demo) -> None:
    paths.private_folder(folder / "run")
    paths.write_private(folder / "run" / "demo.json", json.dumps(asdict(demo)).encode())


def test_three_demos_at_once_share_one_server(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.cli.test_demo import start;"
        "demo = start(Path(sys.argv[1])); print(demo.url, demo.pid)"
    )
    command = [sys.executable, "-c", program, str(folder / "data")]
    starting = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        for _number in range(3)
    ]
    answers = [process.communicate(timeout=60)[0].split() for process in starting]
    try:
        assert len(answers[0]) == 2
        assert answers == [answers[0]] * 3
    finally:
        for pid in {int(pid) for _url, pid in answers}:
            os.kill(pid, signal.SIGTERM)
            until_sync(lambda pid=pid: ended(pid), 10)  # type: ignore[misc]  # a default binds it


def test_different_folders_have_different_servers(folder: Path) -> None:
    demos = [start(folder / "one"), start(folder / "two")]
    try:
        assert len({demo.url for demo in demos}) == 2
        assert len({demo.secret for demo in demos}) == 2
    finally:
        for demo in demos:
            end(demo)


def test_the_database_of_a_real_server_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = folder / "real.db"
    monkeypatch.setenv("TALKBOT_DATABASE_URL", f"sqlite:///{real}")
    end(start(None))
    assert not real.exists()


def test_a_server_that_does_not_start_says_why_although_its_folder_is_gone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = paths.private_folder(folder / "talkbot-demo-made")
    (made / "server").write_text("a file where a folder must be")
    monkeypatch.setattr(tempfile, "mkdtemp", lambda prefix: str(made))
    with pytest.raises(Problem, match=r"did not start: .*server"):
        start(None)
    assert not made.exists()


def test_a_killed_servers_folder_is_removed(folder: Path) -> None:
    killed = start(None)
    os.kill(killed.pid, signal.SIGKILL)
    until_sync(lambda: ended(killed.pid), 10)
    assert Path(killed.folder).exists()
    demo = start(None)
    try:
        assert demo.pid != killed.pid
        assert not Path(killed.folder).exists()
    finally:
        end(demo)


def test_only_a_demos_own_folder_is_ever_removed(folder: Path) -> None:
    precious = folder / "precious"
    precious.mkdir()
    leave_behind(folder, Demo("http://127.0.0.1:9", "x", str(precious), temporary=True, pid=0))
    end(start(None))
    assert precious.exists()


def test_a_server_that_is_slow_to_answer_keeps_its_folder(folder: Path) -> None:
    made = paths.private_folder(folder / "talkbot-demo-slow")
    with socket.create_server(("127.0.0.1", 0)) as silent, served(made):
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        leave_behind(folder, Demo(url, "x", str(made), temporary=True, pid=os.getpid()))
        with pytest.raises(Problem, match=rf"does not answer.* {os.getpid()}$"):
            start(None)
    assert made.exists()


def test_a_server_that_is_about_to_end_takes_nobody_and_keeps_its_folder(folder: Path) -> None:
    made = paths.private_folder(folder / "talkbot-demo-draining")
    with ThreadingHTTPServer(("127.0.0.1", 0), Draining) as draining, served(made):
        threading.Thread(target=draining.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{draining.server_port}"
        leave_behind(folder, Demo(url, "x", str(made), temporary=True, pid=os.getpid()))
        demo = start(None)
        draining.shutdown()
    end(demo)
    assert demo.url != url
    assert made.exists()


def test_a_folder_is_taken_over_as_soon_as_its_server_has_closed_it(folder: Path) -> None:
    before = start(folder / "data")
    lock = folder / "data" / "server" / "serve.lock"
    os.kill(before.pid, signal.SIGKILL)
    until_sync(lambda: ended(before.pid), 10)
    held = filelock.FileLock(lock, timeout=0, mode=0o600, thread_local=False)
    held.acquire()
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(start, folder / "data")
        until_sync(starting.running)
        held.release()
        demo = starting.result(30)
    end(demo)
    assert demo.pid != before.pid


def test_another_program_on_a_dead_servers_port_is_not_taken_for_it(folder: Path) -> None:
    other = start(folder / "other")
    try:
        leave_behind(folder, Demo(other.url, "x", str(folder / "gone"), temporary=True, pid=0))
        demo = start(None)
        end(demo)
        assert demo.url != other.url
    finally:
        end(other)


def test_without_a_terminal_there_is_one_clear_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "talkbot_tui", "--lang", "en", "demo"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 9
    assert done.stderr.count("\n") == 1
    assert "needs a terminal" in done.stderr


def enter(folder: Path, name: str, *, asked: bool) -> tuple[str, bool]:
    """Who one becomes in the demo in `folder`, and whether the account is new."""
    place = demo._enter(folder / "data", name, asked=asked)
    place.seat.release()
    return place.account.user, place.new


def test_a_name_that_looks_like_another_is_told_or_changed(folder: Path) -> None:
    running = start(folder / "data")
    try:
        assert enter(folder, "modem", asked=True) == ("modem", True)
        assert enter(folder, "modem", asked=True) == ("modem", False)
        with pytest.raises(Problem, match="looks like “modern” is taken here"):
            enter(folder, "modern", asked=True)
        # A system user's name was not chosen for this; another is.
        assert enter(folder, "modern", asked=False) == ("modern-me", True)
        assert enter(folder, "admin", asked=False) == ("admin-me", True)
    finally:
        end(running)


def test_a_name_of_which_nothing_can_be_used_is_refused() -> None:
    with pytest.raises(Problem, match="cannot be a name"):
        demo.chosen_name("!?")
