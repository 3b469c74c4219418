"""Live and fresh agree: a snapshot plus the events since equals the snapshot of now."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talkbot_tui.server.outcome import Publish
from talkbot_tui.server.storage import log
from talkbot_tui.wire.client_events import Delete, Edit, React
from talkbot_tui.wire.errors import Refused
from talkbot_tui.wire.server_events import (
    DeleteEvent,
    EditEvent,
    LogEvent,
    MessageEvent,
    ReactionEvent,
)
from tests.server.peers import fresh
from tests.server.test_rules import World
from tests.serving import open_store

NAMES = ("ana", "bruno", "carla")
step = st.tuples(
    st.sampled_from(("post", "edit", "delete", "react", "unreact")),
    st.sampled_from(NAMES),
    st.integers(0, 5),
    st.sampled_from(("a", "b @ana", "c @bruno @carla")),
)


class View:
    """What a client knows; mutations already contained in a message are recognised."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}

    def apply(self, event: LogEvent) -> None:
        if isinstance(event, MessageEvent):
            known = self.messages.get(event.server_msg_id)
            changed = event.changed_seq or event.seq
            if known is None or changed > known["changed"]:
                self.messages[event.server_msg_id] = {
                    "changed": changed,
                    "text": event.text,
                    "mentions": event.mentions,
                    "revision": event.revision,
                    "deleted": event.deleted,
                    "reactions": event.reactions,
                }
            return
        if not isinstance(event, (EditEvent, DeleteEvent, ReactionEvent)):
            return
        known = self.messages[event.server_msg_id]
        if event.seq <= known["changed"]:
            return
        known["changed"] = event.seq
        if isinstance(event, EditEvent):
            known |= {"text": event.text, "revision": event.revision, "mentions": event.mentions}
        elif isinstance(event, ReactionEvent):
            known["reactions"] = event.reactions
        else:
            known |= {"text": "", "mentions": [], "deleted": True, "reactions": []}


def take(world: World, action: tuple[str, str, int, str]) -> list[LogEvent]:
    what, who, which, text = action
    page = world.store.ask(lambda tx: log.page(tx, world.room, limit=200, newest=True))
    posted = [event for event in page if isinstance(event, MessageEvent)]
    if what == "post" or not posted:
        from talkbot_tui.wire.client_events import SendMessage

        asked: Any = SendMessage(conversation_id=world.room, text=text, client_msg_id=fresh("c"))
    else:
        target = posted[which % len(posted)]
        common = {
            "conversation_id": world.room,
            "server_msg_id": target.server_msg_id,
            "client_op_id": fresh(),
        }
        emoji = "👍" if which % 2 else "🎉"
        match what:
            case "edit":
                asked = Edit(**common, text=text, base_revision=target.revision)
            case "delete":
                asked = Delete(**common)
            case _:
                asked = React(**common, emoji=emoji, on=what == "react")
    try:
        done = world.do(who, asked)
    except Refused:
        return []
    return [delivery.event for delivery in done.deliveries if isinstance(delivery, Publish)]


def served(world: World) -> list[LogEvent]:
    return world.store.ask(lambda tx: log.page(tx, world.room, limit=200, newest=True))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=st.lists(step, max_size=12), after=st.lists(step, min_size=1, max_size=12))
def test_a_snapshot_plus_what_followed_is_the_snapshot_of_now(
    before: list[tuple[str, str, int, str]], after: list[tuple[str, str, int, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "data")
        try:
            world = World(store)
            for action in before:
                take(world, action)
            old = View()
            for event in served(world):
                old.apply(event)
            follow: list[LogEvent] = []
            for action in after:
                follow += take(world, action)
            for event in follow:
                old.apply(event)
            page = served(world)
            new = View()
            for event in page:
                new.apply(event)
            assert old.messages == new.messages
            assert [event.seq for event in page] == list(range(1, page[-1].seq + 1))
            for event in page:
                new.apply(event)
            assert old.messages == new.messages
        finally:
            store.close()
