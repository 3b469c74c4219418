from __future__ import annotations

from pathlib import Path

import pytest

from talkbot_tui.client.engine import Engine
from talkbot_tui.client.memory import FakeConnector
from talkbot_tui.client.sqlite_store import SqliteStore
from tests.client.schemas.make import fixture
from tests.client.script import ScriptedServer
from tests.ui.scenes import make_app
from tests.ui.seen import shows


@pytest.mark.parametrize(
    ("kept", "words"),
    [(1.0, "damaged and are fetched again; kept as"), (0.5, "unsent messages or drafts may be")],
)
async def test_a_damaged_cache_is_told_with_where_it_is_kept(
    tmp_path: Path, kept: float, words: str
) -> None:
    path = tmp_path / "cache.db"
    data = fixture(1).read_bytes()
    # A room of an unknown kind, or half of the file gone.
    data = data.replace(b'"kind":"channel"', b'"kind":"chamber"')
    path.write_bytes(data[: int(len(data) * kept)])
    path.chmod(0o600)
    engine = Engine(store=SqliteStore(tmp_path), connector=FakeConnector(ScriptedServer().answers))
    await engine.start()
    async with make_app(engine).run_test(size=(160, 40)) as pilot:
        await shows(pilot, words)
        await shows(pilot, "cache.db.corrupt-")
    await engine.stop()
