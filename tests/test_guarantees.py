"""docs/guarantees.md names every promise, and every test it names exists."""

from __future__ import annotations

import re
from pathlib import Path

from tests.chaos.kinds import KINDS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guarantees.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
PROMISED = re.compile(r"^\| G(\d+) \|(.*)\|(.*)\|$", re.MULTILINE)
PROMISES = range(1, 53)
FAULT = re.compile(r"^\| F([^|]+)\|([^|]*)\|(.*)\|$", re.MULTILINE)
FAULTS = list(range(1, 71))
CHAOS = re.compile(r"chaos ((?:`[^`]+`(?:, )?)+)")


def defined(file: str) -> set[str]:
    text = (ROOT / file).read_text(encoding="utf-8")
    return set(re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE))


def test_every_promise_stands_with_what_would_falsify_it() -> None:
    rows = PROMISED.findall(PAGE.read_text(encoding="utf-8"))
    assert [int(number) for number, _promise, _tests in rows] == list(PROMISES)
    for number, promise, tests in rows:
        assert promise.strip(), number
        assert "open: " in tests or NAMED.search(tests), number


def test_every_test_that_is_named_exists() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > 50
    assert [(file, test) for file, test in named if test not in defined(file)] == []


def test_every_fault_is_shown_or_says_why_not() -> None:
    found: list[int] = []
    kinds: set[str] = set()
    for numbers, _fault, shown in FAULT.findall(PAGE.read_text(encoding="utf-8")):
        assert shown.strip(), numbers
        first, *last = map(int, re.findall(r"\d+", numbers))
        found += range(first, (last or [first])[-1] + 1)
        for named in CHAOS.findall(shown):
            kinds.update(re.findall(r"`([^`]+)`", named))
    assert found == FAULTS
    assert kinds <= {kind.name for kind in KINDS}
    assert len(kinds) > 30
