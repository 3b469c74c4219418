"""The configuration file and what names it, as the commands take it."""

from __future__ import annotations

from pathlib import Path

import pytest

from talkbot_tui.cli import exit_codes
from tests.cli.people import Person, ServerProcess
from tests.cli.test_commands import one_line

pytestmark = pytest.mark.timeout(120)


def test_what_is_named_must_be_there_and_known(ana: Person) -> None:
    one_line(ana.run("--config", "/nope", "rooms"), exit_codes.USAGE, "/nope", "no such file")
    for wrong, told in (
        (("--lang", "xx", "rooms"), "en or pt-BR"),
        (("demo", "--theme", "pink"), "'night', 'day', 'ansi'"),
    ):
        done = ana.run(*wrong)
        assert done.returncode == exit_codes.USAGE
        assert done.stderr.count("\n") == 1
        assert told in done.stderr


def test_the_configurations_language_is_spoken_by_the_commands_too(ana: Person) -> None:
    path = Path(ana.env["TALKBOT_CONFIG"])
    path.write_text('language = "pt-BR"\n')
    try:
        one_line(ana.run("send", "nowhere", "x"), exit_codes.NOT_FOUND, "nenhuma")
    finally:
        path.unlink()


def test_a_broken_configuration_names_file_line_and_key(ana: Person) -> None:
    path = Path(ana.env["TALKBOT_CONFIG"])
    path.write_text('theme = "night"\nsurver = "x"\n')
    try:
        one_line(ana.run("rooms"), exit_codes.USAGE, f"{path}:2", "surver")
    finally:
        path.unlink()


def test_whoami_says_when_the_secret_is_gone(server: ServerProcess, tmp_path: Path) -> None:
    eva = Person(tmp_path, "eva-whoami")
    eva.sign_up(server.url)
    (path,) = eva.home.rglob("secrets/*.json")
    for harm in (lambda: path.write_text("{bad"), path.unlink):
        harm()
        done = eva.run("whoami")
        one_line(done, exit_codes.REFUSED, str(path), "sign in again")


def test_the_command_lines_mistakes_are_told_in_portuguese_too(tmp_path: Path) -> None:
    eva = Person(tmp_path, "eva")
    for wrong, told in (
        (("send",), "falta: ROOM, TEXT"),
        (("serve", "--registration", "x"), "não existe 'x' (escolha entre"),
        (("rooms", "--nope"), "argumentos desconhecidos: --nope"),
    ):
        done = eva.run("--lang", "pt-BR", *wrong)
        assert done.returncode == exit_codes.USAGE
        assert told in done.stderr
    assert eva.ok("--lang", "pt-BR", "rooms", "--help").startswith("uso: ")
    assert eva.ok("--lang", "en", "rooms", "--help").startswith("usage: ")
