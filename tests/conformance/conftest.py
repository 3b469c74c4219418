"""Each test runs against both servers, which run as long as the tests do."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.conformance.targets import CALM, NODE, QUICK, Target, running

TITLES = {"ours": "ours", "node": "Node"}
_passed: Counter[str] = Counter()
_all: Counter[str] = Counter()


@pytest.fixture(scope="session", params=list(TITLES))
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "node" and not (shutil.which("node") and (NODE / "node_modules").is_dir()):
        pytest.fail("the reference is not installed: make suites")
    return name


@pytest.fixture(scope="session")
def target(kind: str) -> Iterator[Target]:
    """With a heartbeat so slow that it comes between nothing."""
    with running(kind, CALM) as server:
        yield server


@pytest.fixture(scope="session")
def quick(kind: str) -> Iterator[Target]:
    """With a heartbeat of half a second."""
    with running(kind, QUICK) as server:
        yield server


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    name = next((name for name in TITLES if f"[{name}" in report.nodeid), None)
    if name and "tests/conformance/" in report.nodeid and report.when == "call":
        _all[name] += 1
        _passed[name] += report.passed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _all:
        counts = (f"{TITLES[name]} {_passed[name]}/{_all[name]}" for name in TITLES)
        terminalreporter.write_line(f"conformance: {', '.join(counts)}")
