"""In tmux, a real terminal with its own ideas, the layer leaves the screen that Textual leaves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.emulator import Emulator
from tests.waiting import until_sync

ROOT = Path(__file__).parents[2]
COLUMNS, ROWS = 100, 30
TMUX = shutil.which("tmux") or "tmux is not installed (see .ci/system-packages)"


class Tmux:
    """Two panes' worth of servers: one with the layer, one with plain output."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "tmux"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
        }

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [TMUX, "-S", str(self.socket), "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
            env=self.env,
        )
        return done.stdout

    def open(self, how: str) -> None:
        command = f"exec {sys.executable} -m tests.ui.scene_app {how}"
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        self.run("new-session", "-d", "-s", how, *size, command)

    def rows(self, how: str) -> list[list[tuple[object, ...]]]:
        """The pane's cells as they can be seen; of the composer's only the text.

        There plain output draws a cursor, and the layer shows the terminal's own.
        """
        seen = Emulator(COLUMNS, ROWS)
        for y, row in enumerate(self.run("capture-pane", "-p", "-e", "-t", how).split("\n")[:ROWS]):
            seen.write(f"\x1b[{y + 1}H{row}")
        return [_comparable(seen.row(y)) for y in range(ROWS)]

    def press(self, *keys: str) -> None:
        for how in ("layered", "plain"):
            self.run("send-keys", "-t", how, *keys)

    def more(self) -> None:
        for how in ("layered", "plain"):
            pid = self.run("list-panes", "-t", how, "-F", "#{pane_pid}")
            os.kill(int(pid), signal.SIGUSR1)

    def same(self, wanted: str) -> None:
        """Until both show `wanted`, and the same."""

        def alike() -> bool:
            if wanted not in self.run("capture-pane", "-p", "-t", "layered"):
                return False
            return self.rows("layered") == self.rows("plain")

        until_sync(alike, 20, self._differences)

    def _differences(self) -> str:
        ours, plain = self.rows("layered"), self.rows("plain")
        wrong = [
            (y, x, a, b)
            for y in range(ROWS)
            for x, (a, b) in enumerate(zip_longest(ours[y], plain[y]))
            if a != b
        ]
        return f"{wrong[:8]}\n" + self.run("capture-pane", "-p", "-t", "layered")


def _comparable(row: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    texts = [cell[:1] for cell in row]
    if ("›",) in texts:
        row = texts
    # What was erased up to the end of a row is not told apart from what was never written.
    while row and row[-1][0] == " ":
        row = row[:-1]
    return row


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    tmux = Tmux(tmp_path)
    for how in ("layered", "plain"):
        tmux.open(how)
    yield tmux
    tmux.run("kill-server")


def test_the_same_screen_in_tmux(tmux: Tmux) -> None:
    tmux.same("can you look at")
    for count in range(1, 9):
        tmux.more()
        tmux.same(f"number {11 + 3 * count} ")
    tmux.press("o", "l", "á", " ", "a", "n", "a")
    tmux.same("olá ana")
    for keys, wanted in (
        (("PPage",), "number"),
        (("PPage",), "number"),
        (("NPage",), "number"),
        (("M-Down",), "›"),
        (("M-Up",), "olá ana"),
        (("F1",), "F1"),
        (("Escape",), "olá ana"),
        (("C-k",), "ideas"),
        (("Escape",), "olá ana"),
        (("BSpace",), "olá an"),
        (("C-u",), "›"),
    ):
        tmux.press(*keys)
        tmux.same(wanted)
