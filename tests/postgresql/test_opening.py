"""What a server is told about its database, and what it refuses to run on."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from talkbot_tui.cli import exit_codes
from talkbot_tui.server.storage import sessions
from talkbot_tui.server.storage.database import StoreProblem, open_database
from talkbot_tui.server.storage.migrating import versions
from talkbot_tui.server.storage.place import (
    DatabaseOptions,
    database_options,
    database_place,
    option_name,
)
from tests import postgres
from tests.server.test_commands import PROGRAM, environment, ready
from tests.serving import running_server

SECRET = "a secret of all nodes 0123456789"
OTHER = "another secret 9876543210 of one"


@pytest.fixture
def url() -> Iterator[str]:
    made = postgres.shared().database()
    yield made
    postgres.shared().drop(made)


def refusal(url: str, **options: Any) -> str:
    with pytest.raises(StoreProblem) as problem:
        open_database(Path(), url, DatabaseOptions(connect=1, **options))
    told = str(problem.value)
    assert "\n" not in told
    assert "password%20of" not in told
    assert postgres.PASSWORD not in told
    return told


def test_each_reason_for_no_connection_is_told_in_one_line(url: str) -> None:
    cluster = postgres.shared()
    assert "the user or the password is wrong" in refusal(cluster.url("postgres", "nonsense"))
    assert "it asks for a password" in refusal(
        f"postgresql://{postgres.USER}@127.0.0.1:{cluster.port}/postgres"
    )
    assert "there is no such database; make it with createdb" in refusal(cluster.url("nowhere"))
    port = postgres.free_port()
    assert "nothing listens there" in refusal(f"postgresql://ana@127.0.0.1:{port}/chat")
    assert "no machine of that name" in refusal("postgresql://ana@nowhere.invalid/chat")
    assert f"127.0.0.1:{cluster.port}/nowhere" in refusal(cluster.url("nowhere"))


def test_a_users_right_that_is_missing_is_told(url: str) -> None:
    cluster = postgres.shared()
    cluster.ask("DROP ROLE IF EXISTS guest")
    cluster.ask("CREATE ROLE guest LOGIN PASSWORD 'sesame'")
    told = refusal(url.replace(f"{postgres.USER}:a%20password%20of%20the%20tests", "guest:sesame"))
    assert "may not make tables" in told


def test_another_programs_tables_and_a_newer_version_are_left_alone(url: str) -> None:
    cluster, name = postgres.shared(), url.rpartition("/")[2]
    cluster.ask("CREATE TABLE somebody_elses (x int)", name)
    assert "tables of another program" in refusal(url)
    assert cluster.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == [(1,)]
    cluster.ask("DROP TABLE somebody_elses", name)
    open_database(Path(), url).close()
    cluster.ask("UPDATE alembic_version SET version_num = '9999'", name)
    assert "newer version (step 9999)" in refusal(url)


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("fsync", "off", "fsync=off"),
        ("full_page_writes", "off", "full_page_writes=off"),
        ("synchronous_commit", "off", "synchronous_commit=off"),
    ],
)
def test_a_server_that_could_lose_what_it_confirmed_is_refused(
    url: str, setting: str, value: str, told: str
) -> None:
    if setting == "synchronous_commit":
        cluster, name = postgres.shared(), url.rpartition("/")[2]
        cluster.ask(f"ALTER DATABASE {name} SET {setting} = {value}")
        assert told in refusal(url)
        return
    with postgres.own(**{setting: value}) as cluster:
        assert told in refusal(cluster.url())


def test_a_standby_is_refused_at_the_start_and_later() -> None:
    with postgres.own() as cluster:
        address = cluster.database()
        store = open_database(Path(), address, DatabaseOptions(reconnect=0.3))
        cluster.stop()
        (cluster.data / "standby.signal").touch()
        cluster.start()
        assert "is in recovery" in refusal(address)
        (done,) = store.append([sessions.last_revocation])
        assert getattr(done, "code", done) == "busy"
        store.close()


def test_another_encoding_is_refused(url: str) -> None:
    cluster = postgres.shared()
    cluster.ask("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    assert "encoding LATIN1" in refusal(cluster.url("latin"))
    cluster.drop(cluster.url("latin"))


def test_ten_nodes_start_at_once_on_an_empty_database(url: str) -> None:
    problems: list[Exception] = []

    def start() -> None:
        try:
            open_database(Path(), url, DatabaseOptions(readers=1)).close()
        except Exception as error:
            problems.append(error)

    nodes = [threading.Thread(target=start) for _ in range(10)]
    for node in nodes:
        node.start()
    for node in nodes:
        node.join(60)
    assert problems == []
    found = postgres.shared().ask("SELECT version_num FROM alembic_version", url.rpartition("/")[2])
    assert found == [(versions()[0],)]


def place(**environ: str) -> tuple[str, str]:
    found = database_place(environ, dict.fromkeys(environ, ".env"))
    return found.url, found.told


def test_the_familiar_variables_name_a_database_and_who_said_so() -> None:
    assert place() == ("", "")
    assert place(PGUSER="ana", PGPASSWORD="sesame", PGPORT="1") == ("", "")
    url, told = place(PGUSER="ana", PGPASSWORD="se:s@me/", PGDATABASE="chat")
    assert url == "postgresql://ana:se%3As%40me%2F@localhost:5432/chat"
    assert "host localhost (default), port 5432 (default)" in told
    assert "database chat (PGDATABASE, .env), user ana (PGUSER, .env)" in told
    assert "se:s@me" not in told
    url, told = place(PGHOST="db", PGPORT="5433", PGUSER="ana", PGDATABASE="x")
    assert url == "postgresql://ana@db:5433/x"
    url, told = place(TALKBOT_DATABASE_URL="postgresql://u:secret@h/d", PGHOST="db", PGDATABASE="x")
    assert url == "postgresql://u:secret@h/d"
    assert told == "postgresql://h/d (TALKBOT_DATABASE_URL, .env)"
    for bad in ({"PGPORT": "x"}, {"PGPORT": "99999"}, {"PGHOST": "db", "PGDATABASE": ""}):
        with pytest.raises(StoreProblem):
            place(**{"PGHOST": "db", "PGDATABASE": "x", **bad})


def test_how_it_is_used_can_be_set_within_bounds() -> None:
    assert database_options({}) == DatabaseOptions()
    given = {option_name("readers"): "7", option_name("statement"): "2.5"}
    assert database_options(given) == DatabaseOptions(readers=7, statement=2.5)
    for name, value in (("readers", "0"), ("readers", "2.5"), ("lock", "nan"), ("idle", "x")):
        with pytest.raises(StoreProblem, match=option_name(name)):
            database_options({option_name(name): value})


@contextmanager
def serving(folder: Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--no-bot", "--port", "0", "--data-dir", str(folder / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**environment(folder), "TALKBOT_SECRET": SECRET, **environ},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_file_beside_it_names_the_database_and_the_environment_wins(
    tmp_path: Path, url: str
) -> None:
    cluster = postgres.shared()
    (tmp_path / ".env").write_text(
        f"# of the team\nPGHOST=nowhere.invalid\nexport PGPORT={cluster.port}\n"
        f"PGUSER={postgres.USER}\nPGPASSWORD='{postgres.PASSWORD}'\nPATH=/nowhere\n"
    )
    name = url.rpartition("/")[2]
    with serving(tmp_path, PGHOST="127.0.0.1", PGDATABASE=name) as process:
        ready(process)
        process.terminate()
        _out, log = process.communicate(timeout=20)
    assert process.returncode == exit_codes.OK, log
    assert "host 127.0.0.1 (PGHOST, environment)" in log
    assert f"port {cluster.port} (PGPORT, .env)" in log
    assert f"database {name} (PGDATABASE, environment)" in log
    assert postgres.PASSWORD not in log
    assert not (tmp_path / "data" / "server.db").exists()
    (tmp_path / ".env").write_text("PGHOST=127.0.0.1\nthis is no setting\n")
    with serving(tmp_path) as process:
        _out, log = process.communicate(timeout=20)
    assert process.returncode == exit_codes.USAGE
    assert log.count("\n") == 1
    assert "line 2" in log


def test_a_program_without_the_driver_says_what_to_install(tmp_path: Path, url: str) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError('No module named psycopg')\n")
    with serving(tmp_path, TALKBOT_DATABASE_URL=url, PYTHONPATH=str(tmp_path)) as process:
        _out, log = process.communicate(timeout=20)
    assert process.returncode == exit_codes.STORE
    assert log.count("\n") == 1
    assert "pip install 'talkbot-tui[postgres]'" in log


async def test_nodes_with_another_key_are_refused_until_it_is_rotated(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(secret: str, previous: str = "") -> str:
        monkeypatch.setenv("TALKBOT_SECRET", secret)
        monkeypatch.setenv("TALKBOT_SECRET_PREVIOUS", previous)
        try:
            async with running_server(database_url=url):
                return "runs"
        except StoreProblem as problem:
            return str(problem)

    assert await start(SECRET) == "runs"
    assert "signing key is not the one" in await start(OTHER)
    assert await start(SECRET) == "runs"
    assert await start(OTHER, SECRET) == "runs"
    assert "signing key is not the one" in await start(SECRET)
    name = url.rpartition("/")[2]
    ((stored,),) = postgres.shared().ask("SELECT value FROM meta WHERE key = 'signing_key'", name)
    assert OTHER not in str(stored)


def test_a_lost_key_can_be_replaced(tmp_path: Path, url: str) -> None:
    def admin(secret: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, "admin", "adopt-key"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            cwd=tmp_path,
            env={**environment(tmp_path), "TALKBOT_DATABASE_URL": url, "TALKBOT_SECRET": secret},
        )

    for secret in (SECRET, OTHER):
        assert admin(secret).returncode == exit_codes.OK
        with serving(tmp_path, TALKBOT_DATABASE_URL=url, TALKBOT_SECRET=secret) as process:
            ready(process)
