"""One suite for both databases.

`TALKBOT_TEST_STORES` names those that the server's tests run on (`sqlite,postgresql`);
without it the store's own tests and the rules run on both, the rest on SQLite.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.serving import Stores

BOTH = {"test_store", "test_rules", "test_sign_ins"}
SQLITE_ONLY = {
    # Files, and programs with a data folder.
    "test_storage",
    "test_commands",
    "test_outside_command",
    # Without a store, or above it.
    "test_matrix",
    "test_bounds",
    "test_outside_keys",
    "test_names",
    "test_connections",
    "test_edge",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each database."""
    name = metafunc.module.__name__.rpartition(".")[2]
    kinds = os.environ.get("TALKBOT_TEST_STORES", "").split(",")
    if "only_postgresql" in metafunc.fixturenames:
        kinds = ["postgresql"]
    elif name in SQLITE_ONLY:
        kinds = ["sqlite"]
    elif kinds == [""]:
        kinds = ["sqlite", "postgresql"] if name in BOTH else ["sqlite"]
    if kinds != ["sqlite"] and "store_kind" in metafunc.fixturenames:
        metafunc.parametrize("store_kind", kinds, indirect=True)


@pytest.fixture(autouse=True)
def store_kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """The database that this test's servers use."""
    kind: str = getattr(request, "param", "sqlite")
    if kind == "sqlite":
        yield kind
        return
    Stores.use(kind)
    try:
        yield kind
    finally:
        Stores.use("sqlite")


@pytest.fixture
def only_postgresql() -> None:
    """The test is about what differs there; see `pytest_generate_tests`."""
