"""What the engine asks of a store, and how stores fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from talkbot_tui.core.arrivals import Loaded, PageLoaded, Saved, SaveFailed
from talkbot_tui.core.effects import (
    DropLocal,
    ForgetAll,
    ForgetRoom,
    LoadPage,
    SaveDraft,
    SaveEvents,
    SaveIdentity,
    SaveLocal,
    SaveRoom,
    UpdateLocal,
)
from talkbot_tui.core.search import Ask, Found

StoreEffect = (
    SaveLocal
    | UpdateLocal
    | DropLocal
    | SaveEvents
    | SaveRoom
    | ForgetRoom
    | ForgetAll
    | SaveIdentity
    | SaveDraft
    | LoadPage
)
"""The effects that a store performs."""

StoreEvent = Saved | SaveFailed | PageLoaded
"""What a store answers."""


class StoreError(Exception):
    """The store cannot be used.

    Attributes:
        code: busy, newer, unsafe, disk_full, read_only, unreadable.
        path: the file or folder it is about.
    """

    def __init__(self, code: str, path: str, detail: str = "") -> None:
        """`detail` is the system's word, for logs."""
        super().__init__(f"{path}: {code}{': ' + detail if detail else ''}")
        self.code = code
        self.path = path
        self.detail = detail


class Store(Protocol):
    """Keeps cache, outbox and drafts of one account."""

    async def open(self) -> Loaded:
        """Open or make it, and read what the session needs; raises `StoreError`."""

    async def apply(self, effects: Sequence[StoreEffect]) -> list[StoreEvent]:
        """Perform effects in order, in one transaction; what was saved is on disk on return.

        Never raises: what cannot be saved is answered with `SaveFailed` or owed
        and tried again with the next call.
        """

    async def search(self, ask: Ask) -> Found:
        """The newest cached messages that fit; what is missing is told by `Found.problem`."""

    async def seq_at(self, conversation_id: str, ts: int) -> int:
        """The seq of the first cached event at or after `ts` (ms), 0 when there is none."""

    @property
    def owing(self) -> bool:
        """Whether something could not be written yet; `apply([])` tries it again."""

    async def close(self) -> None:
        """Write what is owed, release the files; may be called twice."""

    def notices(self) -> tuple[tuple[str, str], ...]:
        """Code and file of what the user should know about the opening; once."""
