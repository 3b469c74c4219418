"""Lines for people: what is still growing is shown when it is whole."""

from __future__ import annotations

from typing import Any

from talkbot_tui.cli.event_lines import Lines

BOT = {"name": "talkbot"}


def event(kind: str, text: str, **more: object) -> dict[str, Any]:
    return {"type": kind, "sender": BOT, "ts": 0, "serverMsgId": "m1", "text": text, **more}


def shown(*events: dict[str, Any]) -> list[str]:
    lines = Lines()
    return [text.split(" ", 1)[1] for one in events if (text := lines.line(one))]


def test_an_answer_that_grew_is_one_line() -> None:
    live = (
        event("message", "Yester", streaming=True),
        event("edit", "Yesterday", outcome="complete"),
    )
    assert shown(*live) == ["talkbot: Yesterday"]


def test_one_of_the_past_is_one_line_too() -> None:
    past = (event("message", "Yesterday"), event("edit", "Yesterday", outcome="complete"))
    assert shown(*past) == ["talkbot: Yesterday"]


def test_what_people_change_is_told() -> None:
    said = (event("message", "helo"), event("edit", "hello"))
    assert shown(*said) == ["talkbot: helo", "talkbot edited: hello"]
