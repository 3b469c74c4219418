"""Ids that a bot makes from what it answers, so that doing it twice does it once."""

from __future__ import annotations

import hashlib


def derived(purpose: str, *parts: str) -> str:
    """The id of what is done for `purpose` because of `parts`; the same for the same."""
    text = "\x1f".join((purpose, *parts))
    return hashlib.sha256(text.encode()).hexdigest()[:40]
