"""Where a session's secret lies: the keyring, a private file, or only this process."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec

from talkbot_tui.paths import private_folder, write_private

log = logging.getLogger(__name__)

SERVICE = "talkbot-tui"
DEADLINE_S = 3.0
ITEM_MAX = 2048
"""Some systems' keyrings take no larger items."""


class Secret(msgspec.Struct, frozen=True, rename="camel"):
    """What a signed-in session consists of; `expires_at` is the access token's end, in ms."""

    access_token: str
    refresh_token: str
    expires_at: int

    def __repr__(self) -> str:
        """Without the tokens: a repr ends up in logs."""
        return f"Secret(expires_at={self.expires_at})"


class SecretError(Exception):
    """A secret cannot be read or kept.

    Attributes:
        code: no_keyring, keyring_silent, keyring_failed, file_failed, too_large.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        """`detail` names a back end or a file; it is never secret."""
        super().__init__(f"{code} ({detail})" if detail else code)
        self.code = code
        self.detail = detail


class SecretBox(Protocol):
    """A place for secrets; items are named by server and user."""

    async def read(self, name: str) -> Secret | None:
        """The secret, None when there is none; raises `SecretError`."""

    async def write(self, name: str, secret: Secret) -> None:
        """Keep or replace it; raises `SecretError`."""

    async def delete(self, name: str) -> None:
        """Forget it; raises `SecretError`."""


class MemoryBox:
    """This process only."""

    def __init__(self) -> None:
        """Nothing is held yet."""
        self._held: dict[str, Secret] = {}

    async def read(self, name: str) -> Secret | None:
        """The secret, if it was kept in this process."""
        return self._held.get(name)

    async def write(self, name: str, secret: Secret) -> None:
        """Keep it until the process ends."""
        self._held[name] = secret

    async def delete(self, name: str) -> None:
        """Forget it."""
        self._held.pop(name, None)


class FileBox:
    """Files that only their owner can read; used after an explicit yes."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made when it is needed."""
        self._folder = folder

    def path(self, name: str) -> Path:
        """Where that secret lies."""
        return self._folder / f"{file_name(name)}.json"

    async def read(self, name: str) -> Secret | None:
        """The secret; None when there is no such file."""
        try:
            return msgspec.json.decode(self.path(name).read_bytes(), type=Secret)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise SecretError("file_failed", f"{self.path(name)}: {error}") from None

    async def write(self, name: str, secret: Secret) -> None:
        """Replace the file as a whole."""
        try:
            private_folder(self._folder)
            write_private(self.path(name), msgspec.json.encode(secret))
        except OSError as error:
            raise SecretError("file_failed", f"{self.path(name)}: {error.strerror}") from None

    async def delete(self, name: str) -> None:
        """Remove the file."""
        try:
            self.path(name).unlink(missing_ok=True)
        except OSError as error:
            raise SecretError("file_failed", f"{self.path(name)}: {error.strerror}") from None


class KeyringBox:
    """The system's keyring, through a helper process with a deadline."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        """`deadline_s`: after so long the helper is killed."""
        self._deadline_s = deadline_s

    async def probe(self) -> str:
        """The name of the keyring that would be used; raises `SecretError`."""
        return str((await self._ask("probe", "probe"))["backend"])

    async def read(self, name: str) -> Secret | None:
        """The secret, None when the keyring has no such item."""
        held = (await self._ask("get", name)).get("secret")
        if held is None:
            return None
        try:
            return msgspec.json.decode(held, type=Secret)
        except (msgspec.DecodeError, TypeError):
            raise SecretError("keyring_failed", "the item is not ours") from None

    async def write(self, name: str, secret: Secret) -> None:
        """Keep or replace the item."""
        text = msgspec.json.encode(secret).decode()
        if len(text) > ITEM_MAX:
            raise SecretError("too_large")
        await self._ask("set", name, text)

    async def delete(self, name: str) -> None:
        """Remove the item."""
        await self._ask("delete", name)

    async def _ask(self, op: str, name: str, secret: str = "") -> dict[str, Any]:
        request = {"op": op, "service": SERVICE, "name": name, "secret": secret}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "talkbot_tui.client.keyring_helper",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(self._deadline_s):
                out, _ = await process.communicate(json.dumps(request).encode() + b"\n")
        except TimeoutError:
            raise SecretError("keyring_silent") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        try:
            answer = json.loads(out)
        except ValueError:
            raise SecretError("keyring_failed", "the helper gave no answer") from None
        if not answer.get("ok"):
            raise SecretError(answer.get("error", "keyring_failed"), answer.get("detail", ""))
        return dict(answer)


def file_name(name: str) -> str:
    """A name for files that says whose it is, and differs where `name` differs."""
    import hashlib

    readable = "".join(c if c.isascii() and c.isalnum() else "-" for c in name)[:60].strip("-")
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
