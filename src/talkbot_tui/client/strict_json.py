"""JSON in the form that the Socket.IO library asks for, strict and quick.

Unlike the standard module it neither writes nor takes NaN and Infinity. Halves of
surrogate pairs, which other servers may send, are read as U+FFFD: one odd text must not
cost the page of history that it stands on.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()

_HIGH, _LOW = r"u[dD][89abAB][0-9a-fA-F]{2}", r"u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE_BYTES = re.compile(rf"\\(?:{_HIGH}\\{_LOW}|(?P<half>{_HIGH}|{_LOW})|.)".encode(), re.DOTALL)


def dumps(value: object, **_options: Any) -> str:
    """`value` as JSON; the library's options (separators) are what is done anyway."""
    return _encoder.encode(value).decode()


def loads(text: str | bytes, **_options: Any) -> Any:
    """The value of `text`; raises `ValueError` for anything but strict JSON."""
    try:
        return _decode(text)
    except msgspec.DecodeError:
        raw = text.encode() if isinstance(text, str) else text
        whole = _ESCAPE_BYTES.sub(lambda e: rb"\ufffd" if e["half"] else e[0], raw)
        if whole == raw:
            raise
        return _decode(whole)


def _decode(text: str | bytes) -> Any:
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
