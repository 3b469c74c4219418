"""TLS: who cannot be trusted, and who does not speak it."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from talkbot_tui.client.transport import Unreachable
from tests.client.test_transport import connector
from tests.serving import running_server


async def test_a_server_without_tls_is_told_from_one_with_a_bad_certificate() -> None:
    async with running_server() as server:
        with pytest.raises(Unreachable) as error:
            await connector(server.url.replace("http://", "https://"), "token").connect()
        assert error.value.code == "no_tls"


async def test_tls_that_cannot_be_trusted_is_a_reason_of_its_own(tmp_path: Path) -> None:
    async with await asyncio.start_server(
        lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=self_signed(tmp_path)
    ) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable) as error:
            await connector(f"https://127.0.0.1:{port}", "token").connect()
        assert error.value.code == "tls"


def self_signed(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
