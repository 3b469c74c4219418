"""Chat servers in Node, of other houses: two people talk through each, in its own dialect."""

from __future__ import annotations

import pytest

from talkbot_tui.core.model import SendState
from tests.peers.dialects.world import ROOMS, TRANSPORTS, people, server
from tests.waiting import until

OUTCOME = {
    "basic": SendState.SENT,
    "talkbot-mvp": SendState.SENT,
    "socketio-chat": SendState.UNCONFIRMED,
}
"""What is known of a message of ours in the end: by an echo, by an ack, not at all."""


@pytest.mark.parametrize("transports", TRANSPORTS.values(), ids=TRANSPORTS)
@pytest.mark.parametrize("dialect", ROOMS)
async def test_two_people_talk(dialect: str, transports: tuple[str, ...]) -> None:
    async with (
        server(dialect) as there,
        people(there.url, dialect, "ana", "bruno", transports=transports) as (ana, bruno),
    ):
        said = []
        for n in range(5):
            for who, other in ((ana, bruno), (bruno, ana)):
                said.append(f"olá {n} 🦉 {who.engine.session.me.name}")
                who.say(said[-1])
                await who.sees(*said)
                await other.sees(*said)
        await until(
            lambda: ana.states() == bruno.states() == [OUTCOME[dialect]] * 5,
            what=lambda: str(ana.states()),
        )
        assert ana.notes()[0] == "begins"
        assert ana.engine.counters == {}
