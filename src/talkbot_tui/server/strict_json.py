"""JSON without its loopholes: NaN, repeated keys, endless numbers, deep nesting."""

from __future__ import annotations

import json
import math
from typing import Any

from talkbot_tui.wire.codec import DEPTH_MAX


class Unaccepted(ValueError):
    """It is JSON, but more of it than is read here."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unaccepted("a key occurs twice")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _bounded_int(text: str) -> int:
    if len(text) > 20:
        raise Unaccepted("a number is too large")
    return int(text)


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Unaccepted("a number is too large")
    return number


def _shallow(text: str) -> None:
    depth = deepest = 0
    inside = escaped = False
    for char in text:
        if inside:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                inside = False
        elif char == '"':
            inside = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    if deepest > DEPTH_MAX:
        raise Unaccepted("nested too deeply")


class StrictJson:
    """JSON without its loopholes: NaN, repeated keys, endless numbers, deep nesting."""

    @staticmethod
    def loads(text: str) -> Any:
        """Parse `text`; raises `Unaccepted`, or another `ValueError` for what is no JSON."""
        if text.count("[") + text.count("{") > DEPTH_MAX:
            _shallow(text)
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
            parse_float=_finite_float,
        )

    @staticmethod
    def dumps(value: Any, **options: Any) -> str:
        """As the library does it."""
        return json.dumps(value, **options)
