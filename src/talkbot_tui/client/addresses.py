"""Server addresses: how people write them, and which may be used."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from talkbot_tui.client.transport import Unreachable

PORTS = {"http": 80, "https": 443}
SHOWN_MAX = 100
"""Letters of an address that a message repeats."""
_QUERY = re.compile(r"([?#]).*", re.DOTALL)
_SECRET = re.compile(r"(?<=//)[^/?#]*@|^[^/?#]*@")


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
    def through_proxy(self) -> bool:
        """Whether a proxy that the environment names is used: never for this machine."""
        return not is_loopback(urlsplit(self.origin).hostname or "")

    @property
    def socketio_path(self) -> str:
        """Where Socket.IO lives below the origin."""
        return f"{self.prefix}/socket.io".lstrip("/")


def parse(written: str, *, allow_insecure: bool = False) -> Address:
    """The address that somebody wrote; without a scheme, https, or http on this machine.

    Raises `Unreachable`: bad_url, insecure_url, odd_url.
    """
    text = written.strip()
    try:
        if "://" not in text:
            host = urlsplit("//" + text).hostname if text else None
            text = f"{'http' if host and is_loopback(host) else 'https'}://{text}"
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Unreachable("bad_url", written) from None
    scheme = parts.scheme.lower()
    odd = parts.query or parts.fragment or parts.username or parts.password
    if (
        scheme not in PORTS
        or not host
        or odd
        or any(c.isspace() or not c.isprintable() for c in text)
    ):
        raise Unreachable("bad_url", written)
    if not host.isascii():
        raise Unreachable("odd_url", written)
    if scheme == "http" and not allow_insecure and not is_loopback(host):
        raise Unreachable("insecure_url", written)
    place = f"[{host}]" if ":" in host else host
    if port and port != PORTS[scheme]:
        place += f":{port}"
    return Address(f"{scheme}://{place}", parts.path.rstrip("/"))


def shown(written: str) -> str:
    """An address as a message repeats it: without what may be secret, and not at any length."""
    text = _QUERY.sub(r"\1…", _SECRET.sub("…@", written))
    return text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…"


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine: nobody else hears what is said to it."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
