"""A real server on a free port, in a folder of its own, for tests of any part."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from talkbot_tui.server.app import RunningServer, start_server
from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.storage.database import Database, open_database

PASSWORD = "correct horse battery staple"
# Hashing at full cost would make the tests slow and prove nothing more.
CHEAP: dict[str, Any] = {"password_memory_kib": 64, "password_rounds": 1}


class Stores:
    """The kind of database that the tests' servers use: `sqlite` or `postgresql`."""

    kind = "sqlite"
    _urls: dict[Path, str] = {}

    @classmethod
    def url(cls, folder: Path, *, migrated: bool = True) -> str:
        """The database of the server in that folder, empty for the file in it.

        migrated: with the tables already in it.
        """
        if cls.kind == "sqlite":
            return ""
        from tests import postgres

        if folder not in cls._urls:
            cluster = postgres.shared()
            cls._urls[folder] = cluster.migrated() if migrated else cluster.database()
        return cls._urls[folder]

    @classmethod
    def use(cls, kind: str) -> None:
        """Use that kind from now on; databases made for the one before go."""
        from tests import postgres

        cls.kind = kind
        for url in cls._urls.values():
            postgres.shared().drop(url)
        cls._urls.clear()


def open_store(folder: Path) -> Database:
    """The store of the server in that folder, of the kind that the test runs on."""
    return open_database(folder, Stores.url(folder))


@asynccontextmanager
async def running_server(**config: Any) -> AsyncIterator[RunningServer]:
    """A server; `config` are fields of `ServerConfig`. Its folder goes unless you give one."""
    folder = None if "data_dir" in config else tempfile.mkdtemp(prefix="talkbot-server-")
    data_dir = Path(folder or config["data_dir"])
    if "database_url" not in config:
        config["database_url"] = Stores.url(data_dir)
    settings = {"data_dir": data_dir, **CHEAP, **config}
    server = await start_server(ServerConfig(**settings))
    try:
        yield server
    finally:
        await server.stop()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


async def register(server: RunningServer | str, name: str) -> dict[str, Any]:
    """Sign a person up: `{accessToken, refreshToken, expiresAt, user}`."""
    url = server if isinstance(server, str) else server.url
    async with aiohttp.ClientSession() as http:
        body = {"username": name, "password": PASSWORD}
        async with http.post(f"{url}/api/register", json=body) as answer:
            tokens: dict[str, Any] = await answer.json()
            assert answer.status == 201, tokens
            return tokens
