from __future__ import annotations

import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from talkbot_tui.client import keyring_helper
from talkbot_tui.client.credentials import FileBox, KeyringBox, Secret, SecretError

SECRET = Secret("access-token-value", "refresh-token-value", 123)
NAME = "ana at https://chat.example"

BACKENDS = """
import json, os, pathlib, time
if os.environ.get("FAKE_SILENT"):
    # Before the imports, which take longer than the deadline where the machine is busy.
    pathlib.Path(os.environ["FAKE_KEYRING"]).write_text(str(os.getpid()))
import keyring.backend
import keyring.backends.SecretService as real

class Keyring(keyring.backend.KeyringBackend):
    priority = 5
    file = pathlib.Path(os.environ["FAKE_KEYRING"])

    def held(self):
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def get_password(self, service, name):
        if os.environ.get("FAKE_SILENT"):
            time.sleep(600)
        if os.environ.get("FAKE_LOCKED"):
            raise RuntimeError("locked: prompt dismissed")
        return self.held().get(service + "/" + name)

    def set_password(self, service, name, password):
        self.file.write_text(json.dumps({**self.held(), service + "/" + name: password}))

    def delete_password(self, service, name):
        held = self.held()
        del held[service + "/" + name]
        self.file.write_text(json.dumps(held))

Keyring.__module__ = os.environ.get("FAKE_MODULE", "keyring.backends.SecretService")
Keyring.__qualname__ = "Keyring"
real.Keyring = Keyring
"""


def content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def put(path: Path, items: dict[str, object]) -> None:
    path.write_text(json.dumps(items))


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A keyring on this system that does what the environment says; the file it lies in."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BACKENDS)
    (tmp_path / "home").mkdir()
    held = tmp_path / "keyring.json"
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("FAKE_KEYRING", str(held))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return held


def patient() -> KeyringBox:
    """One that waits for a machine with more to do than this test."""
    return KeyringBox(deadline_s=30)


async def test_a_secret_goes_into_the_keyring_and_back(system: Path) -> None:
    box = patient()
    assert await box.probe() == "SecretService"
    assert await box.read(NAME) is None
    await box.write(NAME, SECRET)
    assert await box.read(NAME) == SECRET
    (item,) = json.loads(content(system)).items()
    assert item[0] == f"talkbot-tui/{NAME}"
    assert set(json.loads(item[1])) == {"accessToken", "refreshToken", "expiresAt"}
    await box.delete(NAME)
    await box.delete(NAME)
    assert await box.read(NAME) is None


async def test_a_silent_keyring_costs_three_seconds_and_no_process(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_SILENT", "1")
    started = time.monotonic()
    with pytest.raises(SecretError) as error:
        await KeyringBox().read(NAME)
    assert error.value.code == "keyring_silent"
    assert time.monotonic() - started < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int(content(system)), 0)


async def test_a_locked_keyring_is_an_error_without_a_traceback(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_LOCKED", "1")
    with pytest.raises(SecretError) as error:
        await patient().read(NAME)
    assert (error.value.code, error.value.detail) == ("keyring_failed", "RuntimeError")


@pytest.mark.parametrize(
    "item",
    ["", "null", "[]", "a.b.c", "x" * 1_000_000, 7, ["x"]],
    ids=["empty", "null", "list", "another token", "large", "number", "no text"],
)
async def test_an_item_that_is_not_ours_is_an_error(system: Path, item: object) -> None:
    put(system, {f"talkbot-tui/{NAME}": item})
    with pytest.raises(SecretError) as error:
        await patient().read(NAME)
    assert (error.value.code, error.value.detail) == ("keyring_failed", "the item is not ours")


@pytest.mark.parametrize(
    "backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"]
)
async def test_back_ends_that_keep_nothing_are_none(
    system: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    with pytest.raises(SecretError) as error:
        await patient().write(NAME, SECRET)
    assert error.value.code == "no_keyring"
    assert content(system) == ""


async def test_a_back_end_that_only_looks_like_one_is_refused(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_MODULE", "keyrings.alt.file")
    with pytest.raises(SecretError) as error:
        await patient().write(NAME, SECRET)
    assert error.value.code == "no_keyring"
    assert content(system) == ""


async def test_a_configuration_cannot_choose_a_plain_file(system: Path) -> None:
    config = Path(os.environ["HOME"]) / ".config" / "python_keyring"
    config.mkdir(parents=True)
    (config / "keyringrc.cfg").write_text(
        "[backend]\ndefault-keyring=keyring.backends.null.Keyring\n"
    )
    assert await patient().probe() == "SecretService"


async def test_without_any_keyring_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    with pytest.raises(SecretError) as error:
        await patient().probe()
    assert error.value.code == "no_keyring"


async def test_the_helper_shows_no_secret_to_other_users(
    system: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spy = tmp_path / "spy"
    spy.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/argv\nenv > {tmp_path}/env\n'
        f'exec {sys.executable} "$@"\n'
    )
    spy.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(spy))
    await patient().write(NAME, SECRET)
    for name in ("argv", "env"):
        text = (tmp_path / name).read_text()
        assert "keyring" in text.lower()
        assert "token-value" not in text


def test_only_the_systems_own_keyrings_are_allowed() -> None:
    for module, name in keyring_helper.ALLOWED:
        assert module.startswith("keyring.backends.")
        assert name
    modules = {module.rsplit(".", 1)[1] for module, _ in keyring_helper.ALLOWED}
    assert modules == {"macOS", "Windows", "SecretService", "libsecret", "kwallet"}


async def test_a_file_box_keeps_private_files(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        box = FileBox(tmp_path / "secrets")
        await box.write(NAME, SECRET)
    finally:
        os.umask(old)
    path = box.path(NAME)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert await box.read(NAME) == SECRET
    assert box.path("ana at https://chat-example") != path
    await box.delete(NAME)
    assert await box.read(NAME) is None


async def test_a_broken_file_is_an_error_not_a_signed_out_user(tmp_path: Path) -> None:
    box = FileBox(tmp_path)
    box.path(NAME).write_text("{")
    with pytest.raises(SecretError) as error:
        await box.read(NAME)
    assert error.value.code == "file_failed"


def test_a_secret_does_not_show_its_tokens() -> None:
    assert "token-value" not in repr(SECRET)
    assert "token-value" not in str(SECRET)


async def test_an_item_stays_small(system: Path) -> None:
    with pytest.raises(SecretError) as error:
        await patient().write(NAME, Secret("x" * 3000, "y", 1))
    assert error.value.code == "too_large"
