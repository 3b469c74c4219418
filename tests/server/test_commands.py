"""`serve` and `admin` as processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from talkbot_tui.cli import exit_codes
from tests.serving import PASSWORD

PROGRAM = [sys.executable, "-m", "talkbot_tui"]


def environment(tmp_path: Path, language: str = "en") -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "LANGUAGE": language}


@contextmanager
def serving(tmp_path: Path, *options: str, language: str = "en") -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--no-bot", "--data-dir", str(tmp_path / "data"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path, language),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run(tmp_path: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env=environment(tmp_path),
    )


def ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("ready http://127.0.0.1:"), process.stderr and process.stderr.read()
    return line.split()[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_ready_once_and_a_signal_ends_it_well(
    tmp_path: Path, number: signal.Signals
) -> None:
    with serving(tmp_path, "--port", "0") as process:
        ready(process)
        before = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (exit_codes.OK, "", "")
        assert time.monotonic() - before < 7


def test_a_taken_port_an_occupied_folder_and_a_bad_one_are_one_line_each(tmp_path: Path) -> None:
    with serving(tmp_path, "--port", "0") as process:
        port = ready(process).rsplit(":", 1)[1]
        cases = [
            (["--port", port, "--data-dir", str(tmp_path / "other")], exit_codes.PORT_TAKEN),
            (["--port", "0", "--data-dir", str(tmp_path / "data")], exit_codes.STORE),
            (["--port", "0", "--data-dir", "/proc/nowhere"], exit_codes.STORE),
            (["--port", "x"], exit_codes.USAGE),
        ]
        for options, code in cases:
            done = run(tmp_path, "serve", "--no-bot", *options)
            assert (done.returncode, done.stdout) == (code, ""), done
            assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "not an address of a database"),
        ("postgres9://ana:sesame@db/chat", "no driver for it here"),
        ("sqlite:////tmp/chat.db", "--data-dir"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line_without_its_password(
    tmp_path: Path, url: str, told: str
) -> None:
    done = subprocess.run(
        [*PROGRAM, "serve", "--port", "0", "--data-dir", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={**environment(tmp_path), "TALKBOT_DATABASE_URL": url},
    )
    assert done.returncode == exit_codes.STORE
    assert done.stderr.count("\n") == 1
    assert told in done.stderr
    assert "sesame" not in done.stderr


def test_admin_makes_no_server_by_a_slip_in_the_folders_name(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "admin", "invite", "add", "--data-dir", str(tmp_path / "slip")],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env=environment(tmp_path),
    )
    assert done.returncode == exit_codes.STORE
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "slip").exists()


def test_it_ends_by_itself_when_nobody_is_left(tmp_path: Path) -> None:
    import asyncio

    import aiohttp
    import socketio

    from tests.serving import register

    async def visit(url: str) -> None:
        tokens = await register(url, "ana")
        client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        await client.connect(
            url,
            namespaces=["/chat"],
            auth={"token": tokens["accessToken"]},
            transports=["websocket"],
        )
        await client.disconnect()
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            assert answer.status == 200

    with serving(tmp_path, "--port", "0", "--exit-when-idle", "0.5") as process:
        asyncio.run(visit(ready(process)))
        assert process.wait(timeout=10) == exit_codes.OK


def test_who_has_just_signed_in_is_waited_for(tmp_path: Path) -> None:
    import asyncio

    import aiohttp

    from tests.serving import register

    async def visit(url: str) -> None:
        await register(url, "ana")
        began = time.monotonic()
        # Signing in again and again, never connecting: each one counts anew.
        while time.monotonic() - began < 1.5:
            async with aiohttp.ClientSession() as http:
                body = {"username": "ana", "password": PASSWORD}
                async with http.post(f"{url}/api/login", json=body) as answer:
                    assert answer.status == 200

    with serving(tmp_path, "--port", "0", "--exit-when-idle", "0.5") as process:
        asyncio.run(visit(ready(process)))
        assert process.wait(timeout=10) == exit_codes.OK


def test_the_default_channel_is_named_once_in_the_first_language(tmp_path: Path) -> None:
    from talkbot_tui.server.storage import rooms
    from talkbot_tui.server.storage.database import open_database
    from talkbot_tui.server.storage.tx import Tx

    for language in ("pt_BR", "en"):
        with serving(tmp_path, "--port", "0", language=language) as process:
            ready(process)
            process.terminate()
            process.wait(10)
    store = open_database(tmp_path / "data")

    def names(tx: Tx) -> list[str]:
        return [room.name for room in rooms.page_of_channels(tx, "", "", "", 10)]

    assert store.ask(names) == ["geral"]
    store.close()


def test_admin_works_with_and_without_a_running_server(tmp_path: Path) -> None:
    data = ["--data-dir", str(tmp_path / "data")]
    added = run(
        tmp_path, "admin", "user", "add", "ana", "--password-stdin", *data, given=PASSWORD + "\n"
    )
    assert (added.returncode, added.stderr) == (0, "")
    with serving(tmp_path, "--port", "0") as process:
        url = ready(process)
        invited = run(tmp_path, "admin", "invite", "add", "--uses", "2", *data)
        assert len(invited.stdout.strip()) >= 12
        import asyncio

        import aiohttp

        async def login(password: str) -> int:
            body = {"username": "ana", "password": password}
            async with (
                aiohttp.ClientSession() as http,
                http.post(url + "/api/login", json=body) as answer,
            ):
                return answer.status

        assert asyncio.run(login(PASSWORD)) == 200
        changed = run(
            tmp_path,
            "admin",
            "user",
            "passwd",
            "ana",
            "--password-stdin",
            *data,
            given="new password\n",
        )
        assert changed.returncode == 0, changed.stderr
        assert asyncio.run(login(PASSWORD)) == 401
        assert asyncio.run(login("new password")) == 200
        assert run(tmp_path, "admin", "user", "disable", "ana", *data).returncode == 0
        assert asyncio.run(login("new password")) == 401
        taken = run(
            tmp_path,
            "admin",
            "user",
            "add",
            "ANA",
            "--password-stdin",
            *data,
            given=PASSWORD + "\n",
        )
        assert (taken.returncode, taken.stdout) == (exit_codes.REFUSED, "")
        assert taken.stderr.endswith("choose another\n")
        nobody = run(tmp_path, "admin", "user", "disable", "nobody", *data)
        assert nobody.returncode == exit_codes.NOT_FOUND
        weak = run(
            tmp_path, "admin", "user", "add", "bo", "--password-stdin", *data, given="short\n"
        )
        assert weak.returncode == exit_codes.USAGE
        assert "use 8 to 1,000 characters" in weak.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "nobody.invalid"])
def test_an_address_that_is_not_ours_is_told_with_what_to_do(tmp_path: Path, host: str) -> None:
    data = str(tmp_path / "data")
    done = run(tmp_path, "serve", "--no-bot", "--port", "0", "--host", host, "--data-dir", data)
    assert done.returncode == exit_codes.USAGE
    assert done.stdout == ""
    assert f"nothing can listen at {host}:0 (" in done.stderr
    assert done.stderr.endswith("; choose another with --host\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("written", ["nan", "-1", "inf", "soon"])
def test_a_time_that_is_none_is_refused(tmp_path: Path, written: str) -> None:
    done = run(tmp_path, "send", "#general", "hello", f"--wait={written}")
    assert done.returncode == exit_codes.USAGE
    assert "a time is a number of seconds up to 86400" in done.stderr


def test_a_channel_that_has_its_name_already_is_not_renamed_without_a_word(tmp_path: Path) -> None:
    for name, told in (("#lobby", ""), ("lobby", ""), ("#plaza", "the first channel is #lobby")):
        with serving(tmp_path, "--port", "0", "--default-channel", name) as process:
            ready(process)
            process.terminate()
            assert process.stderr
            said = process.stderr.read()
            assert told in said
            assert ("already" in said) is bool(told)
