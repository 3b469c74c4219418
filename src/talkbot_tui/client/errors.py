"""What went wrong below us, found out from chains of exceptions."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterator

import aiohttp

from talkbot_tui.client.transport import Unreachable

NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})


def unreachable(error: BaseException) -> Unreachable:
    """Why a connection could not be made: the deepest cause that says something."""
    chain = list(causes(error))
    detail = "; ".join(f"{type(found).__name__}: {found}" for found in chain)[:500]
    for found in reversed(chain):
        code = _code(found)
        if code:
            return Unreachable(code, detail)
    return Unreachable("not_socketio" if _odd_answer(chain) else "network", detail)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and everything behind it, the outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def is_local(error: Unreachable) -> bool:
    """Whether another transport to the same address would meet the same."""
    return error.code in ("unknown_host", "refused", "tls", "network", "bad_url", "insecure_url")


def _code(error: BaseException) -> str:
    if isinstance(error, (socket.gaierror, aiohttp.ClientConnectorDNSError)):
        return "unknown_host"
    if isinstance(error, (ssl.SSLError, ssl.CertificateError, aiohttp.ClientSSLError)):
        return "tls"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return "timeout"
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return "http_error" if error.status >= 500 else "not_socketio"
    if isinstance(error, (aiohttp.InvalidURL,)):
        return "bad_url"
    if isinstance(error, OSError) and error.errno in NO_ROUTE:
        return "network"
    text = str(error)
    if "Unexpected status code 5" in text:
        return "http_error"
    if "timeout" in text.lower():
        return "timeout"
    if any(word in text for word in ("Unexpected status code", "Unexpected response", "OPEN")):
        return "not_socketio"
    if "Connect call failed" in text or "Cannot connect to host" in text:
        return "refused"
    return ""


def _odd_answer(chain: list[BaseException]) -> bool:
    """Whether something answered, but nothing that we understand."""
    odd = (ValueError, TypeError, KeyError, IndexError, AttributeError, aiohttp.ClientPayloadError)
    return any(isinstance(found, odd) for found in chain)
