"""Values out of the fuzzer's bytes: the same bytes give the same value, on every machine."""

from __future__ import annotations

from typing import Any

import msgspec.inspect as shapes

NASTY = (
    [chr(code) for code in range(128)]
    + list("\x80\x85\x9b\xa0\xad\u0130\u0131\u017f\u01c5\u0301\u0302\u0308\u0327\u034f\u0489")
    + list("\u061c\u0660\u06dd\u0915\u093e\u094d\u0e33\u1100\u115f\u1160\u1161\u11a8\u17b4\u180e")
    + list("\u1e9e\u2000\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2044\u2060\u2066")
    + list("\u2069\u206a\u20e3\u2126\u2160\u2460\u2800\u3000\u3164\uac00\ud7b0\ud800\udfff\ue000")
    + list("\ufb01\ufdd0\ufdfa\ufe00\ufe0e\ufe0f\ufeff\uff0e\uff20\uffa0\ufff9\ufffc\ufffd\ufffe")
    + list("\U0001d165\U0001f1e7\U0001f468\U0001f3fd\U000e0001\U000e0100\U0010ffff²①аоё漢字ßﬀ")
)
"""Characters that have misled a program: one byte is enough to draw each."""

JUNK: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**53,
    2**63,
    2**200,
    1.5,
    -0.0,
    float("inf"),
    "",
    "\x00",
    "\ud800",
    "\x1b]52;c;x\x07",
    "x" * 9_000,
    [],
    [None],
    {},
    {"__proto__": {}},
    {"": {"": {}}},
)


class Draw:
    """Reads the bytes from the front; after the last come zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        at, self._at = self._at, self._at + 1
        return self._data[at] if at < len(self._data) else 0

    def below(self, bound: int) -> int:
        return self.byte() % bound

    def of(self, choices: Any) -> Any:
        return choices[self.below(len(choices))]

    def take(self, size: int) -> bytes:
        at, self._at = self._at, self._at + size
        return self._data[at : at + size]

    def left(self) -> bytes:
        return self.take(len(self._data))

    def text(self) -> str:
        """A short one."""
        return text_of(self.take(self.below(24)))


def text_of(data: bytes) -> str:
    """Any text: UTF-8 with stray bytes as half surrogates, or each byte a nasty character."""
    if data[:1] == b"\xff":
        return "".join(NASTY[byte % len(NASTY)] for byte in data[1:])
    return data.decode("utf-8", "surrogateescape")


def valid_text_of(data: bytes) -> str:
    """The same without what no UTF-8 file can hold."""
    return text_of(data).encode("utf-8", "replace").decode("utf-8")


def value(draw: Draw, kind: shapes.Type, depth: int = 0) -> Any:
    """Mostly a value of this kind, now and then none."""
    if depth > 6 or draw.below(16) == 15:
        return draw.of((*JUNK, draw.text()))
    match kind:
        case shapes.StructType():
            return _struct(draw, kind, depth)
        case shapes.ListType():
            return [value(draw, kind.item_type, depth + 1) for _ in range(draw.below(4))]
        case shapes.DictType():
            size = draw.below(3)
            return {_key(draw): value(draw, kind.value_type, depth + 1) for _ in range(size)}
        case shapes.UnionType():
            return value(draw, draw.of(kind.types), depth + 1)
        case shapes.LiteralType():
            return draw.of(kind.values)
        case shapes.StrType():
            return draw.of(("m1", "c1")) if kind.pattern else draw.text()
        case shapes.BoolType():
            return bool(draw.below(2))
        case shapes.IntType():
            return draw.of((draw.byte(), 1, 2, 50, 2**31, 2**53 - 1))
        case _:
            return None


def _key(draw: Draw) -> str:
    return str(draw.of(("c1", "c2", draw.text())))


def _struct(draw: Draw, kind: shapes.StructType, depth: int) -> dict[str, Any]:
    found = {
        field.encode_name: value(draw, field.type, depth + 1)
        for field in kind.fields
        if field.required or draw.below(2)
    }
    if kind.tag_field is not None:
        found[kind.tag_field] = kind.tag
    return found
