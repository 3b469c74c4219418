"""`demo` as a newcomer meets it: two terminals, one server, nothing asked."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.terminal import Terminal
from tests.e2e.world import PROGRAM
from tests.waiting import until_sync


def environment(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "TALKBOT_RUNTIME": str(folder / "run"),
        "TALKBOT_DEMO_IDLE": "1",
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder),
    }


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[Terminal]:
    command = [*PROGRAM, "demo", *arguments]
    with Terminal(command, env=environment(folder)) as terminal:
        yield terminal


def server_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next((folder / "run").glob("demo*.json")).read_text())
    return found


def answers(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def leave(terminal: Terminal) -> None:
    terminal.write("\x11")
    terminal.until(lambda: not terminal.alive, 10, "Ctrl+Q ends the app")
    assert terminal.exit_code == 0
    kept, given_back = (terminal.raw.rindex(code) for code in (b"\x1b[22;2t", b"\x1b[23;2t"))
    assert kept < terminal.raw.rindex(b"\x1b]2;") < given_back, "the shell has its title again"


def test_two_terminals_meet_and_the_server_goes_with_the_last(tmp_path: Path) -> None:
    with demo(tmp_path, "--as", "Bruno") as bruno:
        bruno.wait("Hello bruno! I am TalkBot.", 30)
        bruno.send("roll 1d6")
        bruno.wait("🎲")
        server = server_of(tmp_path)
        assert answers(server["url"])
        with demo(tmp_path, "--as", "ana") as ana:
            ana.wait("Hello ana! I am TalkBot.", 30)
            assert server_of(tmp_path) == server, "the second demo joins the first one's server"
            ana.write("\x1b[1;3A")
            ana.wait("› #general")
            ana.send("is anybody there?")
            bruno.write("\x1b[1;3A")
            bruno.wait("is anybody there?")
            leave(bruno)
            ana.wait("offline")
            assert ana.shows("● online"), "who stays, stays connected"
            ana.send("alone now")
            stored = ("alone now", "✓ sent")
            ana.until(lambda: any(all(map(x.__contains__, stored)) for x in ana.lines()), 10)
            leave(ana)
    until_sync(lambda: not answers(server["url"]), 20)
    until_sync(lambda: not Path(server["folder"]).exists(), 10)


def test_a_folder_of_ones_own_keeps_everything(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with demo(tmp_path, "--as", "ana", "--data-dir", str(kept)) as first:
        first.wait("Hello ana! I am TalkBot.", 30)
        first.send("hora UTC")
        first.wait("🕒")
        leave(first)
    before = server_of(tmp_path)
    until_sync(lambda: not answers(before["url"]), 20)
    modes = {oct(path.stat().st_mode & 0o777) for path in kept.rglob("*") if path.is_file()}
    assert modes == {"0o600"}
    with demo(tmp_path, "--as", "ana", "--data-dir", str(kept)) as second:
        second.wait("online", 30)
        assert server_of(tmp_path)["pid"] != before["pid"]
        second.write("\x1b[1;3B")
        second.wait("🕒")
        leave(second)
    caches = list((kept / "people").rglob("cache.db"))
    assert len(caches) == 1, "the cache is found again although the port is another one"


def test_a_server_that_was_killed_is_replaced(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    stale = {"url": "http://127.0.0.1:9", "secret": "x", "folder": str(tmp_path / "gone"),
             "temporary": True, "pid": 0}  # fmt: skip
    (run / "demo.json").write_text(json.dumps(stale))
    with demo(tmp_path, "--as", "ana") as ana:
        ana.wait("Hello ana! I am TalkBot.", 30)
        leave(ana)
    assert server_of(tmp_path)["url"] != stale["url"]


def test_the_language_of_the_settings_is_the_bots_too(tmp_path: Path) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text('language = "pt-BR"\n')
    command = [*PROGRAM, "--config", str(settings), "demo", "--as", "ana"]
    with Terminal(command, env=environment(tmp_path)) as ana:
        ana.wait("Olá, ana! Eu sou o TalkBot.", 30)
        leave(ana)


def test_a_name_the_server_keeps_is_told(tmp_path: Path) -> None:
    with demo(tmp_path, "--as", "talkbot") as terminal:
        terminal.wait("that name cannot be used; take 1 to 32 letters", 30)
        terminal.until(lambda: not terminal.alive)
        assert terminal.exit_code not in (0, None)
