"""The browser gets the address as one argument; no shell has a look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from talkbot_tui.cli.browser import open_link
from tests.waiting import until_sync

NASTY = "https://h.example/?a=$(id)&b=`id`;id|id'\"%20*~"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desktop whose browsers note what they are given."""
    for name in ("xdg-open", "open", "other"):
        program = tmp_path / name
        program.write_text(
            f'#!/bin/sh\nfor word; do echo "$word"; done > "{tmp_path}/{name}.tmp"\n'
            f'mv "{tmp_path}/{name}.tmp" "{tmp_path}/{name}.got"\n'
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.delenv("BROWSER", raising=False)
    return tmp_path


def given(path: Path) -> list[str]:
    until_sync(path.exists, 20)
    return path.read_text().splitlines()


def test_the_desktop_opens_it(desk: Path) -> None:
    assert open_link(NASTY)
    until_sync(lambda: any(desk.glob("*.got")), 20)
    (got,) = desk.glob("*.got")
    assert got.read_text().splitlines() == [NASTY]


@pytest.mark.parametrize(
    ("browser", "wanted"),
    [
        ("other --new-tab", ["--new-tab", NASTY]),
        ("missing-one:other -u %s -q", ["-u", NASTY, "-q"]),
        ('"broken:other', [NASTY]),
    ],
)
def test_the_users_own_browser_comes_first(
    desk: Path, monkeypatch: pytest.MonkeyPatch, browser: str, wanted: list[str]
) -> None:
    monkeypatch.setenv("BROWSER", browser)
    assert open_link(NASTY)
    assert given(desk / "other.got") == wanted


@pytest.mark.parametrize(
    "link", ["file:///etc/passwd", "--help", "javascript:x", "https://h/ x", "https://h/\x1b", ""]
)
def test_nothing_else_is_opened(desk: Path, link: str) -> None:
    assert not open_link(link)
    assert not list(desk.glob("*.got"))


def test_without_a_desktop_there_is_no_browser(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert not open_link(NASTY)
