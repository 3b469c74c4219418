from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from talkbot_tui.cli.demo import password, user_name
from talkbot_tui.cli.demo_server import Demo, DemoServer


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ana", "ana"),
        ("Ana Clara", "ana-clara"),
        ("João", "joao"),
        ("DOMAIN\\user", "domain-user"),
        ("_apt", "apt"),
        ("李", "guest"),
        ("x" * 50, "x" * 32),
        ("", "guest"),
    ],
)
def test_any_system_name_becomes_a_name(text: str, name: str) -> None:
    assert user_name(text) == name


def test_a_password_belongs_to_one_person_and_one_demo() -> None:
    made = {password("s1", "ana"), password("s1", "bruno"), password("s2", "ana")}
    assert len(made) == 3
    assert password("s1", "ana") in made


def test_two_demos_at_once_share_one_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALKBOT_RUNTIME", str(tmp_path / "run"))
    monkeypatch.setenv("TALKBOT_DEMO_IDLE", "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def start(_number: int) -> Demo:
        with DemoServer(tmp_path / "data") as server:
            server.begin()
            return server.ready()

    with ThreadPoolExecutor(3) as pool:
        demos = list(pool.map(start, range(3)))
    assert len({demo.url for demo in demos}) == 1
    subprocess.run(["pkill", "-f", str(tmp_path / "data")], check=True)


def test_without_a_terminal_there_is_one_clear_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "talkbot_tui", "--lang", "en", "demo"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 9
    assert done.stderr.count("\n") == 1
    assert "needs a terminal" in done.stderr
