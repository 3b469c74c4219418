"""TLS, origins, proxies and headers, as they meet a request at the server's edge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from talkbot_tui.client import addresses, tls
from talkbot_tui.client.account_api import AccountApi
from talkbot_tui.client.transport import Unreachable
from talkbot_tui.server.config import ConfigProblem
from talkbot_tui.server.edge import HEADERS, Edge
from talkbot_tui.server.tls import own_context, server_context
from tests.certificates import Authority, private
from tests.client.test_transport import connector
from tests.server.test_hazards import QUERY, raw, signed_in
from tests.serving import PASSWORD, register, running_server

FOREIGN = (
    "https://evil.example",
    "null",
    "https://chat.example.evil.example",
    "https://evil.example/https://chat.example",
    "https://chat.example:8443",
    "http://chat.example",
    "HTTPS://CHAT.EXAMPLE",
    "https://chat.example, https://evil.example",
)


@pytest.fixture(autouse=True)
def nobody_else_trusted() -> Iterator[None]:
    yield
    tls.trust("")


async def test_a_client_that_trusts_the_authority_talks_over_tls(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    certificate, key = authority.issue()
    async with running_server(tls_certificate=certificate, tls_key=key) as server:
        assert server.url.startswith("https://127.0.0.1:")
        api = AccountApi(addresses.parse(server.url))
        with pytest.raises(Unreachable) as error:
            await api.register("ana", PASSWORD)
        assert error.value.code == "tls"
        tls.trust(authority.file)
        tokens = await api.register("ana", PASSWORD)
        transport = await connector(server.url, tokens.access_token).connect()
        assert transport.name == "websocket"
        await transport.close()


@pytest.mark.parametrize(
    ("name", "days"),
    [(x509.DNSName("elsewhere.example"), 1), (x509.DNSName("127.0.0.1"), 1), (None, -1)],
    ids=["another host", "a name that looks like the address", "expired"],
)
async def test_a_trusted_authority_is_not_enough(
    tmp_path: Path, name: x509.DNSName | None, days: int
) -> None:
    authority = Authority.make(tmp_path)
    given = authority.issue(days=days) if name is None else authority.issue(name, days=days)
    tls.trust(authority.file)
    async with running_server(tls_certificate=given[0], tls_key=given[1]) as server:
        with pytest.raises(Unreachable) as error:
            await AccountApi(addresses.parse(server.url)).register("ana", PASSWORD)
        assert error.value.code == "tls"
        with pytest.raises(Unreachable) as error:
            await connector(server.url, "token").connect()
        assert error.value.code == "tls"


async def test_a_client_in_the_servers_process_trusts_that_one_certificate(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    certificate, key = authority.issue(x509.DNSName("chat.example"))
    other, _key = authority.issue(file="other")
    async with (
        running_server(tls_certificate=certificate, tls_key=key) as server,
        aiohttp.ClientSession() as http,
    ):
        async with http.get(server.url, ssl=own_context(certificate)) as answer:
            assert answer.headers["Strict-Transport-Security"]
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(server.url, ssl=own_context(other))


def test_files_that_cannot_be_used_are_told_by_name(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    certificate, key = authority.issue()
    other = authority.issue(file="other")[1]
    locked, text = tmp_path / "locked.key", tmp_path / "text"
    locked.write_bytes(private(ec.generate_private_key(ec.SECP256R1()), b"secret"))
    text.write_text("hello")
    for files, told in (
        ((tmp_path / "none.pem", None), "none.pem: No such file"),
        ((certificate, other), "other.key: the key does not belong"),
        ((certificate, None), "name the key by --tls"),
        ((certificate, locked), "locked.key: the key has a password"),
        ((text, key), "are no certificate and key"),
    ):
        with pytest.raises(ConfigProblem, match=told):
            server_context(*files)


async def test_nothing_older_than_tls_1_2_is_spoken(tmp_path: Path) -> None:
    certificate, key = Authority.make(tmp_path).issue()
    context = server_context(certificate, key)
    assert context.minimum_version.name == "TLSv1_2"


@pytest.mark.parametrize("transport", ["polling", "websocket", "api"])
@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_foreign_page_is_refused_everywhere(origin: str, transport: str) -> None:
    headers = {"Origin": origin}
    if transport == "websocket":
        headers |= {"Connection": "Upgrade", "Upgrade": "websocket"}
        headers |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    async with (
        running_server(origins=("https://chat.example",)) as server,
        aiohttp.ClientSession() as http,
    ):
        url = server.url + ("/api/me" if transport == "api" else QUERY + transport)
        async with http.get(url, headers=headers) as answer:
            assert answer.status in (400, 403)
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert not server.sio.eio.sockets


@pytest.mark.parametrize("path", ["/api/me", QUERY + "polling"])
async def test_a_name_that_was_made_to_mean_this_machine_is_not_our_own(path: str) -> None:
    async with running_server() as server, aiohttp.ClientSession() as http:
        port = server.url.rpartition(":")[2]
        own = {"localhost": (200, 401), "127.0.0.1": (200, 401), "evil.example": (400, 403)}
        for name, expected in own.items():
            head = {"Origin": f"http://{name}:{port}", "Host": f"{name}:{port}"}
            async with http.get(server.url + path, headers=head) as answer:
                assert answer.status in expected, name


async def test_our_own_page_and_an_allowed_one_are_admitted() -> None:
    async with running_server(origins=("https://chat.example",)) as server:
        for origin in (server.url, "https://chat.example"):
            async with aiohttp.ClientSession(headers={"Origin": origin}) as http:
                async with http.get(server.url + QUERY + "polling") as answer:
                    assert answer.status == 200
                async with http.options(server.url + "/api/login") as answer:
                    assert answer.status == 204
                    assert answer.headers["Access-Control-Allow-Origin"] == origin
                    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
                async with http.get(server.url + "/api/me") as answer:
                    assert answer.status == 401


async def test_every_answer_carries_the_headers() -> None:
    paths = ("/", "/healthz", "/metrics", "/api/me", "/api/nothing", "/nowhere", QUERY + "polling")
    async with running_server() as server, aiohttp.ClientSession() as http:
        for path in paths:
            async with http.get(server.url + path) as answer:
                assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
                assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize(
    ("proxies", "told", "expected"),
    [
        ((), "203.0.113.9", "127.0.0.1"),
        (("10.0.0.0/8",), "203.0.113.9", "127.0.0.1"),
        (("127.0.0.0/8",), "203.0.113.9", "203.0.113.9"),
        (("127.0.0.1", "198.51.100.0/24"), "203.0.113.9, 198.51.100.7", "203.0.113.9"),
        (("127.0.0.1",), "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (("127.0.0.1",), "2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        (("127.0.0.1",), "::ffff:203.0.113.9", "203.0.113.9"),
        (("127.0.0.1",), "nonsense", "127.0.0.1"),
        (("127.0.0.1",), "\t, ,", "127.0.0.1"),
    ],
)
async def test_a_hop_is_believed_only_from_a_proxy_of_ours(
    proxies: tuple[str, ...], told: str, expected: str
) -> None:
    async with running_server(trusted_proxies=proxies) as server:
        token = (await register(server, "ana"))["accessToken"]
        async with raw(server, headers={"X-Forwarded-For": told}) as ws:
            await signed_in(ws, token)
            (connection,) = server.fanout.connections.values()
            assert connection.address == expected


@pytest.mark.parametrize(
    "settings",
    [
        {"proxies": ["10.0.0.300"]},
        {"proxies": ["proxy.example"]},
        {"origins": ["chat.example"]},
        {"origins": ["*"]},
        {"origins": ["https://*.example"]},
        {"origins": ["https://chat.example/"]},
        {"origins": ["https://Chat.example"]},
        {"origins": ["null"]},
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigProblem, match="write "):
        Edge(**{"proxies": [], "origins": [], "tls": False, **settings})
