"""The language of filters: `dir:out event:message ns:/chat kind:ack size:>1000 text`.

All terms must hold; `-` before one turns it round. Words without a colon are looked for in the
event's name and the payload, in any case of letters; `"two words"` is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase

from talkbot_tui.client.inspector.packets import KINDS, Packet, Way

_TERM = re.compile(r'-?(?:[A-Za-z]+:)?(?:"[^"]*"?|[^\s"]+)')
_SIZE = re.compile(r"([<>]?)=?(\d{1,12})(k|m)?b?", re.IGNORECASE)
FIELDS = ("dir", "event", "ns", "kind", "size", "ack", "transport")
Test = Callable[[Packet], bool]


class FilterError(ValueError):
    """A term that cannot be understood.

    Attributes:
        term: as it was written.
        wanted: what could stand there.
    """

    def __init__(self, term: str, wanted: str) -> None:
        super().__init__(f"{term}: {wanted}")
        self.term = term
        self.wanted = wanted


def compiled(text: str) -> Test:
    """A test for packets; raises `FilterError`."""
    tests = [_term(term) for term in _TERM.findall(text)]
    return lambda packet: all(test(packet) for test in tests)


def _term(written: str) -> Test:
    turned = written.startswith("-") and len(written) > 1
    term = written[1:] if turned else written
    name, colon, value = term.partition(":")
    value = value.strip('"')
    if colon and name.lower() in FIELDS:
        test = _field(name.lower(), value, written)
    else:
        test = _words(term.strip('"'))
    return (lambda packet: not test(packet)) if turned else test


def _words(word: str) -> Test:
    low = word.casefold()
    return lambda p: low in p.event.casefold() or low in p.text.casefold()


def _field(name: str, value: str, written: str) -> Test:
    low = value.lower()
    match name:
        case "dir":
            if low not in {way.value for way in Way}:
                raise FilterError(written, "dir:in, dir:out, dir:here")
            return lambda p: p.way.value == low
        case "kind":
            if not any(_is_kind(kind, low) for kind in KINDS):
                raise FilterError(written, "kind:event, kind:ack, kind:ping …")
            return lambda p: _is_kind(p.kind, low)
        case "event":
            return lambda p: p.event == value or fnmatchcase(p.event, value)
        case "ns":
            return lambda p: p.namespace == value
        case "transport":
            return lambda p: p.transport.startswith(low)
        case "ack":
            if not value.isdecimal():
                raise FilterError(written, "ack:12")
            wanted = int(value[:18])
            return lambda p: p.ack_id == wanted
        case _:
            return _size(value, written)


def _is_kind(kind: str, wanted: str) -> bool:
    return kind == wanted or kind.endswith(f"_{wanted}")


def _size(value: str, written: str) -> Test:
    found = _SIZE.fullmatch(value)
    if found is None:
        raise FilterError(written, "size:>1000, size:<2k, size:5")
    number = int(found[2]) * {"": 1, "k": 1000, "m": 1_000_000}[(found[3] or "").lower()]
    match found[1]:
        case ">":
            return lambda p: p.size > number
        case "<":
            return lambda p: p.size < number
        case _:
            return lambda p: p.size == number
