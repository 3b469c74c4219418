"""A client in TypeScript, built from the generated types by `tsc --strict`, and run."""

from __future__ import annotations

import re
from pathlib import Path

from tests.peers.javascript import NODE, program
from tests.server.peers import people
from tests.serving import register, running_server

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = NODE / "node_modules" / ".typed" / "tests" / "conformance" / "node" / "typed.js"


async def compiled(*options: str) -> list[str]:
    """What the compiler says, nothing when it is content."""
    async with program("node", "node_modules/typescript/bin/tsc", *options) as compiler:
        code = await compiler.ended()
        assert (code == 0) is not bool(compiler.lines)
        return compiler.lines


async def test_a_client_of_the_generated_types_compiles_and_talks() -> None:
    assert await compiled("--project", "tsconfig.json") == []
    async with running_server() as server, people(server, "bruno") as (bruno,):
        token = (await register(server, "ana"))["accessToken"]
        async with program("node", str(PROGRAM), server.url, token, "general") as ana:
            await ana.said("hello ana")
            await ana.said("stored as ")
            await ana.said("refused: empty")
            await ana.said("ana: olá")
            await bruno.wait("message")
            await bruno.post(bruno.rooms["general"], "oi")
            await ana.said("bruno: oi")


async def test_the_example_of_the_page_compiles() -> None:
    page = (ROOT / "docs" / "write-a-client.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```ts\n(.*?)```", page, re.DOTALL)
    folder = NODE / "node_modules" / ".page"
    folder.mkdir(exist_ok=True)
    for name in ("contract.d.ts", "package.json"):
        source = ROOT / "docs" / name if name.startswith("contract") else NODE / name
        (folder / name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    example = folder / "example.ts"
    example.write_text(block.replace('"./contract"', '"./contract.js"'), encoding="utf-8")
    options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext"]
    assert await compiled(*options, str(example)) == []
