"""G45: no password and no token is anywhere but where it was asked to be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e import secrets
from tests.e2e.terminal import Terminal
from tests.e2e.world import PASSWORD, PROGRAM, World

WRONG = "a password that is not the right one"
FORGED = "tbp_" + "forgedforged" * 3
CRASHING = """
import sys
from talkbot_tui.cli import main
from talkbot_tui.ui.widgets.message_pane import MessagePane
def broken(self, *args, **kwargs):
    raise RuntimeError("planted: the pane cannot be drawn")
MessagePane.render_lines = broken
sys.exit(main(["chat"]))
"""


def test_no_secret_is_left_anywhere(tmp_path: Path) -> None:
    with World(tmp_path, options=("--log-level", "debug")) as world:
        world.start_server()
        world.sign_up("ana")
        known = {"password": PASSWORD, "wrong password": WRONG, "forged token": FORGED}
        known |= {f"first {k}": v for k, v in secrets.of_files(tmp_path).items()}

        # Signing in, out, and in again; in vain, too.
        assert world.run("ana", "logout").returncode == 0
        login = ("login", world.url, "--user", "ana", "--password-stdin", "--insecure-storage")
        assert world.run("ana", *login, given=WRONG + "\n").returncode == 4
        assert world.run("ana", *login, given=PASSWORD + "\n").returncode == 0
        known |= {f"second {k}": v for k, v in secrets.of_files(tmp_path).items()}
        assert len(known) == 3 + 2 * 2

        # A personal token, in scripts.
        token = world.run("ana", "tokens", "--add", "script").stdout.strip()
        known["personal token"] = token
        (tmp_path / "script").mkdir()
        at = ("--server", world.url)
        for given, code in ((token, 0), (FORGED, 4)):
            env = {"TALKBOT_TOKEN": given}
            done = world.run("script", "send", *at, "general", "from a script", env=env)
            assert done.returncode == code, done.stderr
            assert given not in done.stdout + done.stderr
        tail = subprocess.Popen(
            [*PROGRAM, "tail", *at, "general", "--since", "0"],
            env={**world.env("script"), "TALKBOT_TOKEN": token},
            stdout=subprocess.PIPE,
        )

        # The app, from its sign-in screen on.
        (tmp_path / "bruno").mkdir()
        world.sign_up("bruno")
        assert world.run("bruno", "logout").returncode == 0
        app = world.open_app("bruno")
        app.wait("Password")
        app.write(f"{world.url}\tbruno\t{PASSWORD}\r")
        app.wait("online")
        app.send("hello from the screen")
        app.wait("✓")
        known |= {f"third {k}": v for k, v in secrets.of_files(tmp_path).items()}

        # A bug in the app, with a session in its memory.
        crashed = Terminal([sys.executable, "-c", CRASHING], env=world.env("ana"))
        crashed.until(lambda: crashed.ended, 30)
        assert b"planted" in crashed.raw
        crashed.close()

        assert tail.stdout is not None
        try:
            assert tail.stdout.readline()
            drawn = bytes(app.raw + crashed.raw)
            allowed = list(tmp_path.rglob("secrets/*.json"))
            found = secrets.leaks(known, tmp_path, but=allowed, holders=[tail.pid], seen=drawn)
            assert found == []
            # The search finds what there is to find.
            told = secrets.leaks(known, tmp_path, seen=drawn)
            assert len([line for line in told if "secrets/" in line]) == 2
            assert f"personal token in /proc/{tail.pid}/environ" in told
        finally:
            tail.kill()
            tail.wait()
            tail.stdout.close()
        assert world.stop_server() == 0
        assert secrets.leaks(known, tmp_path, but=allowed, seen=drawn) == []
        assert (tmp_path / "server.log").stat().st_size > 0


def test_a_secret_is_found_in_every_spelling(tmp_path: Path) -> None:
    secret = "pass/word+with=signs and blanks"
    for number, spelling in enumerate(sorted(secrets.spellings(secret))):
        (tmp_path / f"{number}").write_bytes(b"x" + spelling + b"x")
    (tmp_path / "name").mkdir()
    found = secrets.leaks({"it": secret}, tmp_path)
    assert len(found) == number + 1 >= 5
    assert not secrets.leaks({"it": secret + os.urandom(4).hex()}, tmp_path)
