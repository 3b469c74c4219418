from __future__ import annotations

import pytest

from talkbot_tui.bots.memory import Poll
from talkbot_tui.bots.quotes import JOINER, quoted
from talkbot_tui.bots.skills import clock, helping, polls
from talkbot_tui.server.names import mentioned


@pytest.mark.parametrize(
    "text",
    ["@ana", "@ana, @bruno!", "(@ana)", "“@ana”", "x @-ana", "x @.ana", "@joão", "a\n@b", "`@ana`"],
)
def test_a_quote_reads_the_same_and_calls_nobody(text: str) -> None:
    assert mentioned(text)
    assert mentioned(quoted(text)) == []
    assert quoted(text).replace(JOINER, "") == text


@pytest.mark.parametrize(
    "text", ["ana@example.org", "https://example.org/@ana/1", "see you @ 5", "5 @", "a@@b"]
)
def test_an_address_can_still_be_followed(text: str) -> None:
    assert mentioned(text) == []
    assert quoted(text) == text


@pytest.mark.parametrize("language", ["en", "pt_BR"])
def test_no_answer_calls_whom_somebody_named_in_it(language: str) -> None:
    answers = [
        polls.show(Poll("m1", "c1", "@ana or @bruno?", ("@ana", "@bruno"), language), {}),
        clock.tell("@ana", language, 0),
        helping.greeting(language, "@ana"),
        helping.hello(language, "@ana"),
    ]
    assert [mentioned(answer) for answer in answers] == [[], [], [], []]
    assert all(f"@{JOINER}ana" in answer for answer in answers)
