"""Rows P1 to P40: frames, packets, events and payloads that no honest client sends."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.corpus.rows import Row, load
from tests.corpus.stage import Stage, staged
from tests.corpus.wire import play

ROWS = load("protocol.jsonl")
GROUPS = {name: list(rows) for name, rows in groupby(ROWS, lambda row: row.id.partition(".")[0])}


def test_every_row_of_the_table_has_cases_of_its_own() -> None:
    assert list(GROUPS) == [f"P{number}" for number in range(1, 41)]
    assert len({row.id for row in ROWS}) == len(ROWS) > 250


@pytest.mark.parametrize("name", GROUPS)
async def test_a_bad_input_harms_nobody(name: str) -> None:
    wrong = []
    async with staged() as stage:
        for row in GROUPS[name]:
            problem = await verdict(stage, row)
            if problem:
                wrong.append(problem)
    assert not wrong, "\n".join(wrong)


async def verdict(stage: Stage, row: Row) -> str:
    """What is wrong with the server's reaction, "" for nothing."""
    before = await stage.messages()
    try:
        found = await play(stage, row)
    except TimeoutError:
        return f"{row.id}: neither an answer nor an end"
    await stage.unharmed()
    stored = await stage.messages() - before - 1
    if not found & set(row.expect):
        return f"{row.id}: {sorted(found)} instead of {row.expect}"
    if stored != row.stored:
        return f"{row.id}: {stored} messages stored instead of {row.stored}"
    return ""


async def test_the_runner_can_fail() -> None:
    async with staged() as stage:
        heads = '42/chat,9["heads",{"heads":{}}]'
        assert await verdict(stage, Row("X1.1", "socket", heads, ("ok",))) == ""
        assert "instead of" in await verdict(stage, Row("X1.2", "socket", heads, ("closed",)))
        posted = '42/chat,9["message",{"conversationId":"$ROOM","text":"x","clientMsgId":"$FRESH"}]'
        assert "stored" in await verdict(stage, Row("X1.3", "socket", posted, ("ok",)))
