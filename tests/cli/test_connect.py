"""`talkbot-tui connect`: what is wrong with its words is told in one line, before any screen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from talkbot_tui.cli import exit_codes

URL = "http://127.0.0.1:1"
BASIC = ("--dialect", "basic")


def connect(*arguments: str, cwd: Path | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "talkbot_tui", "connect", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=cwd,
    )
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((URL,), "name a --dialect (basic, socketio-chat, socketio-tutorial, talkbot-mvp,"),
        ((URL,), f"talkbot-tui probe {URL} may tell which"),
        ((URL, "--dialect", "irc"), "irc: there is no such dialect; known are basic,"),
        ((URL, "--dialect", "none.toml"), "none.toml: cannot be read: No such file or directory"),
        ((URL, "--dialect", "bad.toml"), "bad.toml:4: send.emit: must be a text that is not empty"),
        ((URL, *BASIC, "--room", "a", "--room", "b"), "basic is in one room at a time; name one"),
        ((URL, *BASIC, "--transport", "smoke"), "smoke"),
        ((), "URL"),
    ],
)
def test_wrong_words(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text('dialect = 1\nname = "x"\n[send]\nemit = 3\n')
    code, told = connect(*arguments, cwd=tmp_path)
    assert code == exit_codes.USAGE
    assert says in told


@pytest.mark.parametrize("dialect", ["basic", "talkbot/1"])
def test_without_a_terminal(dialect: str) -> None:
    code, told = connect(URL, "--dialect", dialect)
    assert code == exit_codes.NO_TERMINAL
    assert "the chat needs a terminal, and this is none" in told
