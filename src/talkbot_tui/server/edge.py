"""The edge: proxies that are believed, origins that may connect, headers of every answer."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from talkbot_tui.server.config import ConfigProblem

HEADERS = {
    "Server": "talkbot-tui",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Nothing here is a page: what a browser is led to show must do nothing."""

STRICT_TRANSPORT = "max-age=31536000"
METHODS = "GET, POST, DELETE"
REQUEST_HEADERS = "Authorization, Content-Type"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Edge:
    """Reads what proxies and browsers say of a request."""

    def __init__(self, proxies: Iterable[str], origins: Iterable[str], *, tls: bool) -> None:
        """Take the settings of `ServerConfig`; raises `ConfigProblem` for what cannot be meant."""
        self._proxies = [_network(proxy) for proxy in proxies]
        self._origins = frozenset(map(_origin, origins))
        self._tls = tls

    def address(self, request: web.Request) -> str:
        """Where a request comes from, as it is counted: of IPv6 the network of 64 bits.

        A single machine has all addresses of such a network (RFC 4291, 2.5.4), and could take
        another one for each attempt.
        """
        address = self._hop(request)
        try:
            found = ipaddress.IPv6Address(address)
        except ValueError:
            return address
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        if found.is_loopback:
            return address
        return str(ipaddress.IPv6Network((int(found), 64), strict=False))

    def _hop(self, request: web.Request) -> str:
        """The last hop that is none of our proxies."""
        address = request.remote or ""
        if not self._believed(address):
            return address
        hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        for hop in reversed(hops):
            try:
                address = str(ipaddress.ip_address(hop.strip()))
            except ValueError:
                return address
            if not self._believed(address):
                return address
        return address

    def scheme(self, request: web.Request) -> str:
        """`https` or `http`, as the client speaks it."""
        told = request.headers.get("X-Forwarded-Proto", "").strip().lower()
        if told in ("http", "https") and self._believed(request.remote or ""):
            return told
        return "https" if self._tls else "http"

    def admits(self, request: web.Request) -> bool:
        """Whether the page that sends a request may: none, one of ours, or an allowed one.

        Compared as a whole, as a browser sends it (RFC 6454): no parts, no wildcards.
        """
        origins: Sequence[str] = request.headers.getall("Origin", [])
        if not origins:
            return True
        if len(origins) > 1:
            return False
        if origins[0] in self._origins:
            return True
        scheme = self.scheme(request)
        return origins[0] == f"{scheme}://{request.host}" and (
            scheme == "https" or _cannot_be_rebound(request.host)
        )

    async def mark(self, request: web.Request, answer: web.StreamResponse) -> None:
        """Put the headers on an answer that is about to leave."""
        answer.headers.update(HEADERS)
        if self.scheme(request) == "https":
            answer.headers["Strict-Transport-Security"] = STRICT_TRANSPORT
        origin = request.headers.get("Origin", "")
        if origin and request.path.startswith("/api/") and self.admits(request):
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Vary"] = "Origin"

    def preflight(self) -> dict[str, str]:
        """What an allowed page may ask for."""
        return {
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": REQUEST_HEADERS,
        }

    def _believed(self, address: str) -> bool:
        if not self._proxies:
            return False
        try:
            found: Any = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)


def _cannot_be_rebound(host: str) -> bool:
    """Whether a plain-http `Host` is truly ours: whoever owns a name can let it mean this machine.

    A page of http://evil.example:3000 whose name leads to 127.0.0.1 a moment later asks
    us with Origin and Host alike (DNS rebinding); with TLS it had no certificate.
    """
    name = urlsplit(f"//{host}").hostname or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    return True


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ConfigProblem(
            f"TALKBOT_TRUSTED_PROXIES: {text!r} is no address or network; write 10.0.0.5 or"
            " 10.0.0.0/8"
        ) from None


def _origin(text: str) -> str:
    origin = text.strip()
    scheme, found, host = origin.partition("://")
    odd = origin != origin.lower() or set(host) & set("/*,?# @")
    if not found or scheme not in ("http", "https") or not host or odd:
        raise ConfigProblem(
            f"TALKBOT_ORIGINS: {text!r} is no origin; write https://chat.example.org, in small"
            " letters and without a path"
        )
    return origin
