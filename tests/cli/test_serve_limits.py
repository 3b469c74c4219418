"""Limits by address and user can be set when the server starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from talkbot_tui.cli import exit_codes, serve_limits
from talkbot_tui.cli.problems import Problem
from talkbot_tui.server.config import ServerConfig
from tests.cli.people import Person, ServerProcess


def test_every_limit_of_an_address_or_user_has_a_name(tmp_path: Path) -> None:
    config = ServerConfig(data_dir=tmp_path)
    for name in serve_limits.COUNTS:
        assert isinstance(getattr(config, name), int), name
    for name in serve_limits.RATES:
        assert isinstance(getattr(config, name), float), name
    ends = ("_per_second", "_burst", "_per_user", "_per_address", "failures_max")
    fields = {name for name in ServerConfig.__dataclass_fields__ if name.endswith(ends)}
    assert fields == {*serve_limits.COUNTS, *serve_limits.RATES}


def test_the_option_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(serve_limits.VARIABLE, "connections-per-user=7, events-per-second = 2.5,")
    assert serve_limits.read(["connections-per-user=9", "events_burst=3"]) == {
        "connections_per_user": 9,
        "events_per_second": 2.5,
        "events_burst": 3,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("connections-per-user", "connections-per-user takes a whole number from 1"),
        ("connections-per-user=0", "not '0'"),
        ("connections-per-user=1e3", "not '1e3'"),
        ("connections-per-user=99999999999999999999", "a whole number from 1 to 10000000"),
        ("connections-per-user=٣", "a whole number"),
        ("events-per-second=nan", "a number from 0.001 to 1000000"),
        ("events-per-second=inf", "not 'inf'"),
        ("events-per-second=-1", "not '-1'"),
        ("password_rounds=1", "'password_rounds' is no limit; there are handshakes-per-address"),
        ("=5", "'' is no limit"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, said: str) -> None:
    with pytest.raises(Problem) as refused:
        serve_limits.read([text])
    assert said in str(refused.value)
    assert str(refused.value).startswith("--limit: ")
    assert refused.value.code == exit_codes.USAGE


def test_a_server_started_with_a_limit_keeps_it(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "server", "--no-bot", "--limit", "failures-max=1")
    server.start()
    rita = Person(tmp_path, "rita")
    wrong = ["login", server.url, "--user", "rita", "--password-stdin", "--insecure-storage"]
    try:
        said = [rita.run(*wrong, given="not mine\n").stderr for _ in range(2)]
    finally:
        server.stop()
    assert "wrong name or password" in said[0]
    assert "wait" in said[1]
