"""Rows T1 to T22 in every place where a program of ours shows what others wrote.

One program a place, in a real terminal, with all the strings; and one with their harmless
twins. Whatever the hostile ones made the program write, the twins made it write as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.corpus.places import PLACES, Place, Shown, staged
from tests.corpus.rows import load
from tests.corpus.streams import harmless, obeyed, whole

ROWS = load("terminal.jsonl")
NUMBERS = [f"T{number}" for number in range(1, 23) if number != 20]
"""T20 is a flood, not a text: bench/tui measures it."""
MOVES = frozenset({r"'\r'", r"'\n'"})
"""The screen layer goes to the next row with these now and then, as the rows happen to be."""
OVERWRITTEN = b"hello\rEVIL"


def test_every_row_of_the_table_has_cases() -> None:
    assert list(dict.fromkeys(row.id.partition(".")[0] for row in ROWS)) == NUMBERS
    assert len({row.id for row in ROWS}) == len(ROWS) > 200
    assert OVERWRITTEN.decode() in {row.input for row in ROWS if isinstance(row.input, str)}
    assert len(PLACES) >= 15


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
async def test_nothing_hostile_reaches_the_terminal(place: Place, tmp_path: Path) -> None:
    rows = [row for row in ROWS if row.where in place.takes]
    # Long ones push the others off the screen, so they come last, and are not looked for.
    rows.sort(key=lambda row: row.where == "long")
    texts = [(row.id, str(row.pieces({})[0])) for row in rows]
    short = [row.id for row in rows if row.where != "long"]
    hostile, twins = await asyncio.gather(
        _shown(place, tmp_path / "hostile", texts),
        _shown(place, tmp_path / "twins", [(i, harmless(t)) for i, t in texts]),
    )
    assert obeyed(hostile.written) - obeyed(twins.written) - MOVES == frozenset()
    assert OVERWRITTEN not in hostile.written
    for shown in (hostile, twins):
        missing = [name for name in short if f"{name}~" not in shown.seen]
        assert len(missing) <= len(short) * (1 - place.seen), missing


async def _shown(place: Place, folder: Path, texts: Sequence[tuple[str, str]]) -> Shown:
    async with staged(folder, place.rows) as stage:
        await place.show(stage, texts)
        return stage.shown()


@pytest.mark.parametrize(
    "sequence", ["\x1b]52;c;QQ==\x07", "\x1b[6n", "\x1b]0;x\x07", "\x9b2J", "\x05", "\x1bc"]
)
def test_a_sequence_that_slipped_through_would_be_seen(sequence: str) -> None:
    ours = b"\x1b[?1049h\x1b[1;1H\x1b[1mhello\x1b[0m\x1b]2;(3) talkbot-tui\x07\r\n"
    assert obeyed(ours + sequence.encode()) - obeyed(ours)


def test_only_what_was_cut_off_at_the_end_is_left_out() -> None:
    ours = "\x1b[1mé\x1b]2;(3) talkbot-tui\x1b\\日🎲\x1b[0m".encode()
    assert whole(ours) == ours
    for end in range(len(ours)):
        assert obeyed(whole(ours[:end])) <= obeyed(ours)
        assert whole(ours[:end] + b"x\x1b[2Jx") == ours[:end] + b"x\x1b[2Jx"


def test_a_title_and_a_link_of_anothers_are_kinds_of_their_own() -> None:
    ours = b"\x1b]2;@1 (3) talkbot-tui\x07\x1b]8;;https://h/\x1b\\\x1b]8;;\x1b\\"
    assert obeyed(ours) == {"title", "link"}
    for theirs in (b"\x1b]2;rm -rf talkbot-tui;\x07", b"\x1b]8;;file:///x\x1b\\"):
        assert not obeyed(theirs) <= obeyed(ours)
