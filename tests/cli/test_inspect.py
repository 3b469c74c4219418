"""`talkbot-tui inspect`: what is wrong with its words or files is told before any screen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from talkbot_tui.cli import exit_codes
from talkbot_tui.client.inspector import recording

URL = "http://127.0.0.1:1"
HEADER_SECRET = "hunter2-hunter2"


def inspect(
    *arguments: str, cwd: Path | None = None, given: str = "", language: str = "en"
) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "talkbot_tui", "--lang", language, "inspect", *arguments],
        input=given,
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
        ((), "name a URL, or --open FILE"),
        ((URL, "--open", "good.ndjson"), "name a URL, or --open FILE"),
        (("--open", "good.ndjson", "--record", "x"), "a recording needs no --record"),
        (("--open", "none.ndjson"), "none.ndjson cannot be read: No such file or directory"),
        (("--open", "noise"), "noise: this is no recording of the inspector"),
        (("--open", "empty"), "empty: this is no recording of the inspector"),
        (("--open", "new.ndjson"), "version 9 of recordings; this program reads 1"),
        (("--open", "torn.ndjson"), "torn.ndjson, line 2: no JSON object"),
        (("--open", "wrong.ndjson"), "wrong.ndjson, line 2: number is missing or wrong"),
        ((URL, "--namespace", "chat"), "a path and a namespace begin with /"),
        ((URL, "--header", HEADER_SECRET), "--header: write it like X-Room=blue"),
        ((URL, "--auth-file", "noise"), "noise: an auth is a JSON object"),
        ((URL, "--auth-file", "none"), "none cannot be read"),
        ((URL, "--auth-file", "-"), "-: an auth is a JSON object"),
        ((URL, "--transport", "smoke"), "smoke"),
    ],
)
def test_wrong_words_and_files(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    (tmp_path / "good.ndjson").write_text(recording.head())
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 10)
    new = recording.head().replace('"version": 1', '"version": 9')
    (tmp_path / "new.ndjson").write_text(new)
    (tmp_path / "torn.ndjson").write_text(recording.head() + "{\n{}\n")
    (tmp_path / "wrong.ndjson").write_text(recording.head() + "{}\n")
    code, told = inspect(*arguments, cwd=tmp_path, given='["no object"]')
    assert code == exit_codes.USAGE
    assert says in told
    assert HEADER_SECRET not in told


@pytest.mark.parametrize(
    ("language", "says"), [("en", "needs a terminal"), ("pt-BR", "precisa de um terminal")]
)
def test_without_a_terminal_it_says_so(language: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "good.ndjson").write_text(recording.head())
    for arguments in ((URL,), ("--open", "good.ndjson")):
        code, told = inspect(*arguments, cwd=tmp_path, language=language)
        assert code == exit_codes.NO_TERMINAL
        assert says in told
