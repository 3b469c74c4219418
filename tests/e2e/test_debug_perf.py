"""`debug perf` tells, in a real terminal, what the screen has cost."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.e2e.world import World

CTRL_K, CTRL_Q, ESC = "\x0b", "\x11", "\x1b"


def test_what_was_typed_and_shown_is_told_when_one_leaves(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.start_server()
        world.sign_up("ana")
        terminal = world.open_app("ana", columns=80, rows=24, arguments=("debug", "perf"))
        terminal.wait("online")
        terminal.write("hello")
        terminal.wait("#general hello")
        terminal.write("\r")
        terminal.wait("✓ sent")
        terminal.write(CTRL_K)
        terminal.wait("Go to a room")
        terminal.write(ESC)
        terminal.until(lambda: not terminal.shows("Go to a room"), 10)
        terminal.write(CTRL_Q)
        terminal.until(lambda: not terminal.alive, 10)
        terminal.wait("on 80×24")
        counts = {
            name: int(found[1])
            for name in ("typed characters", "whole layouts")
            if (found := re.search(name + r" +(\d+)", terminal.text()))
        }
        # One read may have brought several letters at once.
        assert 1 <= counts["typed characters"] <= 5
        assert counts["whole layouts"] >= 2


def test_programs_get_one_object(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.start_server()
        world.sign_up("ana")
        terminal = world.open_app(
            "ana", columns=250, rows=24, arguments=("debug", "perf", "--json", "--plain-output")
        )
        terminal.wait("online")
        terminal.write(CTRL_Q)
        terminal.until(lambda: not terminal.alive, 10)
        terminal.wait('{"columns"')
        text = "".join(terminal.lines())
        # What stood below on the emulated screen follows.
        told, _end = json.JSONDecoder().raw_decode(text[text.index('{"columns"') :])
        assert (told["columns"], told["rows"]) == (250, 24)
        assert set(told["pictures"]) == {"echo", "direct", "whole"}
