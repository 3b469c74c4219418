"""What went wrong below us, found out from chains of exceptions."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
from collections.abc import Iterator

import aiohttp

from talkbot_tui.client.transport import Unreachable, of_status

NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
CUT = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})
CUT_WORDS = ("Server disconnected", "reset by peer", "Broken pipe")
"""What the library says of a poll that was cut off: it passes on the words alone."""


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
    return error.code in (
        "unknown_host",
        "refused",
        "tls",
        "no_tls",
        "proxy",
        "network",
        "bad_url",
        "insecure_url",
        "odd_url",
        "limited",
    )


NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""What OpenSSL says of a server that answers in plain words."""


def _code(error: BaseException) -> str:
    if isinstance(error, (socket.gaierror, aiohttp.ClientConnectorDNSError)):
        return "unknown_host"
    if isinstance(error, ssl.SSLError) and error.reason in NOT_TLS:
        return "no_tls"
    if isinstance(error, (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError)):
        return "proxy"
    if isinstance(error, (ssl.SSLError, ssl.CertificateError, aiohttp.ClientSSLError)):
        return "tls"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return "timeout"
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return of_status(error.status)
    if isinstance(error, (aiohttp.InvalidURL,)):
        return "bad_url"
    if isinstance(error, OSError) and error.errno in NO_ROUTE:
        return "network"
    if isinstance(error, OSError) and error.errno in CUT:
        return "closed"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "closed"
    return _in_words(str(error))


_STATUS = re.compile(r"Unexpected status code (\d{3})")


def _in_words(text: str) -> str:
    """The same from what the library says, where its exceptions do not differ."""
    if found := _STATUS.search(text):
        return of_status(int(found[1]))
    if "timeout" in text.lower():
        return "timeout"
    if any(word in text for word in ("Unexpected status code", "Unexpected response", "OPEN")):
        return "not_socketio"
    if any(words in text for words in CUT_WORDS):
        return "closed"
    if "Connect call failed" in text or "Cannot connect to host" in text:
        return "refused"
    return ""


def _odd_answer(chain: list[BaseException]) -> bool:
    """Whether something answered, but nothing that we understand."""
    odd = (ValueError, TypeError, KeyError, IndexError, AttributeError, aiohttp.ClientPayloadError)
    return any(isinstance(found, odd) for found in chain)
