"""`sessions`, `tokens`, `passwd`, and TLS, as the commands have them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from talkbot_tui.cli import exit_codes
from tests.certificates import Authority
from tests.cli.people import PASSWORD, Person, ServerProcess
from tests.cli.test_commands import one_line
from tests.waiting import until_sync

pytestmark = pytest.mark.timeout(120)
FRESH = "another battery staple"


@pytest.fixture
def rita(server: ServerProcess, tmp_path: Path) -> Person:
    person = Person(tmp_path, f"rita-{tmp_path.name[-12:].strip('_').replace('_', '-')}")
    person.sign_up(server.url)
    return person


def elsewhere(person: Person, url: str, password: str = PASSWORD) -> Person:
    """The same person at another machine."""
    other = Person(person.home / "elsewhere", person.name)
    options = ("--user", person.name, "--password-stdin", "--insecure-storage")
    other.ok("login", url, *options, given=password + "\n")
    return other


def test_sessions_are_listed_and_ended(server: ServerProcess, rita: Person) -> None:
    other = elsewhere(rita, server.url)
    listed = [json.loads(line) for line in rita.ok("sessions", "--json").splitlines()]
    assert [entry["current"] for entry in listed].count(True) == 1
    assert len(listed) == 2
    assert "this one" in rita.ok("sessions")
    with other.following("#general") as following:
        assert rita.ok("sessions", "--end-others") == "1 session ended\n"
        until_sync(lambda: following.process.poll() is not None, 10)
        assert following.process.returncode == exit_codes.REFUSED
    one_line(other.run("rooms"), exit_codes.REFUSED, "was ended")
    assert len(rita.ok("sessions").splitlines()) == 1
    one_line(rita.run("sessions", "--end", "nobodys"), exit_codes.NOT_FOUND, "no session nobodys")


def test_a_token_is_shown_once_used_and_revoked(server: ServerProcess, rita: Person) -> None:
    token = rita.ok("tokens", "--add", "back\x1b[2Jup", "--days", "7").strip()
    assert token.startswith("tbp_")
    (listed,) = rita.ok("tokens").splitlines()
    assert "\x1b" not in listed
    assert token not in listed
    as_script = {"TALKBOT_TOKEN": token}
    script = Person(rita.home / "script", rita.name)
    assert script.run("rooms", "--server", server.url, env=as_script).returncode == 0
    (entry,) = [json.loads(line) for line in rita.ok("tokens", "--json").splitlines()]
    assert 6.9 < (entry["expiresAt"] - entry["createdAt"]) / 86_400_000 < 7.1
    assert rita.ok("tokens", "--revoke", entry["tokenId"]) == "1 token revoked\n"
    done = script.run("rooms", "--server", server.url, env=as_script)
    one_line(done, exit_codes.REFUSED, server.url)
    assert rita.ok("tokens") == ""
    one_line(rita.run("tokens", "--revoke", "x"), exit_codes.NOT_FOUND, "no token x")
    wrong = rita.run("tokens", "--add", "x", "--days", "0")
    assert (wrong.returncode, "1 to 3650" in wrong.stderr) == (exit_codes.USAGE, True)


def test_a_password_is_changed_and_other_sessions_end(server: ServerProcess, rita: Person) -> None:
    other = elsewhere(rita, server.url)
    for given, code, told in (
        (f"wrong words\n{FRESH}\n", exit_codes.REFUSED, "old password is wrong"),
        (f"{PASSWORD}\nshort\n", exit_codes.REFUSED, "too weak"),
        (f"{PASSWORD}\n", exit_codes.USAGE, "two lines"),
    ):
        one_line(rita.run("passwd", "--password-stdin", given=given), code, told)
    one_line(rita.run("passwd"), exit_codes.USAGE, "--password-stdin")
    rita.ok("passwd", "--password-stdin", given=f"{PASSWORD}\n{FRESH}\n")
    one_line(other.run("rooms"), exit_codes.REFUSED, "was ended")
    assert rita.ok("rooms")
    elsewhere(rita, server.url, FRESH)


def test_a_server_with_tls_is_used_with_its_authority(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    certificate, key = authority.issue()
    server = ServerProcess(tmp_path / "server", "--tls", str(certificate), str(key))
    ana = Person(tmp_path, "ana")
    server.start()
    try:
        options = ("--user", "ana", "--password-stdin", "--register", "--insecure-storage")
        done = ana.run("login", server.url, *options, given=PASSWORD + "\n")
        one_line(done, exit_codes.UNREACHABLE, "cannot be trusted")
        trusting = ("--ca-file", str(authority.file))
        ana.ok("login", server.url, *options, *trusting, given=PASSWORD + "\n")
        Path(ana.env["TALKBOT_CONFIG"]).write_text(f'ca_file = "{authority.file}"\n')
        ana.ok("send", "@talkbot", "roll 1d1")
        # The greeting, the request, and its answer by a bot that trusts this one certificate.
        until_sync(lambda: any(room["headSeq"] >= 3 for room in ana.rooms()), 20)
        missing = ana.run("rooms", "--ca-file", "/nope.pem")
        one_line(missing, exit_codes.USAGE, "/nope.pem", "No such file")
    finally:
        server.stop()
