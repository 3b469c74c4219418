"""The inspector in a real terminal: over the chat, alone, and on its recording; no secrets."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from tests.e2e import secrets
from tests.e2e.world import PASSWORD, World

F12, CTRL_Q = "\x1b[24~", "\x11"


def test_the_wire_is_seen_recorded_and_opened_again_without_a_secret(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.start_server()
        world.sign_up("ana")
        known = {"password": PASSWORD, **secrets.of_files(tmp_path)}
        holders = list(tmp_path.rglob("secrets/*.json"))
        token = next(json.loads(path.read_text())["accessToken"] for path in holders)

        # Over the chat: what is sent is seen, and its answer.
        terminal = world.open_app("ana")
        terminal.wait("online")
        terminal.write(F12)
        terminal.wait("Inspector")
        terminal.write("\x1b")
        terminal.until(lambda: not terminal.shows("Inspector"), 10)
        terminal.send("seen on the wire")
        terminal.wait("✓ sent")
        terminal.write("/inspector\r")
        terminal.wait("seen on the wire")
        terminal.until(lambda: " ms" in terminal.text() and terminal.shows("→ message"))
        record = tmp_path / "ana" / "chat.ndjson"
        terminal.write("w")
        terminal.wait("Record to a file")
        # Ctrl+U is carried out after the keys that follow at once.
        terminal.write("\x15")
        terminal.until(lambda: not terminal.shows("inspector-"), 10)
        terminal.write(str(record) + "\r")
        terminal.wait("recording to")
        terminal.write("w")
        terminal.wait("Recorded to")
        terminal.write(F12)
        terminal.until(lambda: not terminal.shows("Recorded to"), 10)
        terminal.write(CTRL_Q)
        terminal.until(lambda: terminal.ended, 10)
        seen = bytes(terminal.raw)

        # Alone, through an upgrade, with the token from a file.
        auth = tmp_path / "ana" / "auth.json"
        auth.write_text(json.dumps({"token": token, "protocol": 1}))
        alone = tmp_path / "ana" / "alone.ndjson"
        options = ("--namespace", "/chat", "--auth-file", str(auth), "--record", str(alone))
        looking = world.open_app(
            "ana", arguments=("inspect", world.url, *options), columns=80, rows=24
        )
        looking.wait("probe_answer")
        looking.until(lambda: '"sid"' in looking.text())
        looking.write("e")
        looking.wait("Emit an event")
        looking.write("hea\t")
        looking.wait("heads")
        looking.write('{"heads": {}}\r')
        looking.wait('{"ok":true')
        looking.write("?")
        looking.wait("the server's answer to our event")
        looking.write("\x1b")
        looking.until(lambda: not looking.shows("the server's answer"), 10)
        looking.write("\x1b")
        looking.until(lambda: looking.ended, 10)
        assert looking.exit_code == 0
        seen += bytes(looking.raw)

        # Its recording, offline, in Portuguese.
        world.stop_server()
        assert stat.S_IMODE(alone.stat().st_mode) == 0o600
        arguments = ("--lang", "pt-BR", "inspect", "--open", str(alone))
        reading = world.open_app("ana", arguments=arguments, columns=60, rows=18)
        reading.wait("Inspetor")
        reading.wait("gravação")
        reading.write("e")
        reading.wait("nada pode ser enviado")
        reading.write("\x1b")
        reading.until(lambda: reading.ended, 10)
        seen += bytes(reading.raw)
        assert "seen on the wire" in record.read_text()
        assert secrets.leaks(known, tmp_path, but=(*holders, auth), seen=seen) == []
