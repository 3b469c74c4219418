"""Where a run keeps its things, and the server's folder that each run begins with."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from talkbot_tui.server.storage.database import FILE
from talkbot_tui.wire.acks import Limits
from tests.serving import register, running_server

MEMORY = Path("/dev/shm")
SETTINGS: dict[str, Any] = {
    # A conversation of many messages within a second is the point here.
    "limits": Limits(message_burst=10_000, messages_per_minute=600_000),
    "access_seconds": 30 * 24 * 3600,
    "default_channel": "general",
    "drain_seconds": 0.5,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change from run to run.

    Attributes:
        room: the conversation that all talk in.
        epoch: the server's.
        users: user id by name.
        tokens: access token by name.
    """

    room: str
    epoch: str
    users: dict[str, str]
    tokens: dict[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """The folder of one run.

    Attributes:
        folder: everything of the run.
        facts: room, people.
        seed: decides what is said.
        messages: how many each of the script's people says.
        bug: the planted bug that the traced process has; empty for none.
        patience: how long a person waits for what must come, in seconds.
    """

    folder: Path
    facts: Facts
    seed: int
    messages: int = 4
    bug: str = ""
    patience: float = 15.0

    def sound(self) -> Run:
        """The same without the planted bug."""
        return replace(self, bug="")

    @property
    def server(self) -> Path:
        """The server's data."""
        return self.folder / "server"

    @property
    def database(self) -> Path:
        """The server's store."""
        return self.server / FILE

    def profile(self, name: str) -> Path:
        """A person's cache and outbox."""
        return self.folder / name

    def history(self, name: str) -> Path:
        """What that person's device recorded."""
        return self.folder / f"{name}.jsonl"

    def ending(self, name: str) -> Path:
        """What that person's device showed at the end."""
        return self.folder / f"{name}.end.jsonl"

    def log(self, name: str) -> Path:
        """What that process said."""
        return self.folder / f"{name}.log"


def make_template(folder: Path) -> Facts:
    """A server's data with its people signed up; `facts.json` beside it."""
    facts = asyncio.run(_sign_up(folder / "server"))
    (folder / "facts.json").write_text(json.dumps(asdict(facts)))
    return facts


def read_template(folder: Path) -> Facts:
    """What `make_template` made."""
    return Facts(**json.loads((folder / "facts.json").read_text()))


@contextmanager
def new_run(
    template: Path,
    seed: int,
    *,
    messages: int = 4,
    bug: str = "",
    patience: float = 15.0,
) -> Iterator[Run]:
    """A folder for one run, on a disk of memory where there is one; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="talkbot-crash-", dir=base()))
    try:
        shutil.copytree(template / "server", folder / "server")
        yield Run(folder, read_template(template), seed, messages, bug, patience)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def base() -> Path | None:
    """Syncing a disk takes time and shows nothing more: the log says what was synced."""
    return MEMORY if MEMORY.is_dir() else None


async def _sign_up(data_dir: Path) -> Facts:
    async with running_server(data_dir=data_dir, **SETTINGS) as server:
        return await _people(data_dir, server.url)


def sign_up_at(data_dir: Path, port: int) -> Facts:
    """Sign the people up at a server that runs in another process."""
    return asyncio.run(_people(data_dir, f"http://127.0.0.1:{port}"))


async def _people(data_dir: Path, url: str) -> Facts:
    signed = {name: await register(url, name) for name in ("ana", "ben")}
    with closing(sqlite3.connect(f"file:{data_dir / FILE}?mode=ro", uri=True)) as db:
        (room,) = db.execute("SELECT conversation_id FROM conversation").fetchone()
        (epoch,) = db.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
    return Facts(
        room=room,
        epoch=epoch,
        users={name: found["user"]["userId"] for name, found in signed.items()},
        tokens={name: found["accessToken"] for name, found in signed.items()},
    )
