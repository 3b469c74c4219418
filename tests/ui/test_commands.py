from __future__ import annotations

import re

import pytest

from talkbot_tui import i18n
from talkbot_tui.ui import commands
from talkbot_tui.ui.actions import HANDLERS
from talkbot_tui.ui.commands import COMMANDS, KeymapError, Where, check_keys, keys_markdown
from talkbot_tui.ui.keys import commands_by_key


def test_every_command_has_a_handler_and_every_handler_a_command() -> None:
    assert set(HANDLERS) == {command.id for command in COMMANDS}


def test_ids_and_slash_names_are_unique() -> None:
    names = [name for command in COMMANDS for name in command.slash]
    assert len(set(names)) == len(names)
    assert len(commands.BY_ID) == len(COMMANDS)


def test_the_default_keys_have_no_conflict() -> None:
    check_keys({})


def test_other_keys_may_be_chosen() -> None:
    check_keys({"switcher": "ctrl+o,f5", "reply": "question_mark", "help": "alt+home"})


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"swicher": "ctrl+o"}, "did you mean switcher?"),
        ({"switcher": "ctrl+p"}, "ctrl+p already means"),
        ({"switcher": "ctrl+zzz"}, "no keyboard sends ctrl+zzz"),
        ({"switcher": "strg+k"}, "no keyboard sends strg+k"),
        ({"help": "h"}, "h is a letter that you need for writing"),
        ({"reply": "e"}, "e already means"),
        ({"send": "ctrl+f"}, "ctrl+f already means"),
    ],
)
def test_keys_that_cannot_work_are_told(keys: dict[str, str], told: str) -> None:
    with pytest.raises(KeymapError, match=re.escape(told)) as caught:
        check_keys(keys)
    assert "\n" not in str(caught.value)


def test_another_key_takes_the_place_of_the_default() -> None:
    check_keys({"switcher": "ctrl+o", "reply": "+", "react": "a"})
    by_key = commands_by_key(Where.COMPOSER, {"switcher": "ctrl+o"})
    assert by_key["ctrl+o"] == "switcher"
    assert "ctrl+k" not in by_key
    assert commands_by_key(Where.MESSAGE, {"reply": "+", "react": "a"})["plus"] == "reply"


def test_the_same_letter_may_be_used_only_where_no_text_is_written() -> None:
    letters = {
        key for command in COMMANDS for key in commands.keys_of(command, {}) if len(key) == 1
    }
    assert letters
    assert not letters & set(commands_by_key(Where.COMPOSER, {}))


def test_the_document_names_every_command_and_the_keys_in_effect() -> None:
    text = keys_markdown()
    for command in COMMANDS:
        if command.name:
            assert f"| {command.id} |" in text
    assert "| switcher | Ctrl+O |" in keys_markdown({"switcher": "ctrl+o"})
    assert "| react | + | `/react <emoji>` |" in text


def test_the_document_is_the_same_in_any_language() -> None:
    english = keys_markdown()
    i18n.set_language(i18n.PORTUGUESE)
    assert keys_markdown() == english


@pytest.mark.parametrize(("typed", "near"), [("hepl", "help"), ("topc", "topic"), ("qqqq", "")])
def test_the_nearest_command(typed: str, near: str) -> None:
    assert commands.nearest(typed) == near


def test_how_a_command_is_used_is_told_in_portuguese_too() -> None:
    app = i18n.Domain("app")
    usages = {command.usage for command in commands.COMMANDS if "<" in command.usage}
    same = {"<emoji>"}
    assert {usage for usage in usages if app.translate("pt_BR", usage) == usage} <= same
