"""Write the generated documents into docs/; with `--check` only say which are not up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from documents import asyncapi, openapi, protocol, schemas, typescript

DOCS = Path(__file__).resolve().parent.parent / "docs"


def contract_schema() -> str:
    """All types as one JSON Schema (draft 2020-12) with `$defs`."""
    return (
        json.dumps(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": "talkbot-tui event contract, version 1",
                "$defs": schemas.components("#/$defs/{name}"),
            },
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
    )


def keys() -> str:
    """The table of keys and commands."""
    from talkbot_tui.ui.commands import keys_markdown

    return keys_markdown()


MAKERS = {
    "protocol.md": protocol.make,
    "asyncapi.yaml": asyncapi.make,
    "openapi.yaml": openapi.make,
    "contract.schema.json": contract_schema,
    "contract.d.ts": typescript.make,
    "keys.md": keys,
}


def main(arguments: list[str]) -> int:
    """Return 1 when `--check` found a document that is not up to date."""
    stale = []
    for name, make in MAKERS.items():
        path = DOCS / name
        text = make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    if "--check" in arguments and stale:
        print(f"not up to date, run make docs: {', '.join(stale)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
