from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import talkbot_tui.core

FOLDER = Path(talkbot_tui.core.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))
ALLOWED = {
    "__future__",
    "bisect",
    "collections.abc",
    "dataclasses",
    "enum",
    "re",
    "typing",
    "unicodedata",
    "zlib",
}
FORBIDDEN_NAMES = {"open", "print", "input", "eval", "exec", "hash", "id", "__import__"}


def imports(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(node.module or "")
    return found


def impurities(source: str) -> set[str]:
    """What of `source` the core must not have."""
    tree = ast.parse(source)
    found = {
        name
        for name in imports(tree)
        if name not in ALLOWED and not name.startswith("talkbot_tui.core")
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.AsyncFunctionDef, ast.Await, ast.Global)):
            found.add(type(node).__name__)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found |= {node.func.id} & FORBIDDEN_NAMES
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_clock_no_chance_no_input(module: Path) -> None:
    assert impurities(module.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from random import random",
        "import asyncio",
        "from datetime import datetime",
        "import uuid, os",
        "from talkbot_tui.wire import codec",
        "async def f(): pass",
        "open('x')",
        "hash('salted')",
    ],
)
def test_the_check_sees_what_it_is_for(source: str) -> None:
    assert impurities(source)


def test_what_is_allowed_is_the_standard_library() -> None:
    assert {name.split(".")[0] for name in ALLOWED} <= sys.stdlib_module_names


def test_the_modules_stand_on_each_other_without_circles() -> None:
    needs = {
        module.stem: {
            alias
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith("talkbot_tui.core")
            for alias in (
                [name.name for name in node.names]
                if node.module == "talkbot_tui.core"
                else [str(node.module).rsplit(".", 1)[1]]
            )
        }
        for module in MODULES
    }
    while needs:
        free = {name for name, wanted in needs.items() if not wanted & needs.keys()}
        assert free, f"a circle among {sorted(needs)}"
        for name in free:
            del needs[name]
