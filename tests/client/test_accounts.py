from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from talkbot_tui.client import addresses
from talkbot_tui.client.account_api import AccountApi
from talkbot_tui.client.accounts import (
    FILE,
    KEYRING,
    MARGIN_MS,
    SESSION,
    Account,
    AccountProblem,
    Accounts,
    SavedSession,
)
from talkbot_tui.client.credentials import FileBox, Secret, SecretError
from talkbot_tui.client.ids import now_ms
from talkbot_tui.client.transport import Refused, Unreachable
from talkbot_tui.wire.http import Tokens
from tests.serving import PASSWORD, running_server


async def signed_in(url: str, folder: Path, where: str = FILE) -> tuple[Accounts, Account]:
    accounts = Accounts(folder)
    account = await accounts.sign_in(
        addresses.parse(url), "ana", PASSWORD, where=where, register=True
    )
    return accounts, account


async def test_signing_in_is_remembered_by_name_and_the_secret_elsewhere(tmp_path: Path) -> None:
    async with running_server() as server:
        _, account = await signed_in(server.url, tmp_path)
        assert account == Account(server.url, "ana", FILE)
        again = Accounts(tmp_path)
        assert again.all() == (account,)
        token = await again.tokens(account).token()
        listed = (tmp_path / "accounts.json").read_text()
        assert token.value not in listed
        assert json.loads(listed) == [{"server": server.url, "user": "ana", "where": "file"}]
        assert (await AccountApi(addresses.parse(server.url)).me(token.value)).user.name == "ana"


async def test_a_session_only_account_leaves_no_file(tmp_path: Path) -> None:
    async with running_server() as server:
        accounts, account = await signed_in(server.url, tmp_path, SESSION)
        assert accounts.all() == (account,)
        assert (await accounts.tokens(account).token()).value
        assert not (tmp_path / "accounts.json").exists()
        assert not (tmp_path / "secrets").exists()
        assert Accounts(tmp_path).all() == ()


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_who_was_there_for_one_session_need_not_type_it_all_again(tmp_path: Path) -> None:
    async with running_server() as server:
        accounts, account = await signed_in(server.url, tmp_path, SESSION)
        token = await accounts.tokens(account).token()
        again = Accounts(tmp_path)
        assert again.last_here() == account
        assert token.value.encode() not in everything_in(tmp_path)
        await accounts.sign_out(account)
        assert again.last_here() is None


async def test_signing_out_ends_the_session_at_the_server(tmp_path: Path) -> None:
    async with running_server() as server:
        accounts, account = await signed_in(server.url, tmp_path)
        secret = await FileBox(tmp_path / "secrets").read(account.name)
        assert secret is not None
        assert await accounts.sign_out(account) is True
        assert accounts.all() == ()
        assert await FileBox(tmp_path / "secrets").read(account.name) is None
        with pytest.raises(Refused):
            await AccountApi(addresses.parse(server.url)).refresh(secret.refresh_token)


async def test_a_secret_that_moves_to_another_place_leaves_none_behind(tmp_path: Path) -> None:
    async with running_server() as server:
        _, account = await signed_in(server.url, tmp_path / "data")
        former = await FileBox(tmp_path / "data" / "secrets").read(account.name)
        assert former is not None
        keyring = FileBox(tmp_path / "keyring")
        again = Accounts(tmp_path / "data", keyring=keyring)
        moved = await again.sign_in(addresses.parse(server.url), "ana", PASSWORD, where=KEYRING)
        assert again.all() == (moved,)
        assert await FileBox(tmp_path / "data" / "secrets").read(account.name) is None
        with pytest.raises(Refused):
            await AccountApi(addresses.parse(server.url)).refresh(former.refresh_token)
        assert (await again.tokens(moved).token()).value


async def test_signing_out_works_without_a_server(tmp_path: Path) -> None:
    async with running_server() as server:
        accounts, account = await signed_in(server.url, tmp_path)
    assert await accounts.sign_out(account) is False
    assert accounts.all() == ()


@pytest.mark.parametrize(
    ("user", "password", "code"),
    [("ana", "wrong password", "bad_credentials"), ("nobody", PASSWORD, "bad_credentials")],
)
async def test_a_wrong_sign_in_keeps_nothing(
    tmp_path: Path, user: str, password: str, code: str
) -> None:
    async with running_server() as server:
        await signed_in(server.url, tmp_path / "first")
        accounts = Accounts(tmp_path / "second")
        with pytest.raises(Refused) as refused:
            await accounts.sign_in(addresses.parse(server.url), user, password, where=FILE)
        assert refused.value.code == code
        assert accounts.all() == ()


