"""Whom the client trusts: the system's authorities, and those of one file of the user's."""

from __future__ import annotations

import ssl
from pathlib import Path

_chosen: list[ssl.SSLContext] = []
"""At most one: like the language, it is one for the whole process."""


class UnusableAuthorities(ValueError):
    """The file with the authorities cannot be used; the text says why."""


def trust(file: str | Path) -> None:
    """From now on trust the authorities in `file` (PEM) too; "" trusts the system's alone.

    Decided once for a process, which acts for one user. Raises `UnusableAuthorities`.
    """
    _chosen.clear()
    if not file:
        return
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=file)
    except ssl.SSLError:
        raise UnusableAuthorities(f"{file}: has no certificate in PEM") from None
    except OSError as error:
        raise UnusableAuthorities(f"{file}: {error.strerror or error}") from None
    _chosen.append(context)


def trusted() -> ssl.SSLContext | bool:
    """For aiohttp's `ssl`: a context, or True for the system's authorities."""
    return _chosen[0] if _chosen else True
