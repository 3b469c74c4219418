from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from talkbot_tui import paths


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_folders_and_files_are_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    folder = paths.private_folder(tmp_path / "a" / "b")
    assert mode(folder) == 0o700
    assert mode(paths.private_file(folder / "f")) == 0o600
    paths.write_private(folder / "g", b"x")
    assert mode(folder / "g") == 0o600


def test_an_open_folder_or_file_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "f").write_text("kept")
    (folder / "f").chmod(0o644)
    paths.private_folder(folder)
    paths.private_file(folder / "f")
    assert (mode(folder), mode(folder / "f")) == (0o700, 0o600)
    assert (folder / "f").read_text() == "kept"


def test_a_linked_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(paths.UnsafeFolder, match="symbolic link"):
        paths.private_folder(tmp_path / "link")


def test_replacing_a_file_leaves_nothing_else_behind(tmp_path: Path) -> None:
    target = tmp_path / "f"
    paths.write_private(target, b"one")
    paths.write_private(target, b"two")
    assert target.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [target]


def test_a_missing_runtime_folder_of_the_system_is_no_news_for_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("TALKBOT_RUNTIME", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    paths.runtime_folder()
    assert not recwarn.list
