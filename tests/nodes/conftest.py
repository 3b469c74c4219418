"""A database for several servers, and the Redis between them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import postgres
from tests.redis_server import RedisServer, redis_server


@pytest.fixture
def url() -> Iterator[str]:
    made = postgres.shared().migrated()
    yield made
    postgres.shared().drop(made)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server
