"""Whatever a server sends, in whatever shape and order: nothing is raised, no number left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talkbot_tui.client.dialects import Failure
from talkbot_tui.client.dialects.loading import names
from talkbot_tui.core import arrivals as a
from talkbot_tui.core.model import Gap, Message, SendState
from tests.client.dialects.test_conversations import Table

WORDS = ("text", "message", "from", "username", "conversationId", "general", "ana", "sid-me", "m1")
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(WORDS),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text(max_size=4)), inner, max_size=5),
    ),
    max_leaves=8,
)
LIKELY = st.fixed_dictionaries(
    {},
    optional={
        key: st.one_of(LEAVES, VALUES)
        for key in (
            *("text", "message", "from", "username", "conversationId", "clientMsgId", "userId"),
            *("serverMsgId", "ts", "on", "status", "body", "items", "room", "id", "user"),
        )
    },
)
ARGUMENTS = st.lists(st.one_of(LIKELY, VALUES), max_size=3)


@pytest.mark.parametrize("name", [*names(), "wide"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_anything_may_come(name: str, data: st.DataObject) -> None:
    table = Table(name)
    known = [*table.dialect.state.declared.receive, "else", ""]
    for _ in range(data.draw(st.integers(1, 12))):
        deed = data.draw(st.sampled_from(["heard", "heard", "heard", "say", "end", "again"]))
        if deed == "heard":
            event = data.draw(st.sampled_from(known))
            table.take(table.dialect.incoming(event, tuple(data.draw(ARGUMENTS))))
        elif deed == "say":
            table.do({"say": data.draw(st.text(min_size=1, max_size=5))})
        elif deed == "end" and table.sent:
            settle(table, data)
        else:
            table.feed(a.LinkDown("lost", 0))
            table.dialect.begin()
            table.feed(a.LinkConnecting(1))
            table.feed(a.LinkUp())
    rows = table.session.timeline(table.room).rows
    assert not [row for row in rows if isinstance(row, Gap)]
    for room in table.session.rooms():
        log = table.dialect.state.rooms[room.conversation.conversation_id]
        assert table.session.timeline(log.id).cursor == log.head
    placed = [m.client_msg_id for m in rows if isinstance(m, Message) and m.client_msg_id]
    assert len(placed) == len(set(placed))


def settle(table: Table, data: st.DataObject) -> None:
    """The last message that was sent is answered, in one of the ways there are; once."""
    request = table.sent[-1]
    waiting = {m.client_msg_id for m in table.shown().values() if m.state is SendState.SENDING}
    if not waiting:
        return
    how: Any = data.draw(st.sampled_from(["ack", "unanswered", "link_lost", "unsent"]))
    if how == "ack" and request.answered is not None:
        table.take(request.answered(tuple(data.draw(ARGUMENTS))))
    elif request.emitted is not None:
        table.take(request.emitted())
    else:
        table.take(request.failed(Failure(how if how != "ack" else "unanswered")))
