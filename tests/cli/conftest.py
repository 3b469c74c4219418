from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.people import Person, ServerProcess


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The tests of a file share a server; in one process they start it once.
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("server"))
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def ana(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Person:
    person = Person(tmp_path_factory.mktemp("people"), "ana")
    person.sign_up(server.url)
    return person


@pytest.fixture
def stranger(tmp_path: Path) -> Person:
    return Person(tmp_path, "stranger")
