"""`tail` over a server that comes back from a backup: it goes on, and says that it had to."""

from __future__ import annotations

import os
import select
import shutil
from pathlib import Path

import pytest

from tests.cli.people import Following, Person, ServerProcess

pytestmark = pytest.mark.timeout(120)


def said(tail: Following, within: float = 30.0) -> str:
    """What stands on its standard error."""
    assert tail.process.stderr is not None
    ready, _, _ = select.select([tail.process.stderr], [], [], within)
    assert ready, f"no word within {within} s"
    return os.read(tail.process.stderr.fileno(), 65536).decode()


def test_a_server_that_comes_back_from_a_backup_is_followed_on_and_told_of(tmp_path: Path) -> None:
    server, eva = ServerProcess(tmp_path / "server"), Person(tmp_path, "eva")
    data, backup = tmp_path / "server" / "data", tmp_path / "backup"
    server.start()
    try:
        eva.sign_up(server.url)
        eva.ok("send", "general", "first")
        server.stop()
        shutil.copytree(data, backup)
        server.start()
        for number in range(3):
            eva.ok("send", "general", f"lost {number}")
        with eva.following("general", "--json", "--since", "0") as tail:
            while tail.event().get("text") != "lost 2":
                pass
            server.stop()
            shutil.rmtree(data)
            backup.rename(data)
            server.start()
            line = said(tail)
            assert line.startswith("talkbot-tui: the server was restored or set up anew: general")
            # Its number was another message's before.
            eva.ok("send", "general", "anew")
            while tail.event().get("text") != "anew":
                pass
            tail.process.terminate()
            assert tail.errors() == ""
    finally:
        server.stop()
