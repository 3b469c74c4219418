"""Accounts on this machine: their names in a small file, their secrets where each one's lie."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import filelock
import msgspec

from talkbot_tui import last_screen
from talkbot_tui.client import late
from talkbot_tui.client.account_api import AccountApi
from talkbot_tui.client.addresses import Address, parse
from talkbot_tui.client.credentials import (
    FileBox,
    KeyringBox,
    MemoryBox,
    Secret,
    SecretBox,
    SecretError,
    file_name,
)
from talkbot_tui.client.ids import now_ms
from talkbot_tui.client.transport import AccessToken, Refused, Unreachable
from talkbot_tui.paths import data_folder, private_file, private_folder, write_private
from talkbot_tui.wire.http import Tokens

log = logging.getLogger(__name__)

KEYRING = "keyring"
FILE = "file"
SESSION = "session"

MARGIN_MS = 90_000
"""A token with less time left than this is renewed before it is used."""

LOCK_WAIT_S = 30.0
WRITE_TRIES = 5


class Account(msgspec.Struct, frozen=True):
    """A signed-in user at a server; `where` the secret lies: keyring, file, session."""

    server: str
    user: str
    where: str = KEYRING

    @property
    def name(self) -> str:
        """The name of its secret: two servers can never get each other's."""
        return f"{self.user} at {self.server}"


class AccountProblem(Exception):
    """No account, or no clear one.

    Attributes:
        code: none, ambiguous, unreadable.
        accounts: those that were meant, if there are several.
    """

    def __init__(self, code: str, accounts: tuple[Account, ...] = (), detail: str = "") -> None:
        """`detail` names the file."""
        super().__init__(f"{code} {detail}".strip())
        self.code = code
        self.accounts = accounts
        self.detail = detail


class Accounts:
    """All accounts of this machine's user."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        keyring: SecretBox | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        """`folder` is where our files live, by default `paths.data_folder()`."""
        self._folder = folder or data_folder()
        self._file = self._folder / "accounts.json"
        self._last_file = self._folder / "last-sign-in.json"
        self._clock = clock
        self._session_only: dict[str, Account] = {}
        self._boxes: dict[str, SecretBox] = {
            KEYRING: keyring or KeyringBox(),
            FILE: FileBox(self._folder / "secrets"),
            SESSION: MemoryBox(),
        }

    def all(self) -> tuple[Account, ...]:
        """Every account, those of this session last; raises `AccountProblem`."""
        return (*self._read(), *self._session_only.values())

    def pick(self, server: str = "", user: str = "") -> Account:
        """The one account meant; raises `AccountProblem`: none, ambiguous, unreadable."""
        found = tuple(
            account
            for account in self.all()
            if (not server or account.server == server)
            and (not user or account.user.casefold() == user.casefold())
        )
        if len(found) == 1:
            return found[0]
        raise AccountProblem("ambiguous" if found else "none", found)

    def last_here(self) -> Account | None:
        """Who signed in for one session only, last; to fill a form with, never with a secret."""
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._last_file.read_bytes(), type=Account)
        return None

    def where(self, account: Account) -> str:
        """Where its secret lies, for people: a file's path or the place's name."""
        if account.where == FILE:
            return str(FileBox(self._folder / "secrets").path(account.name))
        return account.where

    async def readable(self, account: Account) -> bool:
        """Whether a secret that lies in a file can be read; keyrings are not asked."""
        if account.where != FILE:
            return True
        try:
            return await self._boxes[FILE].read(account.name) is not None
        except SecretError:
            return False

    async def sign_in(
        self,
        address: Address,
        user: str,
        password: str,
        *,
        where: str = KEYRING,
        register: bool = False,
        invite: str = "",
    ) -> Account:
        """Sign in, or up, and keep the secret; nothing is kept when that fails.

        Raises `Refused`, `Unreachable`, `SecretError`.
        """
        api = AccountApi(address)
        keyring = self._boxes[KEYRING]
        if where == KEYRING and isinstance(keyring, KeyringBox):
            await keyring.probe()
        if register:
            tokens = await api.register(user, password, invite)
        else:
            tokens = await api.login(user, password)
        account = Account(address.url, tokens.user.name, where)
        moved = [
            a for a in self.all() if a.name == account.name and a.where not in (where, SESSION)
        ]
        try:
            await self._boxes[where].write(account.name, _secret(tokens))
            self._remember(account)
        except (SecretError, OSError) as error:
            with suppress(Refused, Unreachable):
                await api.logout(tokens.access_token)
            if isinstance(error, OSError):
                raise SecretError("file_failed", f"{self._file}: {error.strerror}") from None
            raise
        for former in moved:
            # A secret that nobody looks for any more would stay, and stay good.
            await self._end(former)
        return account

    async def sign_out(self, account: Account) -> bool:
        """Forget the secret and end the session; False when the server could not be told."""
        told = await self._end(account)
        self._forget(account)
        return told

    async def _end(self, account: Account) -> bool:
        box = self._boxes[account.where]
        try:
            secret = await box.read(account.name)
        except SecretError:
            secret = None
        told = False
        if secret is not None:
            with suppress(Refused, Unreachable, SecretError):
                token = await self.tokens(account).token()
                await AccountApi(_address(account)).logout(token.value)
                told = True
        await box.delete(account.name)
        return told

    def tokens(self, account: Account) -> SavedSession:
        """The account's tokens, renewed when needed."""
        lock = self._folder / "locks" / file_name(account.name)
        box = self._boxes[account.where]
        return SavedSession(account, box, AccountApi(_address(account)), lock, self._clock)

    def profile(self, account: Account) -> Path:
        """The folder of its cache."""
        return self._folder / "profiles" / file_name(account.name)

    # --- inside ----------------------------------------------------------------------

    def _elsewhere(self, account: Account) -> list[Account]:
        return [a for a in self._read() if a.name == account.name and a.where != account.where]

    def _read(self) -> list[Account]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=list[Account])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError) as error:
            raise AccountProblem("unreadable", detail=f"{self._file}: {error}") from None

    def _remember(self, account: Account) -> None:
        if account.where == SESSION:
            self._session_only[account.name] = account
            private_folder(self._folder)
            write_private(self._last_file, msgspec.json.encode(account))
            return
        self._session_only.pop(account.name, None)
        self._write(lambda held: [*(a for a in held if a.name != account.name), account])

    def _forget(self, account: Account) -> None:
        self._session_only.pop(account.name, None)
        self._last_file.unlink(missing_ok=True)
        self._write(lambda held: [a for a in held if a.name != account.name])
        try:
            last_screen.remove(str(self._folder))
        except OSError as error:
            place = self._folder / last_screen.NAME
            raise SecretError("file_failed", f"{place}: {error.strerror}") from None

    def _write(self, change: Callable[[list[Account]], list[Account]]) -> None:
        private_folder(self._folder)
        lock = private_file(self._folder / "accounts.lock")
        with filelock.FileLock(lock, timeout=10, mode=0o600):
            held = self._read()
            changed = change(held)
            if changed != held:
                write_private(self._file, msgspec.json.encode(changed))


