"""JSON in the form that the Socket.IO library asks for, strict and quick.

Unlike the standard module it neither writes nor takes NaN and Infinity.
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
