"""The places where a program of ours shows what others wrote, and how each is filled."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.client.script import BRUNO, ROOM, refusal
from tests.corpus.foreign import ForeignServer, foreign_server, room
from tests.corpus.streams import whole
from tests.e2e.terminal import Terminal
from tests.waiting import until

Texts = Sequence[tuple[str, str]]
PROGRAM = (sys.executable, "-m", "talkbot_tui")
COLUMNS = 120
WITHIN = 30.0
LOGGING = """
import json, logging, pathlib, sys
from talkbot_tui import logs
logs.configure("info")
for line in json.loads(pathlib.Path(sys.argv[1]).read_text()):
    logging.getLogger(line).warning("of %s", line)
"""
MARK = re.compile(r"T\d+\.\d+~")


@dataclass(frozen=True)
class Shown:
    """What was `written` to the terminal, and the marks that could be read on its screen."""

    written: bytes
    seen: frozenset[str]


class Stage:
    """A foreign server, and one program of ours in a terminal."""

    def __init__(self, server: ForeignServer, folder: Path, rows: int) -> None:
        self.server = server
        self.rows = rows
        self.folder = folder
        self._terminals: list[Terminal] = []
        self._seen: set[str] = set()

    @property
    def terminal(self) -> Terminal:
        """The last program that was started."""
        return self._terminals[-1]

    def env(self) -> dict[str, str]:
        """A home of its own; the token lets it in without an account."""
        return {
            "HOME": str(self.folder),
            "TALKBOT_HOME": str(self.folder / "talkbot"),
            "TALKBOT_RUNTIME": str(self.folder / "run"),
            "TALKBOT_TOKEN": "t" * 24,
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        }

    def start(self, *command: str, columns: int = COLUMNS) -> None:
        """Start a program."""
        made = Terminal(command, columns=columns, rows=self.rows, env=self.env())
        self._terminals.append(made)

    async def command(self, *arguments: str, columns: int = COLUMNS) -> None:
        """Start a command of ours and wait for its end."""
        await self.program(*PROGRAM, *arguments, columns=columns)

    async def program(self, *command: str, columns: int = COLUMNS) -> None:
        """Start a program and wait for its end."""
        self.start(*command, columns=columns)
        terminal = self.terminal
        await until(lambda: terminal.ended, WITHIN, terminal.text)
        self.look()

    async def app(self) -> None:
        """Start the app and wait until it is in the room."""
        self.start(*PROGRAM, "chat", "--server", self.server.url)
        await self.see("online")

    async def see(self, text: str) -> None:
        """Until `text` is on the screen; what else is there then counts as shown."""
        terminal = self.terminal
        await until(lambda: terminal.shows(text), WITHIN, terminal.text)
        self.look()

    async def sentinel(self, text: str = "sentinel") -> None:
        """A last honest message: what came before it has been drawn."""
        await self.server.push("message", self.server.script.post(text))
        await self.see(text)

    async def quit(self) -> None:
        """End the app, and wait until its profile is free for the next."""
        terminal = self.terminal
        terminal.write("\x11")
        await until(lambda: terminal.ended, WITHIN, terminal.text)

    def prompt(self) -> str:
        """What the empty composer says."""
        return next((line for line in self.terminal.lines() if "› #" in line), "")

    def look(self) -> None:
        """Read the marks on the screen."""
        self._seen.update(MARK.findall(self.terminal.text()))

    def shown(self) -> Shown:
        """All programs of this stage together; one that still runs may be in mid-sequence."""
        written = b"".join(whole(bytes(terminal.raw)) for terminal in self._terminals)
        return Shown(written, frozenset(self._seen))

    def close(self) -> None:
        """End what still runs."""
        for terminal in self._terminals:
            terminal.close()


@asynccontextmanager
async def staged(folder: Path, rows: int) -> AsyncIterator[Stage]:
    """A stage in a new folder."""
    await asyncio.to_thread(folder.mkdir, mode=0o700)
    async with foreign_server() as server:
        stage = Stage(server, folder, rows)
        try:
            yield stage
        finally:
            await asyncio.to_thread(stage.close)


def marked(texts: Texts) -> list[str]:
    """Each text behind its mark."""
    return [f"{name}~ {text}" for name, text in texts]


def _person(number: int, **more: Any) -> dict[str, Any]:
    return {"userId": f"u-{number}", "name": f"p{number}", **more}


async def _bodies(stage: Stage, texts: Texts) -> None:
    await stage.app()
    for number, text in enumerate(marked(texts)):
        await stage.server.push("message", stage.server.script.post(text))
        if number % 20 == 19:
            await stage.sentinel(f"sentinel {number}")
    await stage.sentinel()


async def _senders(stage: Stage, texts: Texts, field: str) -> None:
    await stage.app()
    for number, text in enumerate(marked(texts)):
        sender = _person(number, **{field: text})
        await stage.server.push("message", stage.server.script.post("said", sender))
    await stage.sentinel()


async def _user_names(stage: Stage, texts: Texts) -> None:
    await _senders(stage, texts, "name")


async def _display_names(stage: Stage, texts: Texts) -> None:
    await _senders(stage, texts, "displayName")


async def _room_names(stage: Stage, texts: Texts) -> None:
    for start in range(0, len(texts), 100):
        some = marked(texts[start : start + 100])
        stage.server.rooms = [room(n, text) for n, text in enumerate(some)]
        await stage.app()
        for name, _text in (texts[start], texts[start + len(some) - 1]):
            await stage.see(f"{name}~")
        await stage.quit()


async def _titles(stage: Stage, texts: Texts) -> None:
    """Each of the rooms is gone to: window title, header and the empty composer name it."""
    stage.server.rooms = [room(n, text) for n, text in enumerate(marked(texts))]
    await stage.app()
    for _room in texts:
        before = stage.prompt()
        stage.terminal.write("\x1b[1;3B")
        await until(lambda before=before: stage.prompt() != before, WITHIN, stage.terminal.text)  # type: ignore[misc]  # bound now
        stage.look()


async def _topics(stage: Stage, texts: Texts) -> None:
    await stage.app()
    for text in marked(texts):
        event = {
            "type": "conversation",
            "conversationId": ROOM,
            "seq": len(stage.server.script.log) + 1,
            "ts": 1_000,
            "sender": BRUNO,
            "change": "topic",
            "conversation": room(0, "general", conversationId=ROOM, topic=text)["conversation"],
        }
        stage.server.script.log.append(event)
        await stage.server.push("conversation", event)
        await stage.see(text.partition(" ")[0])
    await stage.sentinel()


async def _statuses(stage: Stage, texts: Texts) -> None:
    people = [_person(n) for n in range(len(texts))]
    answers = stage.server.script.answers
    members = [{"user": person, "role": "member"} for person in people]
    answers["members"] = lambda _payload: {"ok": True, "items": members}
    presence = {
        person["userId"]: {"userId": person["userId"], "status": "away", "text": text}
        for person, text in zip(people, marked(texts), strict=True)
    }
    answers["watch"] = lambda _payload: {"ok": True, "presence": presence}
    await stage.app()
    for told in presence.values():
        await stage.server.push("presence", told)
    await stage.see(f"{texts[-1][0]}~")
    await stage.sentinel()


async def _reactions(stage: Stage, texts: Texts) -> None:
    await stage.app()
    for number, text in enumerate(marked(texts)):
        said = stage.server.script.post("said")
        said["reactions"] = [{"emoji": text, "userIds": ["u-bruno"]}]
        await stage.server.push("message", said)
        if number % 50 == 49:
            await stage.sentinel(f"sentinel {number}")
    await stage.sentinel()


async def _details(stage: Stage, texts: Texts) -> None:
    """The page with everything about a message: its reactions are listed one by one."""
    said = stage.server.script.post("said")
    said["reactions"] = [{"emoji": text, "userIds": ["u-bruno"]} for text in marked(texts)]
    await stage.app()
    await stage.see("said")
    stage.terminal.write("\x1b[Z")
    stage.terminal.write("i")
    await stage.see("Message details")
    for _page in range(4):
        stage.terminal.write("\x1b[6~")
        stage.look()
    stage.terminal.write("\x1b")
    await stage.sentinel()


async def _link_texts(stage: Stage, texts: Texts) -> None:
    await _bodies(
        stage, [(name, f"~[{name}~ {text}](https://example.org/)") for name, text in texts]
    )


async def _link_targets(stage: Stage, texts: Texts) -> None:
    forms = ("[link]({0})", "<{0}>", "<https://h/{0}>", "https://h.example/{0}", "mailto:{0}")
    made = [(name, " ".join(f.format(text) for f in forms)) for name, text in texts]
    await _bodies(stage, made)


async def _refused_messages(stage: Stage, texts: Texts) -> None:
    waiting = iter(marked(texts))
    stage.server.script.answers["message"] = lambda _payload: {
        **refusal("strange"),
        "error": {"code": "strange", "message": next(waiting), "retryable": False},
    }
    await stage.app()
    for number, (name, _text) in enumerate(texts):
        stage.terminal.write(f"say {name}\r")
        if number % 40 == 39:
            await stage.see(f"{name}~")
    await stage.see(f"{texts[-1][0]}~")


async def _notices(stage: Stage, texts: Texts) -> None:
    """The line that tells what a command came to."""
    waiting = iter(marked(texts))
    stage.server.script.answers["updateConversation"] = lambda _payload: {
        **refusal("strange"),
        "error": {"code": "strange", "message": next(waiting), "retryable": False},
    }
    await stage.app()
    for name, _text in texts:
        stage.terminal.write(f"/topic {name}\r")
        await stage.see(f"{name}~")
    await stage.sentinel()


async def _pasted(stage: Stage, texts: Texts) -> None:
    await stage.app()
    for name, text in texts:
        # No program can tell this mark from the real one; terminals take it out.
        text = text.replace("\x1b[201~", "")
        stage.terminal.write(f"\x1b[200~{text} {name}~\x1b[201~")
        await stage.see(f"{name}~")
        stage.terminal.write("\x03")
    await stage.sentinel()
    assert not [event for event, _payload in stage.server.asked if event == "message"]


async def _file_names(stage: Stage, texts: Texts) -> None:
    """Files whose names came from elsewhere, named in an error."""
    for start in range(0, len(texts), 6):
        some = marked(texts[start : start + 6])
        short = [
            text.encode("utf-8", "surrogateescape" if "\udcff" in text else "replace")[:38]
            for text in some
        ]
        name = b" ".join(short).replace(b"\0", b"").replace(b"/", b"_")
        await stage.command("--config", os.fsdecode(name), "rooms", columns=1000)


async def _command_output(stage: Stage, texts: Texts) -> None:
    """Rooms, messages, names and refusals, printed by commands."""
    stage.server.rooms = [room(n, text, topic=text) for n, text in enumerate(marked(texts))]
    for number, text in enumerate(marked(texts)):
        stage.server.script.post(text, _person(number, name=text, displayName=text))
    server = ("--server", stage.server.url)
    await stage.command("rooms", *server, columns=400)
    stage.start(*PROGRAM, "tail", *server, "general", "--since", "0", columns=400)
    await stage.see(f"{texts[-1][0]}~")
    for name, text in texts[::12]:
        error = {"code": "strange", "message": f"{name}~ {text}", "retryable": False}
        stage.server.script.answers["message"] = lambda _p, error=error: {
            "ok": False,
            "error": error,
        }  # type: ignore[misc]  # bound now
        await stage.command("send", *server, "general", "hello", columns=400)


async def _log_lines(stage: Stage, texts: Texts) -> None:
    """What a program logs about others: it writes to the terminal where it was started."""
    lines = stage.folder / "lines.json"
    await asyncio.to_thread(lines.write_text, json.dumps(marked(texts)))
    await stage.program(sys.executable, "-c", LOGGING, str(lines), columns=1000)


@dataclass(frozen=True)
class Place:
    """Where the texts are put.

    takes: the kinds of texts that fit. rows: of the terminal; in a high one all texts
    are drawn at once. seen: the share of the texts that must come onto the screen.
    """

    name: str
    show: Callable[[Stage, Texts], Awaitable[None]]
    takes: tuple[str, ...] = ("text", "width")
    rows: int = 300
    seen: float = 0.9


ALL = ("text", "width", "long")
PLACES = (
    Place("body", _bodies, ALL),
    Place("user name", _user_names),
    Place("display name", _display_names),
    Place("room name", _room_names),
    Place("topic", _topics, rows=40),
    Place("status", _statuses),
    Place("reaction", _reactions),
    Place("link text", _link_texts),
    Place("link target", _link_targets),
    Place("file name", _file_names, seen=0.8),
    Place("server error", _refused_messages, rows=100),
    Place("toast", _notices, rows=24),
    Place("window title", _titles, rows=24),
    Place("details", _details),
    Place("log view", _log_lines),
    Place("CLI output", _command_output),
    Place("composer", _pasted, ("text", "width", "paste"), rows=24),
)
