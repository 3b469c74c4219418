"""The house stays livable: who imports whom, how large a room may be, what may not be written."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "talkbot_tui"

FILE_LINES = 400
FUNCTION_STATEMENTS = 40
PUBLIC_METHODS = 20
APP_LINES = 150
# Textual names these handlers; they are no interface of the class. A property is read like a field
# and is no method either.
NOT_COUNTED = ("on_", "action_", "watch_", "compute_", "validate_")

LIGHT = (
    "import talkbot_tui.cli as m; m.build_parser()",
    "import talkbot_tui.core.session",
    "import talkbot_tui.client.engine",
    "import talkbot_tui.server.app",
    "import talkbot_tui.ui.app",
    "import talkbot_tui.bots.runner",
)
FORBIDDEN_AT_IMPORT = {
    LIGHT[0]: {"textual", "socketio", "aiohttp", "sqlalchemy", "keyring", "sqlite3", "rich"},
    LIGHT[1]: {"textual", "socketio", "aiohttp", "asyncio", "sqlite3", "msgspec", "random"},
    LIGHT[2]: {"textual", "rich", "keyring", "sqlalchemy"},
    LIGHT[3]: {"textual", "rich", "keyring", "talkbot_tui.client", "talkbot_tui.ui"},
    LIGHT[4]: {"socketio", "aiohttp", "sqlite3", "keyring", "sqlalchemy", "talkbot_tui.server"},
    LIGHT[5]: {"textual", "rich", "keyring", "sqlalchemy", "talkbot_tui.server", "talkbot_tui.ui"},
}


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sources():
        yield str(path.relative_to(PACKAGE)), ast.parse(path.read_text(encoding="utf-8"))


def statements(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return sum(1 for top in body for inner in ast.walk(top) if isinstance(inner, ast.stmt))


def test_there_is_something_to_check() -> None:
    assert len(sources()) > 30


@pytest.mark.parametrize("code", LIGHT)
def test_importing_a_part_does_not_bring_a_forbidden_one(code: str) -> None:
    program = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & FORBIDDEN_AT_IMPORT[code]


def test_no_file_is_too_large() -> None:
    large = {
        str(path.relative_to(ROOT)): lines
        for path in [*sources(), *sorted((ROOT / "tests").rglob("*.py"))]
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES
    }
    assert large == {}


def test_the_app_class_is_small() -> None:
    app = PACKAGE / "ui" / "app.py"
    assert len(app.read_text(encoding="utf-8").splitlines()) <= APP_LINES


def test_no_function_is_too_long() -> None:
    long = {
        f"{name}:{node.name}": count
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if (count := statements(node)) > FUNCTION_STATEMENTS
    }
    assert long == {}


def test_no_class_has_too_many_public_methods() -> None:
    wide = {}
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                public = [
                    part.name
                    for part in node.body
                    if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))
                    and not part.name.startswith(("_", *NOT_COUNTED))
                    and "property" not in map(ast.unparse, part.decorator_list)
                ]
                if len(public) > PUBLIC_METHODS:
                    wide[f"{name}:{node.name}"] = len(public)
    assert wide == {}


def test_nothing_is_waived_without_a_reason() -> None:
    waived = []
    for path in [*sources(), *sorted((ROOT / "tests").rglob("*.py"))]:
        if path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(r"#\s*noqa", line) or (
                "type: ignore" in line and not re.search(r"type: ignore\[[\w,-]+\]\s+#\s*\w", line)
            ):
                waived.append(f"{path.relative_to(ROOT)}:{number}")
    assert waived == []


def test_foreign_text_never_meets_a_markup_parser() -> None:
    """Static, Label and notify parse markup unless they are told not to."""
    careless = []
    for name, tree in trees():
        if not name.startswith("ui/"):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func).rsplit(".", 1)[-1]
            told = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            plain = not node.args or isinstance(node.args[0], ast.Constant)
            if called in {"Static", "Label"} and not plain and told.get("markup") != "False":
                careless.append(f"{name}:{node.lineno} {called}")
            if called == "notify" and told.get("markup") != "False":
                careless.append(f"{name}:{node.lineno} notify")
            if called == "from_markup":
                careless.append(f"{name}:{node.lineno} from_markup")
    assert careless == []


def test_locks_have_hashes_and_name_no_index() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        text = lock.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text, lock.name
        assert "://" not in text, lock.name
        assert "index-url" not in text, lock.name
        pins = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==", text, re.MULTILINE)
        assert len(pins) > 3, lock.name


def test_every_text_is_translated() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "catalogues.py"), "check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == ""
    assert done.returncode == 0
