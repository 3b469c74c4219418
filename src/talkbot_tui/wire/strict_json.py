"""The JSON of both ends of a connection, in the form that the Socket.IO library asks for.

The library keeps one JSON module for the whole process, so client and server
share this one. Unlike the standard module it neither writes nor takes NaN and
Infinity, and it is several times as fast.
"""

from __future__ import annotations

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def dumps(value: object, **_options: Any) -> str:
    """`value` as JSON; the library's options (separators) are what is done anyway."""
    return _encoder.encode(value).decode()


def loads(text: str | bytes, **_options: Any) -> Any:
    """The value of `text`; raises `ValueError` for anything but strict JSON."""
    return _decoder.decode(text)
