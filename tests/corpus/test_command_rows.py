"""Rows C1 to C12: what is written to the program by its own user, or by who set up the machine.

C7 (a keyring that keeps in clear) and C8 (two programs on a profile) have their tests in
tests/client; there is no export (C10) and no definition of bots in files (C11).
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from talkbot_tui.cli import exit_codes
from talkbot_tui.core.events import Compose
from tests.cli.people import PROGRAM, Person
from tests.corpus.rows import Row, load
from tests.ui.scenes import make_app, make_engine
from tests.ui.seen import chat

ROWS = load("command_line.jsonl")
TYPED = [row for row in ROWS if row.where == "composer"]
STARTED = [row for row in ROWS if row.where != "composer"]
NUMBERS = [f"C{number}" for number in (1, 2, 3, 4, 5, 6, 9, 12)]
SECRETS = ("geheim",)
LINE_MAX = 500
CODES = {
    "done": exit_codes.OK,
    "started": exit_codes.OK,
    "failed": exit_codes.FAILURE,
    "usage": exit_codes.USAGE,
    "unreachable": exit_codes.UNREACHABLE,
    "unreachable and told": exit_codes.UNREACHABLE,
    "refused": exit_codes.REFUSED,
    "store": exit_codes.STORE,
    "taken": exit_codes.PORT_TAKEN,
    "no terminal": exit_codes.NO_TERMINAL,
}
NOBODY = "http://127.0.0.1:1"
LOGIN = ("--user", "ana", "--password-stdin", "--insecure-storage")


def test_every_row_of_the_table_has_cases() -> None:
    assert list(dict.fromkeys(row.id.partition(".")[0] for row in ROWS)) == NUMBERS
    assert len({row.id for row in ROWS}) == len(ROWS) > 140


@pytest.mark.parametrize("row", STARTED, ids=lambda row: row.id)
def test_a_command_that_cannot_work_says_so_in_one_line(row: Row, tmp_path: Path) -> None:
    person = Person(tmp_path, "ana")
    before = set(tmp_path.iterdir())
    done = _play(row, person, tmp_path)
    lines = done.stderr.splitlines()
    assert done.returncode in {CODES[expected] for expected in row.expect}, (done, row)
    assert "Traceback" not in done.stdout + done.stderr
    # A program that did what was asked has nothing to say; one that did not has one line.
    told = 2 if "unreachable and told" in row.expect else int(done.returncode != 0)
    assert len(lines) == (0 if row.where == "shell" and "2>&-" in str(row.input) else told), lines
    assert all(line.isprintable() and len(line) <= LINE_MAX for line in lines), lines
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
    if row.where in ("url", "argv", "config"):
        assert {path for path in tmp_path.iterdir() if path.is_file()} <= before | {
            tmp_path / "given"
        }


@pytest.mark.parametrize("row", TYPED, ids=lambda row: row.id)
async def test_a_mistyped_command_is_never_sent(row: Row) -> None:
    text = str(row.pieces({})[0])
    engine = make_engine()
    async with make_app(engine).run_test(size=(120, 40)) as pilot:
        chat(pilot).composer.text = text
        await pilot.press("enter")
        await pilot.pause()
        sent = [event.text for event in engine.events if isinstance(event, Compose)]
        assert sent == ([text[1:]] if "sent" in row.expect else [])
        assert pilot.app.is_running


def _play(row: Row, person: Person, folder: Path) -> subprocess.CompletedProcess[str]:
    if row.where in ("argv", "shell", "rooms in", "chat in", "login in"):
        return _started(row.where, str(row.input).replace("$FOLDER", str(folder)), person)
    if row.where in ("config file", "database file"):
        path = folder / "given"
        _make(path, str(row.input))
        return (
            person.run("--config", str(path), "rooms")
            if row.where == "config file"
            else _served(person, path)
        )
    piece = row.pieces({})[0]
    if row.where == "url":
        return person.run("login", str(piece), *LOGIN, given="geheim\n")
    path = folder / "given"
    path.write_bytes(piece if isinstance(piece, bytes) else piece.encode())
    if row.where == "config":
        return person.run("--config", str(path), "rooms")
    return _served(person, path)


def _started(where: str, given: str, person: Person) -> subprocess.CompletedProcess[str]:
    match where:
        case "argv":
            return person.run(*json.loads(given))
        case "shell":
            return _run(["sh", "-c", f"{' '.join(PROGRAM)} {given}"], person.env)
    command = {
        "rooms in": ("rooms",),
        "chat in": ("chat",),
        "login in": ("login", NOBODY, *LOGIN),
    }[where]
    env = {**person.env, **{k: v for k, v in json.loads(given).items() if v is not None}}
    for name, value in json.loads(given).items():
        if value is None:
            env.pop(name, None)
    return _run([*PROGRAM, *command], env, given="geheim\n")


def _run(
    command: list[str], env: Mapping[str, str], given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=30,
        env=env,
        check=False,
    )


def _served(person: Person, database: Path) -> subprocess.CompletedProcess[str]:
    """`admin`, which opens the store as `serve` does, on a folder with that database."""
    data = database.parent / "data"
    data.mkdir(mode=0o700)
    database.rename(data / "server.db")
    before = _bytes(data / "server.db")
    done = person.run("admin", "invite", "add", "--data-dir", str(data))
    if done.returncode:
        assert _bytes(data / "server.db") == before
    return done


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _make(path: Path, kind: str) -> None:
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path.name)
        case "writable":
            path.write_text('theme = "day"\n')
            path.chmod(0o666)
        case "device":
            path.symlink_to("/dev/zero")
        case "newer":
            with sqlite3.connect(path) as database:
                database.execute("CREATE TABLE alembic_version (version_num TEXT)")
                database.execute("INSERT INTO alembic_version VALUES ('9999')")
            database.close()
        case "absent":
            pass
        case _:
            raise AssertionError(kind)
