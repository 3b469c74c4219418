"""Every place where a secret could have been left behind, searched byte by byte."""

from __future__ import annotations

import base64
import json
import os
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def of_files(folder: Path) -> dict[str, str]:
    """The secrets in files that were asked for by --insecure-storage, by where they lie."""
    found = {}
    for path in folder.rglob("secrets/*.json"):
        for name, value in json.loads(path.read_text()).items():
            if isinstance(value, str):
                found[f"{path.relative_to(folder)}: {name}"] = value
    return found


def spellings(secret: str) -> set[bytes]:
    """How it could stand somewhere: as it is, in a URL, in base64; of a token what signs it."""
    parts = {secret}
    if secret.count(".") == 2:
        # Head and claims of a token open no door; what signs them does.
        parts.add(secret.rpartition(".")[2])
    raw = {part.encode() for part in parts}
    raw |= {urllib.parse.quote(part, safe="").encode() for part in parts}
    for part in parts:
        for offset in range(3):
            coded = base64.b64encode(b"\0" * offset + part.encode())
            # The ends depend on the neighbours.
            raw.add(coded[4 if offset else 0 : -4])
    return raw


def leaks(
    secrets: Mapping[str, str],
    folder: Path,
    *,
    but: Iterable[Path] = (),
    holders: Iterable[int] = (),
    seen: bytes = b"",
) -> list[str]:
    """Where any of `secrets` (by name) lies below `folder`, in the process table, or in `seen`.

    but: the files that may hold them. holders: processes that may have them in their
    environment.
    """
    allowed = {*but, *(Path(f"/proc/{pid}/environ") for pid in holders)}
    wanted = {spelling: name for name, secret in secrets.items() for spelling in spellings(secret)}
    found = []
    for place, data in _places(folder, allowed, seen):
        found += [f"{name} in {place}" for spelling, name in wanted.items() if spelling in data]
    return sorted(set(found))


def _places(folder: Path, allowed: set[Path], seen: bytes) -> Iterator[tuple[str, bytes]]:
    yield "what was drawn", seen
    for path in folder.rglob("*"):
        if path.is_file() and path not in allowed:
            yield str(path.relative_to(folder)), path.read_bytes()
            yield f"the name of {path.relative_to(folder)}", os.fsencode(path.name)
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            if process / name in allowed:
                continue
            try:
                yield f"{process}/{name}", (process / name).read_bytes()
            except OSError:
                # Ended meanwhile, or somebody else's.
                continue
