from __future__ import annotations

import asyncio
import http.server
import json
import os
import signal
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from talkbot_tui.cli import exit_codes
from tests.cli.people import PASSWORD, PROGRAM, Person, ServerProcess
from tests.serving import register

pytestmark = pytest.mark.timeout(120)

KEYS = {"conversationId", "name", "kind", "headSeq", "readSeq", "unread", "mentions"}


def token_of(url: str, name: str) -> str:
    return str(asyncio.run(register(url, name))["accessToken"])


def test_login_rooms_send_tail(server: ServerProcess, ana: Person) -> None:
    rooms = ana.rooms()
    assert all(set(room) == KEYS for room in rooms)
    general = next(room for room in rooms if room["name"] == "general")
    ack = json.loads(ana.ok("send", "general", "olá, mundo", "--json"))
    assert set(ack) == {"serverMsgId", "seq", "ts", "clientMsgId"}
    assert ack["seq"] == general["headSeq"] + 1
    with ana.following("general", "--json", "--since", str(general["headSeq"])) as tail:
        event = tail.event()
        assert event["type"] == "message"
        assert {key: event[key] for key in ack} == ack
        assert event["text"] == "olá, mundo"


@pytest.mark.parametrize("room", ["general", "#general", "#GENERAL", "id"])
def test_a_room_may_be_written_in_several_ways(ana: Person, room: str) -> None:
    general = next(r["conversationId"] for r in ana.rooms() if r["name"] == "general")
    ana.ok("send", general if room == "id" else room, "hello")


def test_a_person_is_written_to_even_for_the_first_time(
    server: ServerProcess, ana: Person, tmp_path: Path
) -> None:
    carla = Person(tmp_path, "carla")
    carla.sign_up(server.url)
    ana.ok("send", "@carla", "just us")
    direct = next(room for room in carla.rooms() if room["name"] == "ana")
    assert (direct["kind"], direct["unread"]) == ("direct", 1)
    carla.ok("send", "@ana", "yes")
    with carla.following("@ana", "--since", "0") as tail:
        lines = [tail.line(), tail.line(), tail.line()]
    assert any("ana: just us" in line for line in lines)


def test_text_from_standard_input_keeps_its_lines(ana: Person) -> None:
    ack = json.loads(ana.run("send", "general", "-", "--json", given="one\n two\n").stdout)
    with ana.following("general", "--json", "--since", str(ack["seq"] - 1)) as tail:
        assert tail.event()["text"] == "one\n two"


def test_tail_without_since_begins_now_and_flushes_each_line(ana: Person) -> None:
    with ana.following("general") as tail:
        for number in range(20):
            # Again and again, until the follower is there to see it.
            ana.ok("send", "general", f"tick {number}")
            if tail.has_line(0.2):
                break
        assert " ana: tick " in tail.line()


def test_tail_shows_no_control_characters(ana: Person) -> None:
    ack = json.loads(ana.run("send", "general", "-", "--json", given="a\x1b[31mred\x07").stdout)
    with ana.following("general", "--since", str(ack["seq"] - 1)) as tail:
        line = tail.line()
    assert "\x1b" not in line
    assert "red" in line


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_tail_ends_quietly_when_asked(ana: Person, sent: signal.Signals, code: int) -> None:
    with ana.following("general", "--since", "0") as tail:
        tail.line()
        tail.process.send_signal(sent)
        assert tail.process.wait(timeout=10) == code
        assert tail.errors() == ""


