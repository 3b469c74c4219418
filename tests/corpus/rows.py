"""The corpus: bad inputs with what must become of them, one JSON object a line.

`input` is a text, a list of them, or made of parts: {"bytes": base64},
{"repeat": [text, times]}, {"parts": […]}. Words that begin with $ are filled in
by the runner. `expect` names one or more outcomes, parted by " or ".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """One case.

    where: what it is given to. stored: how many messages it may leave.
    """

    id: str
    where: str
    input: Any
    expect: tuple[str, ...]
    stored: int = 0
    note: str = ""

    def pieces(self, words: Mapping[str, str]) -> list[str | bytes]:
        """What is sent, in turn."""
        inputs = self.input if isinstance(self.input, list) else [self.input]
        return [_filled(_made(piece), words) for piece in inputs]


def load(name: str) -> list[Row]:
    """All rows of one file."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [
        Row(
            made["id"],
            made["where"],
            made["input"],
            tuple(made["expect"].split(" or ")),
            made.get("stored", 0),
            made.get("note", ""),
        )
        for made in map(json.loads, lines)
    ]


def _made(piece: Any) -> str | bytes:
    if isinstance(piece, str):
        return piece
    if "bytes" in piece:
        return base64.b64decode(piece["bytes"])
    if "repeat" in piece:
        text, times = piece["repeat"]
        return str(text) * int(times)
    return "".join(str(_made(part)) for part in piece["parts"])


def _filled(piece: str | bytes, words: Mapping[str, str]) -> str | bytes:
    if isinstance(piece, bytes) or "$" not in piece:
        return piece
    for word, value in words.items():
        piece = piece.replace(word, value)
    return piece