async def test_which_account_is_meant(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    with pytest.raises(AccountProblem) as problem:
        accounts.pick()
    assert problem.value.code == "none"
    listed = [
        {"server": "https://a", "user": "ana"},
        {"server": "https://a", "user": "bruno"},
        {"server": "https://b", "user": "ana"},
    ]
    (tmp_path / "accounts.json").write_text(json.dumps(listed))
    assert accounts.pick("https://b").user == "ana"
    assert accounts.pick("https://a", "BRUNO").user == "bruno"
    with pytest.raises(AccountProblem) as problem:
        accounts.pick(user="ana")
    assert problem.value.code == "ambiguous"
    assert len(problem.value.accounts) == 2
    (tmp_path / "accounts.json").write_text("[{")
    with pytest.raises(AccountProblem) as problem:
        accounts.all()
    assert problem.value.code == "unreadable"


async def test_a_token_near_its_end_is_renewed_and_shared(tmp_path: Path) -> None:
    async with running_server() as server:
        accounts, account = await signed_in(server.url, tmp_path)
        late = Accounts(tmp_path, clock=lambda: now_ms() + 15 * 60_000 - MARGIN_MS + 1000)
        before = await accounts.tokens(account).token()
        after = await late.tokens(account).token()
        assert after.value != before.value
        assert (await Accounts(tmp_path).tokens(account).token()).value == after.value


async def test_a_renewal_on_demand_takes_what_another_process_renewed(tmp_path: Path) -> None:
    async with running_server() as server:
        accounts, account = await signed_in(server.url, tmp_path)
        one, two = accounts.tokens(account), accounts.tokens(account)
        first = await one.token()
        assert (await two.token()).value == first.value
        renewed = await one.token(renew=True)
        assert renewed.value != first.value
        assert (await two.token(renew=True)).value == renewed.value


async def test_without_a_server_a_token_that_still_lasts_is_used(tmp_path: Path) -> None:
    async with running_server() as server:
        accounts, account = await signed_in(server.url, tmp_path)
        valid = await accounts.tokens(account).token()
    assert (await accounts.tokens(account).token(renew=True)).value == valid.value
    late = Accounts(tmp_path, clock=lambda: now_ms() + 16 * 60_000)
    with pytest.raises(Unreachable):
        await late.tokens(account).token()


class FullBox(FileBox):
    """A place that gives what it has and keeps nothing new."""

    async def write(self, name: str, secret: Secret) -> None:
        raise SecretError("file_failed", "no space")


class WatchedApi(AccountApi):
    """Notes which refresh tokens are used."""

    def __init__(self, address: addresses.Address) -> None:
        super().__init__(address)
        self.used: list[str] = []

    async def refresh(self, refresh_token: str) -> Tokens:
        self.used.append(refresh_token)
        return await super().refresh(refresh_token)


async def test_a_session_that_could_not_be_kept_goes_on_from_memory(tmp_path: Path) -> None:
    async with running_server() as server:
        _, account = await signed_in(server.url, tmp_path)
        box, api = FullBox(tmp_path / "secrets"), WatchedApi(addresses.parse(server.url))
        session = SavedSession(account, box, api, tmp_path / "lock", now_ms)
        for _ in range(3):
            await session.token(renew=True)
        # A replaced token that is used again after a minute ends the whole session.
        assert len(set(api.used)) == 3


async def test_a_revoked_session_says_so(tmp_path: Path) -> None:
    async with running_server() as server:
        accounts, account = await signed_in(server.url, tmp_path)
        box = FileBox(tmp_path / "secrets")
        await box.write(account.name, Secret("a", "revoked-refresh-token", 1))
        with pytest.raises(Refused) as refused:
            await accounts.tokens(account).token()
        assert refused.value.code == "session_revoked"
        await box.delete(account.name)
        with pytest.raises(Refused) as refused:
            await accounts.tokens(account).token()
        assert refused.value.code == "signed_out"


async def test_a_file_that_cannot_be_read_wants_a_new_sign_in(tmp_path: Path) -> None:
    async with running_server() as server:
        accounts, account = await signed_in(server.url, tmp_path)
        (path,) = (tmp_path / "secrets").glob("*.json")
        path.write_text("{bad")
        with pytest.raises(Refused) as refused:
            await accounts.tokens(account).token()
        assert refused.value.code == "secret_unreadable"
        assert not refused.value.retryable


REFRESH = """
import asyncio, sys
from pathlib import Path
from talkbot_tui.client.accounts import Accounts
from talkbot_tui.client.ids import now_ms

async def main():
    late = int(sys.argv[2])
    accounts = Accounts(Path(sys.argv[1]), clock=lambda: now_ms() + late)
    tokens = accounts.tokens(accounts.pick())
    for _ in range(3):
        print((await tokens.token(renew=True)).value[-12:])

asyncio.run(main())
"""


@pytest.mark.timeout(120)
async def test_twenty_processes_that_renew_at_once_stay_signed_in(tmp_path: Path) -> None:
    async with running_server() as server:
        accounts, account = await signed_in(server.url, tmp_path)
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                REFRESH,
                str(tmp_path),
                str(15 * 60_000 - MARGIN_MS + 5_000),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for _ in range(20)
        ]
        for process in processes:
            _out, err = await process.communicate()
            assert process.returncode == 0, err.decode()
        token = await accounts.tokens(account).token()
        api = AccountApi(addresses.parse(server.url))
        assert (await api.me(token.value)).user.name == "ana"
        assert (await accounts.tokens(account).token(renew=True)).value


def test_two_servers_can_never_get_each_others_secret() -> None:
    one = Account("https://a.example", "ana")
    names = {one.name, replace_server(one, "https://b.example").name}
    assert len(names) == 2


def replace_server(account: Account, server: str) -> Account:
    return Account(server, account.user, account.where)
