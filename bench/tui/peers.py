"""WeeChat and irssi as Debian has them, with their own settings but for their limits."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.tui.clients import IN_OTHER, OTHER, OTHER_PREFIX, ROOM, ROOMS, Client
from bench.tui.irc import IrcServer, lines_of
from bench.tui.loop import Loop, now
from bench.tui.screen import Wanted
from bench.tui.terminal import Terminal
from bench.tui.texts import talk

PACKAGES = {"weechat": "weechat-curses", "irssi": "irssi"}


def missing() -> list[str]:
    """The Debian packages of the peers that are not installed."""
    return [package for command, package in PACKAGES.items() if shutil.which(command) is None]


def version(command: str) -> str:
    """What `command --version` says."""
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[0].removeprefix(command).strip().split(" ")[0]


class Peer(Client):
    """An IRC client on the rig's own server."""

    order = ROOMS
    """In which order it joins."""

    redraw = b"\x0c"

    def __init__(self, loop: Loop, home: Path) -> None:
        super().__init__(loop)
        self.home = home
        self.home.mkdir()
        self.irc = IrcServer(loop)
        # The rooms that nobody looks at are played back nothing: at a start that would only cost.
        self.irc.history = {f"#{OTHER}": talk(OTHER_PREFIX, IN_OTHER, seed=17)}

    def env(self) -> dict[str, str]:
        """Nothing of the user's own."""
        return {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}

    def command(self) -> list[str]:
        """How it is started."""
        raise NotImplementedError

    def launch(self, history: int) -> Terminal:
        """Start it; it is played back `history` messages as it joins."""
        texts = talk("h", history, seed=17)
        self.irc.history[f"#{ROOM}"] = texts
        self.newest = texts[-1].split()[0]
        return Terminal(self.loop, self.command(), self.env())

    @property
    def connected(self) -> bool:
        """Whether it has joined every channel."""
        connection = self.irc.newest
        return connection is not None and len(connection.joined) == len(ROOMS)

    def say(self, texts: Sequence[str], gap: float) -> list[Wanted]:
        """Write a message every `gap` seconds."""
        connection = self.irc.newest
        assert connection is not None
        wanted = []
        begin = now()
        for number, (text, line) in enumerate(
            zip(texts, lines_of(f"#{ROOM}", list(texts)), strict=True)
        ):
            self.loop.run(begin + number * gap - now())
            chunk = len(self.open.chunks)
            wanted.append(Wanted(connection.send(line), chunk, text.split()[0]))
        self.loop.run(gap)
        self.newest = texts[-1].split()[0]
        return wanted

    def burst(self, texts: Sequence[str]) -> float:
        """One write."""
        connection = self.irc.newest
        assert connection is not None
        lines = lines_of(f"#{ROOM}", list(texts))
        self.newest = texts[-1].split()[0]
        return connection.send(*lines)


class WeeChat(Peer):
    """With its bars and all plugins of the package, and without a limit of lines."""

    name = "WeeChat"
    # It shows the channel that it joined last.
    order = [*ROOMS[2:], OTHER, ROOM]
    rooms = (b"\x1b[1;3C", b"\x1b[1;3D")
    to_end = b"/window scroll_bottom\r"

    def __init__(self, loop: Loop, home: Path) -> None:
        super().__init__(loop, home)
        channels = ",".join(f"#{room}" for room in self.order)
        orders = [
            f"/server add rig 127.0.0.1/{self.irc.port} -notls -autoconnect",
            f'/set irc.server.rig.autojoin "{channels}"',
            '/set irc.server.rig.nicks "me"',
            "/set weechat.history.max_buffer_lines_number 0",
            "/save",
            "/quit",
        ]
        command = self.command()
        for order in orders:
            command += ["-r", order]
        terminal = Terminal(loop, command, self.env())
        loop.until(lambda: not terminal.alive, 30, "WeeChat writes its settings")
        terminal.close()

    def command(self) -> list[str]:
        """Its own folder."""
        return ["weechat", "-d", str(self.home)]


class Irssi(Peer):
    """A window for each channel, and a scrollback without limit."""

    name = "irssi"
    rooms = (b"\x1b1", b"\x1b2")
    to_end = b"/scrollback end\r"

    def __init__(self, loop: Loop, home: Path) -> None:
        super().__init__(loop, home)
        channels = "".join(
            f'{{ name = "#{room}"; chatnet = "rig"; autojoin = "yes"; }},\n' for room in ROOMS
        )
        windows = "".join(
            f'{number} = {{ items = ( {{ type = "CHANNEL"; chat_type = "IRC"; name = "#{room}";'
            f' tag = "rig"; }} ); }};\n'
            for number, room in enumerate(ROOMS, 1)
        )
        (self.home / "config").write_text(
            f"""servers = ( {{ address = "127.0.0.1"; chatnet = "rig"; port = "{self.irc.port}";
  autoconnect = "yes"; use_tls = "no"; }} );
chatnets = {{ rig = {{ type = "IRC"; }}; }};
channels = ( {channels} );
windows = {{ {windows} }};
settings = {{
  core = {{ real_name = "me"; user_name = "me"; nick = "me"; settings_autosave = "no"; }};
  "fe-text" = {{ scrollback_lines = "0"; scrollback_time = "1000days"; scroll_page_count = "-1"; }};
  "fe-common/core" = {{ window_auto_change = "no"; }};
  "irc/core" = {{ cmds_max_at_once = "1000"; cmd_queue_speed = "0msec"; }};
}};
"""
        )

    def command(self) -> list[str]:
        """Its own folder."""
        return ["irssi", f"--home={self.home}"]
