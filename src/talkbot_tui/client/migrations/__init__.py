"""The cache's schema, as numbered steps; a file knows by its `user_version` which it has had.

A released step never changes, and no step removes a row of `outbox` or `drafts`.
"""

from __future__ import annotations

from pathlib import Path

APPLICATION_ID = 0x74_62_74_75
"""Marks a SQLite file as ours."""


def steps() -> tuple[str, ...]:
    """The SQL of every step, the first one first."""
    folder = Path(__file__).parent
    return tuple(path.read_text(encoding="utf-8") for path in sorted(folder.glob("[0-9]*.sql")))
