"""Signing in again from the chat: the fields know who is here, and a password goes into its own."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.world import PASSWORD, World


def test_login_in_the_chat_asks_for_the_password_alone(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.start_server()
        world.sign_up("ana")
        app = world.open_app("ana", columns=80, rows=24)
        app.wait("#general")
        app.write("/login\r")
        app.wait("Sign in")
        app.wait(world.url)
        app.write(f"{PASSWORD[:-1]}")
        app.wait("•" * (len(PASSWORD) - 1))
        assert PASSWORD[:5] not in app.text()
        app.write(f"{PASSWORD[-1]}\r")
        app.until(lambda: app.shows("online") and not app.shows("Sign in"))
        app.wait("#general")
