"""Server addresses: how people write them, and which may be used."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from talkbot_tui.client.transport import Unreachable

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A server's address.

    Attributes:
        origin: scheme, host and port, as it names the account: `https://chat.example`.
        prefix: the path under which the server lives, "" or `/chat`.
    """

    origin: str
    prefix: str = ""

    @property
    def url(self) -> str:
        """The whole address, without a slash at the end."""
        return self.origin + self.prefix

    @property
    def socketio_path(self) -> str:
        """Where Socket.IO lives below the origin."""
        return f"{self.prefix}/socket.io".lstrip("/")


def parse(written: str, *, allow_insecure: bool = False) -> Address:
    """The address that somebody wrote; without a scheme, https, or http on this machine.

    Raises `Unreachable`: bad_url, insecure_url.
    """
    text = written.strip()
    if "://" not in text:
        host = urlsplit("//" + text).hostname if text else None
        text = f"{'http' if host and is_loopback(host) else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Unreachable("bad_url", written) from None
    scheme = parts.scheme.lower()
    odd = parts.query or parts.fragment or parts.username or parts.password
    if scheme not in PORTS or not host or odd or any(c.isspace() for c in text):
        raise Unreachable("bad_url", written)
    if scheme == "http" and not allow_insecure and not is_loopback(host):
        raise Unreachable("insecure_url", written)
    shown = f"[{host}]" if ":" in host else host
    if port and port != PORTS[scheme]:
        shown += f":{port}"
    return Address(f"{scheme}://{shown}", parts.path.rstrip("/"))


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine: nobody else hears what is said to it."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
