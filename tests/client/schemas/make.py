"""Write the cache file of today's schema: `python -m tests.client.schemas.make`.

Done once for each schema, by the version that releases it, and never again: the file of
an old schema is what users have. Refuses to write over one.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from talkbot_tui.client import migrations
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.core import effects as f
from talkbot_tui.core.model import (
    MemberChanged,
    MessageEdited,
    RoomSummary,
    SendState,
)
from tests.client.stored import ANA, ROOM, events, local, posted

FOLDER = Path(__file__).parent
EPOCH = "e1"
LINES = 12
UNSENT = (
    replace(local(1), state=SendState.SAVING),
    replace(local(2, "código 😀\nsecond line"), reply_to="s3", format="code"),
    replace(local(3), state=SendState.FAILED, error="forbidden: You may not write here."),
    replace(local(4, "long " * 1_500), state=SendState.SENDING),
)
DRAFTS = {"r1": "half a thought", "r2": "another"}


def fixture(version: int) -> Path:
    """The file of a schema."""
    return FOLDER / f"cache-{version:04d}.db"


async def fill(folder: Path) -> None:
    """Write with the store as it is today."""
    store = SqliteStore(folder)
    await store.open()
    await store.apply([f.SaveIdentity(EPOCH, ANA), f.SaveRoom(RoomSummary(ROOM, head_seq=14))])
    await store.apply([events(*(posted(seq) for seq in range(1, LINES + 1)))])
    await store.apply([events(MessageEdited("r1", 13, 13, ANA, "s2", "edited", 1))])
    await store.apply([events(MemberChanged("r1", 14, 14, ANA, ANA, "joined"))])
    await store.apply([f.SaveLocal(message) for message in UNSENT])
    await store.apply([f.SaveDraft(room, text) for room, text in DRAFTS.items()])
    await store.close()


def main() -> int:
    """Return 1 when there is such a file already."""
    target = fixture(len(migrations.steps()))
    if target.exists():
        print(f"{target.name} is released; it stays as it is", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(fill(Path(folder)))
        shutil.copyfile(Path(folder) / "cache.db", target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
