"""What the fuzzer begins with: the corpus that others wrote by hand, and each target's own."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from tests.corpus.rows import load
from tests.fuzz.targets import TARGETS

FOUND = "fuzz.jsonl"
"""The file of what fuzzing has found; a row's `where` is the target."""

FILES = {"protocol.jsonl": ("frame", "json", "refusal"), "http.jsonl": ("json", "token")}


def seeds_of(name: str) -> list[bytes]:
    """Every example for one target, none longer than it takes."""
    target = TARGETS[name]
    found = [*map(bytes_of, target.seeds), *_rows(name)]
    return [data for data in dict.fromkeys(found) if len(data) <= target.longest]


def write_seeds(name: str, folder: Path) -> None:
    """The same as files, as libFuzzer wants them."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in seeds_of(name):
        (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def _rows(name: str) -> Iterator[bytes]:
    for row in load(FOUND):
        if row.where == name:
            yield from map(bytes_of, row.pieces({}))
    for file, targets in FILES.items():
        if name not in targets:
            continue
        for row in load(file):
            for piece in row.pieces({}):
                yield bytes_of(piece)
                if isinstance(piece, str) and "{" in piece:
                    # The JSON inside a packet or a request.
                    yield piece[piece.index("{") :].encode("utf-8", "surrogatepass")


def bytes_of(piece: bytes | str) -> bytes:
    """A row's piece as the fuzzer has it."""
    return piece if isinstance(piece, bytes) else piece.encode("utf-8", "surrogatepass")


def row_of(name: str, data: bytes) -> str:
    """A finding as a line for the corpus."""
    made = {
        "id": f"F{len(load(FOUND)) + 1}",
        "where": name,
        "input": {"bytes": base64.b64encode(data).decode()},
        "expect": "holds",
    }
    return json.dumps(made)
