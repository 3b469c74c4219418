"""A payload on several lines, folded from some depth on."""

from __future__ import annotations

import json

LINES_MAX = 2000
"""So many lines are made at most; then the last one says that there is more."""
DEPTH_MAX = 64
MORE = "…"


def pretty(text: str, depth: int) -> list[str]:
    """JSON on several lines, containers below `depth` in one; anything else as it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text[:200_000].split("\n")[:LINES_MAX]
    lines: list[str] = []
    _put(lines, value, min(depth, DEPTH_MAX), 0, "", "")
    return lines if len(lines) <= LINES_MAX else [*lines[:LINES_MAX], MORE]


def folded(value: object) -> str:
    """A container in one word: how many it holds."""
    if isinstance(value, dict):
        return f"{{…{len(value)}}}" if value else "{}"
    if isinstance(value, list):
        return f"[…{len(value)}]" if value else "[]"
    return json.dumps(value, ensure_ascii=False)


def _put(lines: list[str], value: object, depth: int, indent: int, before: str, after: str) -> None:
    if len(lines) > LINES_MAX:
        return
    blank = "  " * indent
    if depth <= 0 or not isinstance(value, (dict, list)) or not value:
        lines.append(f"{blank}{before}{folded(value)}{after}")
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    lines.append(f"{blank}{before}{opening}")
    if isinstance(value, dict):
        parts = [(json.dumps(key, ensure_ascii=False) + ": ", one) for key, one in value.items()]
    else:
        parts = [("", one) for one in value]
    for number, (name, one) in enumerate(parts, 1):
        _put(lines, one, depth - 1, indent + 1, name, "," if number < len(parts) else "")
    lines.append(f"{blank}{closing}{after}")
