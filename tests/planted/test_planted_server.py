"""The tests of the server and of the link fail when what they are for is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted import authz_bugs, server_bugs

BUGS = {**server_bugs.BUGS, **authz_bugs.BUGS}


@pytest.mark.parametrize("name", BUGS)
async def test_a_planted_bug_is_found(name: str, tmp_path: Path) -> None:
    planted = BUGS[name]
    with planted.bug(), pytest.raises((AssertionError, TimeoutError)):
        await planted.finder(tmp_path)


@pytest.mark.parametrize("name", BUGS)
async def test_without_it_nothing_is_found(name: str, tmp_path: Path) -> None:
    await BUGS[name].finder(tmp_path)
