"""TLS of the server: certificate and key from files, and nothing older than TLS 1.2."""

from __future__ import annotations

import ssl
from pathlib import Path

from talkbot_tui.server.config import ConfigProblem

_PARTIAL_CHAIN = getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)


def server_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """What the server shows its clients; `key` None lies in the certificate's file.

    Raises `ConfigProblem` with the file and the reason.
    """
    for file in filter(None, (certificate, key)):
        try:
            file.read_bytes()
        except OSError as error:
            raise ConfigProblem(f"{file}: {error.strerror or error}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A key with a password would wait for somebody to type it.
        context.load_cert_chain(certificate, key, password=_no_password)
    except _Encrypted:
        raise ConfigProblem(f"{key or certificate}: the key has a password; remove it") from None
    except ssl.SSLError as error:
        raise ConfigProblem(_why(error, certificate, key)) from None
    return context


def own_context(certificate: Path) -> ssl.SSLContext:
    """For a client in the server's own process: it trusts that very certificate, by any name."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    context.verify_flags |= _PARTIAL_CHAIN
    return context


class _Encrypted(Exception):
    pass


def _no_password() -> bytes:
    raise _Encrypted


def _why(error: ssl.SSLError, certificate: Path, key: Path | None) -> str:
    if "MISMATCH" in (error.reason or ""):
        return f"{key or certificate}: the key does not belong to the certificate {certificate}"
    if key is None:
        return (
            f"{certificate}: is no certificate with its key in PEM; name the key by --tls CERT KEY"
        )
    return f"{certificate}, {key}: are no certificate and key in PEM"
