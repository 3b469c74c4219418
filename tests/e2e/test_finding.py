"""A message of long ago is found and looked at in a real terminal, also without a server."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.world import World

CTRL_F, CTRL_Q = "\x06", "\x11"
FAST = ("--messages-per-minute", "6000", "--message-burst", "500")


def test_a_message_far_back_is_found_and_shown_also_offline(tmp_path: Path) -> None:
    with World(tmp_path, options=FAST) as world:
        world.start_server()
        world.sign_up("ana")
        terminal = world.open_app("ana", columns=80, rows=24)
        terminal.wait("online")
        terminal.send("the pineapple is late")
        for number in range(40):
            terminal.send(f"later {number}")
        # They go out in order: with the last one all are stored.
        terminal.until(lambda: re.search("later 39 .*✓ sent", terminal.text()), 60)
        for online in (True, False):
            if not online:
                world.stop_server()
                terminal.wait("next try")
            terminal.write(CTRL_F)
            terminal.wait("Search messages")
            for key in "PINEappl":
                terminal.write(key)
            terminal.wait("the pineapple is late")
            assert terminal.shows("search on the server") is online
            terminal.write("\r")
            terminal.until(lambda: not terminal.shows("Search messages"), 10)
            terminal.wait("the pineapple is late")
            terminal.write("\x1b")
            terminal.wait("Search messages")
            terminal.write("\x1b")
            terminal.wait("later 39")
            terminal.until(lambda: not terminal.shows("pineapple"), 10)
        terminal.write(CTRL_Q)
        terminal.until(lambda: not terminal.alive, 10)
