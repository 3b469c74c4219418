"""A dialect's file: every mistake is one line with file, line and key; paths and templates."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from talkbot_tui.client.dialects import loading, paths
from talkbot_tui.client.dialects.declaring import parse
from talkbot_tui.client.dialects.document import DialectError
from tests.client.dialects.reader import rows


def written(toml: Any) -> str:
    return toml if isinstance(toml, str) else toml["begins"] + toml["repeats"] * toml["times"]


@pytest.mark.parametrize("row", rows("mistakes"), ids=lambda row: row["says"][:60])
def test_every_mistake_is_one_line(row: dict[str, Any]) -> None:
    with pytest.raises(DialectError) as caught:
        parse(written(row["toml"]), "f.toml")
    assert str(caught.value) == row["says"]
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("row", rows("paths"), ids=lambda row: row["path"][:40])
def test_paths(row: dict[str, Any]) -> None:
    if "says" in row:
        with pytest.raises(paths.BadExpression) as caught:
            paths.path(row["path"])
        assert str(caught.value) == row["says"]
    else:
        assert paths.path(row["path"]).find(row["arguments"]) == row["is"]


def test_an_element_of_a_list_is_found_by_its_own_root() -> None:
    assert paths.path("@.a").find([{"a": 1}], {"a": 2}) == 2


ALL = frozenset({"a", "b"})


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("{a}", 1),
        ("x{a}y{b}", "x1ytwo"),
        ("{{a}}", "{a}"),
        (
            {"k": ["{a}", {"deep": "{b}"}], "n": 3, "t": True},
            {"k": [1, {"deep": "two"}], "n": 3, "t": True},
        ),
        ("plain", "plain"),
    ],
)
def test_templates_are_filled(value: object, filled: object) -> None:
    assert paths.template(value, ALL).fill({"a": 1, "b": "two"}) == filled


def test_what_is_not_known_yet_is_left_out() -> None:
    made = paths.template({"token": "{a}", "who": "x{a}", "fix": "y"}, ALL)
    assert made.fill({}) == {"fix": "y"}
    assert paths.template(["{a}"], ALL).fill({}) == [None]


def test_the_first_way_that_leads_somewhere_counts() -> None:
    ways = paths.reading(["$.a", "$.b", "{b}", "$.c"], ALL)
    assert paths.read(ways, [{"b": 0}], {"b": "two"}) == 0
    assert paths.read(ways, [{"c": 1}], {"b": "two"}) == "two"
    assert paths.read(ways, [{"c": 1}], {}) == 1
    assert paths.read(ways, [], {}) is None


# --- where dialects come from -------------------------------------------------------------


def test_the_known_ones_can_be_read() -> None:
    assert loading.names() == ("basic", "socketio-chat", "socketio-tutorial", "talkbot-mvp")
    for name in loading.names():
        assert loading.load(name).name == name


def test_one_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('\ufeffdialect = 1\nname = "x"\n', encoding="utf-8")
    with pytest.raises(DialectError, match=r"mine\.toml:1: send is missing"):
        loading.load(str(file))


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe9'\n")
    (tmp_path / "long.toml").write_bytes(b"#" * (loading.SIZE_MAX + 1))
    says = {
        "none.toml": "cannot be read: No such file or directory",
        "pipe.toml": "cannot be read: it is not a file",
        "folder.toml": "cannot be read: ",
        "latin.toml": "cannot be read: it is not UTF-8",
        "long.toml": f"cannot be read: it is longer than {loading.SIZE_MAX} bytes",
    }
    for name, words in says.items():
        with pytest.raises(DialectError) as caught:
            loading.load(str(tmp_path / name))
        assert words in str(caught.value)
    with pytest.raises(DialectError, match="no such dialect; known are basic, socketio-chat"):
        loading.load("basics")
    with pytest.raises(DialectError, match="cannot be read"):
        loading.load("a\0b.toml")