def test_tail_into_a_closed_pipe_ends_quietly_though_nothing_follows(ana: Person) -> None:
    last = json.loads(ana.ok("send", "general", "the last line", "--json"))["seq"]
    program = " ".join(PROGRAM)
    done = subprocess.run(
        ["sh", "-c", f"{program} tail general --since {last - 1} | head -1"],
        env=ana.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.endswith("the last line\n")
    assert done.stderr == ""


def test_tail_goes_on_over_a_restart_without_gap_or_double(tmp_path: Path) -> None:
    own = ServerProcess(tmp_path / "server")
    own.start()
    try:
        ana = Person(tmp_path, "ana")
        ana.sign_up(own.url)
        with ana.following("general", "--json", "--since", "0") as tail:
            first = json.loads(ana.ok("send", "general", "before", "--json"))
            seqs = [tail.event()["seq"] for _ in range(first["seq"])]
            own.stop()
            own.start()
            ana.ok("send", "general", "after", "--wait", "30")
            ana.ok("send", "general", "after that", "--wait", "30")
            seqs += [tail.event()["seq"] for _ in range(2)]
            assert seqs == list(range(1, first["seq"] + 3))
    finally:
        own.stop()


def test_what_could_not_be_sent_goes_first_with_the_next(tmp_path: Path) -> None:
    own = ServerProcess(tmp_path / "server")
    own.start()
    try:
        ana = Person(tmp_path, "ana")
        ana.sign_up(own.url)
        ana.ok("send", "general", "one")
        own.stop()
        waiting = ana.run("send", "general", "two")
        assert waiting.returncode == exit_codes.UNANSWERED
        assert "saved" in waiting.stderr
        assert ana.run("rooms").returncode == exit_codes.UNREACHABLE
        own.start()
        three = json.loads(ana.ok("send", "general", "three", "--json", "--wait", "30"))
        with ana.following("general", "--json", "--since", str(three["seq"] - 3)) as tail:
            assert [tail.event()["text"] for _ in range(3)] == ["one", "two", "three"]
    finally:
        own.stop()


def test_many_sends_at_once_all_arrive(ana: Person) -> None:
    before = next(r["headSeq"] for r in ana.rooms() if r["name"] == "general")
    sends = [
        subprocess.Popen(
            [*PROGRAM, "send", "general", f"parallel {number}"],
            env=ana.env,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(6)
    ]
    for process in sends:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    with ana.following("general", "--json", "--since", str(before)) as tail:
        texts = {tail.event()["text"] for _ in range(6)}
    assert texts == {f"parallel {number}" for number in range(6)}


def test_a_token_needs_no_account_and_leaves_no_trace_of_itself(
    server: ServerProcess, stranger: Person
) -> None:
    token = token_of(server.url, "robo")
    env = {"TALKBOT_TOKEN": token}
    done = stranger.run("send", "general", "beep", "--server", server.url, env=env)
    assert done.returncode == 0, done.stderr
    given = stranger.run("whoami", "--server", server.url, "--token-file", "-", given=token + "\n")
    assert "robo" in given.stdout
    assert "token" in given.stdout
    for path in stranger.home.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path


def test_whoami_says_where_the_secret_lies(ana: Person, server: ServerProcess) -> None:
    line = ana.ok("whoami")
    assert line.startswith(f"ana at {server.url}")
    path = Path(line.rsplit(": ", 1)[1].strip())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_logout_forgets_everything_that_opens_the_account(
    server: ServerProcess, tmp_path: Path
) -> None:
    dora = Person(tmp_path, "dora")
    dora.sign_up(server.url)
    dora.ok("rooms")
    assert "signed out" in dora.ok("logout")
    assert list((dora.home / "talkbot" / "secrets").iterdir()) == []
    done = dora.run("rooms")
    assert done.returncode == exit_codes.REFUSED
    assert "not signed in" in done.stderr


def one_line(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, (done.returncode, done.stderr)
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("talkbot-tui: ")
    for word in words:
        assert word in lines[0]


def test_wrong_password(server: ServerProcess, ana: Person, stranger: Person) -> None:
    done = stranger.run(
        "login", server.url, "--user", "ana", "--password-stdin", "--insecure-storage", given="no\n"
    )
    one_line(done, exit_codes.REFUSED, "wrong name or password")
    assert not (stranger.home / "talkbot" / "accounts.json").exists()


def test_without_a_keyring_nothing_is_kept_unasked(server: ServerProcess, stranger: Person) -> None:
    done = stranger.run(
        "login", server.url, "--user", "x", "--password-stdin", "--register", given=PASSWORD + "\n"
    )
    one_line(done, exit_codes.STORE, "--insecure-storage")
    assert not list(stranger.home.rglob("*.json"))


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("http://127.0.0.1:1", exit_codes.UNREACHABLE, "no server answers"),
        ("https://does-not-exist.invalid", exit_codes.UNREACHABLE, "no such host"),
        ("http://192.0.2.1", exit_codes.USAGE, "--allow-insecure"),
        ("ftp://example.com", exit_codes.USAGE, "not a server's address"),
        ("http://", exit_codes.USAGE, "not a server's address"),
        ("http://[::1", exit_codes.USAGE, "not a server's address"),
        ("https://host:99999", exit_codes.USAGE, "not a server's address"),
    ],
)
def test_wrong_addresses(stranger: Person, url: str, code: int, words: str) -> None:
    done = stranger.run(
        "login", url, "--user", "x", "--password-stdin", "--insecure-storage", given="p\n"
    )
    one_line(done, code, words)


@contextmanager
def another_kind_of_server() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>It works!</html>")

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{other.server_port}"
        finally:
            other.shutdown()
            thread.join()


def test_a_web_server_that_is_no_chat(stranger: Person) -> None:
    with another_kind_of_server() as url:
        signing_in = stranger.run(
            "login", url, "--user", "x", "--password-stdin", "--insecure-storage", given="p\n"
        )
        one_line(signing_in, exit_codes.UNREACHABLE, "no talkbot server")
        listing = stranger.run("rooms", "--server", url, env={"TALKBOT_TOKEN": "t"})
        one_line(listing, exit_codes.UNREACHABLE, "no talkbot server")


def test_a_forged_token(server: ServerProcess, stranger: Person) -> None:
    env = {"TALKBOT_TOKEN": "forged.token.here"}
    done = stranger.run("rooms", "--server", server.url, env=env)
    one_line(done, exit_codes.REFUSED, "does not take this token")


def test_no_account(stranger: Person) -> None:
    for command in (
        ["rooms"],
        ["send", "general", "x"],
        ["tail", "general"],
        ["whoami"],
        ["logout"],
    ):
        one_line(stranger.run(*command), exit_codes.REFUSED, "not signed in")


def test_no_such_room_or_person(ana: Person) -> None:
    one_line(ana.run("send", "nowhere", "x"), exit_codes.NOT_FOUND, "nowhere")
    one_line(ana.run("send", "@nobody-here", "x"), exit_codes.NOT_FOUND, "@nobody-here")
    one_line(ana.run("tail", "#nowhere"), exit_codes.NOT_FOUND, "#nowhere")


@pytest.mark.parametrize(
    ("text", "given", "words"),
    [
        ("", "", "empty"),
        ("  ", "", "empty"),
        ("-", "", "empty"),
        ("x" * 8001, "", "8000"),
        ("-", "é" * 8001, "8000"),
    ],
)
def test_messages_that_cannot_be_sent(ana: Person, text: str, given: str, words: str) -> None:
    one_line(ana.run("send", "general", text, given=given), exit_codes.USAGE, words)


def test_a_text_that_is_no_text(ana: Person) -> None:
    done = subprocess.run(
        [*PROGRAM, "send", "general", "-"],
        input=b"\xff\xfe\x00",
        env=ana.env,
        capture_output=True,
        check=False,
    )
    assert done.returncode == exit_codes.USAGE
    assert b"UTF-8" in done.stderr


def test_a_newer_cache_is_refused_untouched(server: ServerProcess, tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    eva = Person(tmp_path, "eva")
    eva.sign_up(server.url)
    eva.ok("send", "general", "hello")
    (path,) = eva.home.rglob("cache.db")
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 999")
    one_line(eva.run("send", "general", "x"), exit_codes.STORE, "newer version", str(path))


def test_several_accounts_must_be_told_apart(server: ServerProcess, tmp_path: Path) -> None:
    person = Person(tmp_path, "fred")
    person.sign_up(server.url)
    person.name = "gabi"
    person.sign_up(server.url)
    one_line(person.run("rooms"), exit_codes.USAGE, "--user", "fred @", "gabi @")
    person.ok("rooms", "--user", "gabi")
    assert len(person.ok("whoami").splitlines()) == 2


def test_portuguese_is_spoken_when_asked(stranger: Person) -> None:
    done = stranger.run("rooms", env={"LANG": "pt_BR.UTF-8"})
    one_line(done, exit_codes.REFUSED, "você não está conectado")


@pytest.mark.parametrize(
    "command", ["login", "logout", "whoami", "rooms", "send", "tail", "outbox"]
)
@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_help_fits_a_small_screen(stranger: Person, command: str, language: str) -> None:
    env = {"COLUMNS": "80"}
    done = stranger.run("--lang", language, command, "--help", env=env)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) <= 24
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_no_secret_is_ever_in_a_command_line() -> None:
    for command in ("login", "send", "rooms", "tail"):
        done = subprocess.run(
            [*PROGRAM, command, "--help"],
            capture_output=True,
            text=True,
            env={**os.environ, "LANG": "C.UTF-8"},
            check=True,
        )
        assert "--password " not in done.stdout
        assert "--token " not in done.stdout
