"""The second example of docs/dialects.md, which has everything, on a server that wants it all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from talkbot_tui.client.connect import open_foreign
from talkbot_tui.client.dialects.declaring import parse
from talkbot_tui.client.dialects.foreign import ForeignDialect
from talkbot_tui.core.changes import Change, Noticed
from talkbot_tui.core.events import OpenConversation, Typed
from talkbot_tui.core.link import LinkState
from tests.peers.dialects.test_pages import DIALECTS, blocks
from tests.peers.dialects.world import Person, server
from tests.proxy import proxied
from tests.waiting import until

CLOSED = "the campus is closed"
CAMPUS = blocks(DIALECTS, "toml")[1]


@asynccontextmanager
async def somebody(url: str, name: str, transport: str = "websocket") -> AsyncIterator[Person]:
    speaks = ForeignDialect(parse(CAMPUS, "campus.toml"), name)
    engine = open_foreign(url, speaks, transports=(transport,))
    await engine.start()
    engine.dispatch(OpenConversation("library"))
    try:
        yield Person(engine, "library")
    finally:
        await engine.stop()
        assert engine.faults == 0


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_session_cookie_history_people_and_typing(transport: str) -> None:
    async with (
        server("campus") as there,
        proxied(there.url) as way,
        somebody(way.url, "ana", transport) as ana,
    ):
        await ana.online()
        await ana.sees("welcome ana")
        ana.say("first")
        await ana.has_sent("first")
        async with somebody(there.url, "bruno", transport) as bruno:
            await bruno.online()
            await bruno.sees("welcome bruno", "first")
            who = bruno.messages()[1].sender
            assert (who.user_id, who.name) == ("ana", "ana of the campus")
            await until(lambda: "joined" in ana.notes())
            people = ana.engine.session.roster
            await until(lambda: len(people("library")) == 2, what=lambda: f"{people('library')}")
            bruno.engine.dispatch(Typed("library", on=True))
            await until(lambda: ana.engine.session.typing("library"))
            await way.stop()
            await until(lambda: ana.link is not LinkState.ONLINE)
            bruno.say("missed")
            await bruno.has_sent("missed")
            await way.start()
            await ana.online()
            await ana.sees("welcome ana", "first", "welcome ana", "missed")
            assert ana.notes() == ["joined", "again"]
            noticed: list[Change] = []
            ana.engine.subscribe(noticed.extend)
            ana.say("oops")
            await until(lambda: Noticed("refused_there", CLOSED, "library") in noticed)
        shakes = [args[0] for name, args in there.heard() if name == "handshake"]
        first, again = shakes[0], shakes[2]
        assert first == {"auth": {"user": "ana"}, "client": "talkbot-tui", "cookie": None}
        session = again["auth"]["resume"]
        assert again["cookie"] == f"campus={session}"


async def test_who_is_turned_away_at_the_login_hears_why() -> None:
    async with server("campus") as there, somebody(there.url, "mallory") as mallory:
        link = mallory.engine.session.link
        await until(lambda: link.state is LinkState.REFUSED, what=lambda: f"{link.state}")
        assert (link.code, link.reason) == ("refused_there", "not you")


async def test_two_people_talk_alone() -> None:
    async with (
        server("campus") as there,
        somebody(there.url, "ana") as ana,
        somebody(there.url, "bruno") as bruno,
    ):
        await ana.online()
        await bruno.online()
        lookups = ana.engine.lookups
        await until(lambda: len(ana.engine.session.roster("library")) == 2)
        (found,) = await lookups.users("bruno")
        talk = await lookups.open_direct(found.user_id)
        await until(lambda: ana.engine.session.room(talk.conversation_id))
        ana.engine.dispatch(OpenConversation(talk.conversation_id))
        ana.room = talk.conversation_id
        ana.say("psst")
        await ana.has_sent("psst")
        rooms = bruno.engine.session.rooms
        await until(lambda: any(r.conversation.peer and r.unread == 1 for r in rooms()))
        talk = next(r.conversation for r in rooms() if r.conversation.peer)
        assert talk.peer is not None
        assert talk.peer.name == "ana of the campus"
        bruno.engine.dispatch(OpenConversation(talk.conversation_id))
        bruno.room = talk.conversation_id
        bruno.say("what?")
        await ana.sees("psst", "what?")
        await bruno.sees("psst", "what?")
        whispers = [args[0]["to"] for name, args in there.heard() if name == "whisper"]
        assert whispers == ["bruno", "ana"]
