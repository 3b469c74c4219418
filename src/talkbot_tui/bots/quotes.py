"""Repeating what somebody wrote, without calling whom they called."""

from __future__ import annotations

import re

JOINER = "\u2060"

_CALLS = re.compile(r"(?<![\w.@/-])@(?=[\w.-])")
"""What the server takes for a mention; in an address or a link an @ calls nobody, and stays."""


def quoted(text: str) -> str:
    """`text` with an invisible joiner after each @ that would call somebody."""
    return _CALLS.sub(f"@{JOINER}", text)
