"""The program itself, in real terminals and without one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal

PROGRAM = [sys.executable, "-m", "talkbot_tui"]


def env(folder: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TALKBOT_HOME": str(folder / "home"),
        "TALKBOT_CONFIG": str(folder / "config.toml"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        **more,
    }


def test_without_a_terminal_it_says_so_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "chat"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env=env(tmp_path),
    )
    assert done.returncode == 9
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "talkbot-tui send" in done.stderr


def test_a_dumb_terminal_is_told_in_one_line(tmp_path: Path) -> None:
    with Terminal([*PROGRAM, "chat"], env=env(tmp_path, TERM="dumb")) as terminal:
        terminal.until(lambda: not terminal.alive)
        terminal.wait("TERM says that it cannot")
        assert terminal.exit_code == 9
        assert b"\x1b[?1049h" not in terminal.raw


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[keys]\nswitcher = "ctrl+p"\n', "config.toml:2: keys."),
        ('server = "ftp://x"\n', "config.toml:1: server:"),
        ("colour = 1\n", "there is no such"),
    ],
)
def test_a_wrong_configuration_ends_before_the_screen(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with Terminal([*PROGRAM, "chat"], columns=250, env=env(tmp_path)) as terminal:
        terminal.until(lambda: not terminal.alive)
        terminal.wait(told)
        assert terminal.exit_code == 2
        assert b"\x1b[?1049h" not in terminal.raw


def test_nobody_signed_in_gets_the_login_screen_and_an_unreachable_server_one_line(
    tmp_path: Path,
) -> None:
    command = [*PROGRAM, "chat", "--server", "http://127.0.0.1:1", "--user", "ana"]
    with Terminal(command, env=env(tmp_path)) as terminal:
        terminal.wait("Sign in")
        terminal.write("secret\r")
        terminal.wait("no server answers")
        assert "secret" not in terminal.text()
        terminal.write("\x1b")
        terminal.until(lambda: not terminal.alive)
        assert terminal.exit_code == 0


def test_the_chats_options_need_no_command_before_them(tmp_path: Path) -> None:
    command = [*PROGRAM, "--lang", "pt-BR", "--user", "ana", "--theme=day"]
    with Terminal(command, env=env(tmp_path)) as terminal:
        terminal.wait("Entrar na conta")
        terminal.wait("ana")
    with Terminal([*PROGRAM, "--theme", "pink"], env=env(tmp_path)) as terminal:
        terminal.until(lambda: not terminal.alive)
        terminal.wait("'night', 'day', 'ansi'")
        assert terminal.exit_code == 2


def test_without_colour_no_colour_is_written(tmp_path: Path) -> None:
    command = [*PROGRAM, "chat", "--server", "http://127.0.0.1:1"]
    with Terminal(command, env=env(tmp_path, NO_COLOR="1")) as terminal:
        terminal.wait("Sign in")
        colours = re.findall(
            rb"\x1b\[[\d;]*?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[\d;]*)?m", terminal.raw
        )
        assert colours == []


def test_the_terminal_speaks_portuguese_where_it_is_set_so(tmp_path: Path) -> None:
    with Terminal([*PROGRAM, "chat"], env=env(tmp_path, LANG="pt_BR.UTF-8")) as terminal:
        terminal.wait("Entrar na conta")
