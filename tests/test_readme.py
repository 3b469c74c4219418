"""What the documents for users promise is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from talkbot_tui.cli import COMMANDS, exit_codes
from talkbot_tui.config import parse

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), target


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"(?:^    |`)make ([a-z][a-z0-9-]+)", text, re.MULTILINE):
            assert target in targets, f"{document.name}: make {target}"


def test_every_command_that_is_named_exists() -> None:
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for command in re.findall(r"(?:^    |`|\| )talkbot-tui ([a-z]+)\b", text, re.M):
            assert command in COMMANDS, f"{document.name}: talkbot-tui {command}"


def test_the_exit_codes_of_the_readme_are_the_program_s() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = {int(code): meaning for code, meaning in re.findall(r"^\| (\d) \| (.+) \|$", text, re.M)}
    assert rows == exit_codes.MEANINGS


def test_the_example_configuration_is_valid() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert example
    settings = parse(example[1], "README.md")
    assert settings.server
    from talkbot_tui.ui import commands, themes

    commands.check_keys(settings.keys)
    assert settings.theme in {theme.name for theme in themes.THEMES}


@pytest.mark.parametrize("command", [(), ("debug", "perf"), *[(name,) for name in COMMANDS]])
@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_help_fits_a_small_screen(command: tuple[str, ...], language: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "talkbot_tui", "--lang", language, *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"COLUMNS": "80", "PATH": ""},
    )
    assert len(done.stdout.splitlines()) <= 24, done.stdout
    assert done.stderr == ""
