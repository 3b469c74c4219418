"""Databases and stores for one test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from talkbot_tui.server.storage.database import Database, open_database
from tests import postgres
from tests.postgresql.world import QUICK


@pytest.fixture
def url() -> Iterator[str]:
    made = postgres.shared().migrated()
    yield made
    postgres.shared().drop(made)


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    opened = open_database(Path(), url, QUICK)
    yield opened
    opened.close()