class SavedSession:
    """A signed-in session whose tokens other processes use and renew, too."""

    def __init__(
        self,
        account: Account,
        box: SecretBox,
        api: AccountApi,
        lock: Path,
        clock: Callable[[], int],
    ) -> None:
        """`lock` is the file that only the process that renews has locked."""
        self._account = account
        self._box = box
        self._api = api
        self._lock = lock
        self._clock = clock
        self._held: Secret | None = None
        self._spent: set[str] = set()

    async def token(self, *, renew: bool = False) -> AccessToken:
        """A token that is good for a while; with `renew`, another than the one given before.

        Raises `Refused` (signed_out, or the server's code) when a new sign-in
        is needed, `Unreachable` when the server or the keyring does not answer.
        """
        held = self._held
        if held is not None and not renew and self._fresh(held):
            return _token(held)
        # Whoever holds the lock must not be reading code while the others wait.
        await late.module("talkbot_tui.client.http_calls")
        async with locked(self._lock):
            saved = await self._read()
            if held is not None and saved.refresh_token in self._spent:
                # Ours could not be kept; what lies there still must not be used a second time.
                saved = held
            given = held.access_token if held is not None and renew else ""
            if self._fresh(saved) and saved.access_token != given and not (renew and held is None):
                self._held = saved
            else:
                self._held = await self._refresh(saved)
        return _token(self._held)

    async def _refresh(self, saved: Secret) -> Secret:
        try:
            fresh = _secret(await self._api.refresh(saved.refresh_token))
        except (Refused, Unreachable) as error:
            if isinstance(error, Refused) and not error.retryable:
                raise Refused("session_revoked", error.message) from None
            if saved.expires_at > self._clock():
                return saved
            if isinstance(error, Refused):
                raise Unreachable("http_error", str(error)) from None
            raise
        self._spent.add(saved.refresh_token)
        # The old refresh token is as good as used: the new one must be kept, so try hard.
        for attempt in range(WRITE_TRIES):
            try:
                await self._box.write(self._account.name, fresh)
                self._spent.clear()
                break
            except SecretError as error:
                log.warning("the renewed session could not be kept: %s", error)
                await asyncio.sleep(0.1 * attempt)
        return fresh

    async def _read(self) -> Secret:
        try:
            saved = await self._box.read(self._account.name)
        except SecretError as error:
            if self._held is not None:
                return self._held
            if error.code == "file_failed":
                # Unlike a keyring, a file does not mend itself.
                raise Refused("secret_unreadable", error.detail) from None
            raise Unreachable("keyring", str(error)) from None
        if saved is None:
            raise Refused("signed_out", "You are not signed in.")
        return saved

    def _fresh(self, secret: Secret) -> bool:
        return secret.expires_at - self._clock() > MARGIN_MS


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Hold the file lock `path`; other processes and tasks wait. Raises `Unreachable`."""
    try:
        private_folder(path.parent)
        private_file(path)
    except OSError as error:
        raise Unreachable("keyring", f"{path}: {error}") from None
    lock = filelock.FileLock(path, timeout=0, thread_local=False, mode=0o600)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LOCK_WAIT_S
    while True:
        try:
            lock.acquire()
            break
        except filelock.Timeout:
            if loop.time() > deadline:
                raise Unreachable("keyring", f"{path} is locked") from None
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        lock.release()


def _secret(tokens: Tokens) -> Secret:
    return Secret(tokens.access_token, tokens.refresh_token, tokens.expires_at)


def _token(secret: Secret) -> AccessToken:
    return AccessToken(secret.access_token, secret.expires_at)


def _address(account: Account) -> Address:
    return parse(account.server, allow_insecure=True)
