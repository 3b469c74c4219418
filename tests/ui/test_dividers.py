"""The rules between the messages."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from talkbot_tui.ui.render import divider
from tests.ui.scenes import make_app, make_engine
from tests.ui.seen import chat

DAY = "quinta-feira, 26 de novembro de 2026"


@pytest.mark.parametrize("width", [1, 5, 20, 39, 40, 41, 42, 45, 80])
async def test_a_narrow_pane_shortens_the_rule_before_the_day(width: int) -> None:
    async with make_app(make_engine()).run_test(size=(80, 18)) as pilot:
        frame = chat(pilot).frame_for(width)
        written = divider(DAY, frame, "muted")[0].text
    assert (DAY in written) == (width >= len(DAY) + 4)
    assert cell_len(written) == max(width, 5)
