"""A log is lines: whatever is logged, one record stays one line that obeys nobody."""

from __future__ import annotations

import logging

import pytest

from talkbot_tui.core.text import escaped
from talkbot_tui.logs import LineFormatter


def record(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("talkbot.test", logging.WARNING, "", 0, message, arguments, None)


@pytest.mark.parametrize(
    "text",
    ["a\nforged line", "a\r\nb", "\x1b]52;c;x\x07", "\x9b31m", "a\u2028b", "\u202eevil", "\ud800"],
    ids=ascii,
)
def test_a_record_is_one_line_of_visible_characters(text: str) -> None:
    line = LineFormatter().format(record("refused %s", text))
    assert line.isprintable()
    assert line.endswith("refused " + ascii(text)[1:-1])


def test_a_traceback_follows_indented_and_obeys_nobody_either() -> None:
    made = record("failed")
    try:
        raise ValueError("bad\x1b[2J\nWARNING forged: line")
    except ValueError as error:
        made.exc_info = (type(error), error, error.__traceback__)
    first, *others = LineFormatter().format(made).split("\n")
    assert first.endswith("WARNING talkbot.test: failed")
    assert len(others) > 2
    assert all(line.startswith("  ") and line.isprintable() for line in others)


def test_a_wrong_call_costs_nothing() -> None:
    assert "TypeError in the arguments" in LineFormatter().format(record("%d things", "many"))


def test_words_of_every_script_are_left_alone() -> None:
    assert escaped("olá 素晴らしい 👩‍👧 não") == "olá 素晴らしい 👩‍👧 não"
