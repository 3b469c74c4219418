"""What events of other houses become on the screen, and what our deeds become there: a corpus.

Each line of a corpus does one thing and says what follows from it, and that nothing else does:
`heard` an event that came, `say` a message of ours, `ack` its answer, `silence` that none came,
`type` that we write. `sends` is what goes out, `rows` what is new, `changes` what is different.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from talkbot_tui.client.dialects import Answer, Failure, Incoming, Misfit, Request, Several
from talkbot_tui.client.dialects.declaring import parse
from talkbot_tui.client.dialects.foreign import EPOCH, ForeignDialect
from talkbot_tui.client.dialects.loading import load, names
from talkbot_tui.client.ids import now_ms
from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.changes import Noticed
from talkbot_tui.core.events import Event
from talkbot_tui.core.model import Message, Note
from talkbot_tui.core.session import Session
from tests.client.dialects.reader import CORPUS, rows

NOW = 1_700_000_000_000


class Table:
    """A dialect and a session, with a store that always succeeds."""

    def __init__(self, name: str) -> None:
        known = name in names()
        file = CORPUS / f"{name}.toml"
        declared = load(name) if known else parse(file.read_text(encoding="utf-8"), file.name)
        self.dialect = ForeignDialect(declared, "ana", clock=lambda: NOW)
        self.session = Session(once=self.dialect.once)
        self.sent: list[Request] = []
        self.count = 0
        self.noticed: list[str] = []
        self.feed(a.Loaded(EPOCH, self.dialect.state.me, (), ()))
        self.dialect.state.sid = "sid-me"
        self.dialect.begin()
        self.room = self.dialect.state.wanted[0]
        self.feed(e.OpenConversation(self.room))
        self.feed(a.LinkConnecting(1))
        self.feed(a.LinkUp())

    def feed(self, event: Event) -> None:
        for effect in self.session.handle(event, now_ms()):
            if isinstance(effect, f.SaveLocal):
                self.feed(a.Saved(effect.message.client_msg_id))
                continue
            asked = self.dialect.request(effect)
            if isinstance(asked, Request):
                self.sent.append(asked)
                if asked.emitted is not None and not asked.settle_s:
                    self._feed(asked.emitted())
            elif isinstance(asked, Answer):
                for answer in asked.events:
                    self.feed(answer)
        for change in self.session.take_changes():
            if isinstance(change, Noticed):
                self.noticed.append(f"{change.code}: {change.text}")

    def _feed(self, event: Event | None) -> None:
        if event is not None:
            self.feed(event)

    def take(self, incoming: Incoming | None) -> None:
        events: tuple[Any, ...] = (incoming,)
        if isinstance(incoming, Several):
            events = incoming.events
        elif isinstance(incoming, Misfit):
            events = incoming.shown
        for event in events:
            self._feed(event)

    def do(self, row: dict[str, Any]) -> Incoming | None:
        """Perform the line."""
        heard: Incoming | None = None
        if "heard" in row:
            name, *arguments = row["heard"]
            heard = self.dialect.incoming(name, tuple(arguments))
            self.take(heard)
        elif "say" in row:
            self.count += 1
            self.feed(e.Compose(self.room, row["say"], f"m{self.count}", now_ms()))
        elif "ack" in row:
            answered = self.sent[-1].answered
            assert answered is not None
            self._feed(answered(tuple(row["ack"])))
        elif "silence" in row:
            last = self.sent[-1]
            self._feed(last.emitted() if last.emitted else last.failed(Failure("unanswered")))
        elif "ping" in row:
            asked = self.dialect.request(f.AskHeads(()))
            if isinstance(asked, Request):
                self.sent.append(asked)
        else:
            self.feed(e.Typed(self.room, on=row["type"]))
        return heard

    def shown(self) -> dict[str, Message]:
        found = self.session.timeline(self.room).rows
        return {row.key: row for row in found if isinstance(row, Message)}

    def notes(self) -> list[str]:
        return [row.what for row in self.session.timeline(self.room).rows if isinstance(row, Note)]


def told(message: Message) -> list[str]:
    me = message.sender.user_id.startswith("\0me")
    return ["me" if me else message.sender.name, message.text, message.state.value]


@pytest.mark.parametrize("name", [*names(), "wide"])
def test_each_line_means_what_it_says(name: str) -> None:
    table = Table(name)
    tells = table.dialect.state.declared.recovers or table.dialect.state.declared.sends_history
    assert table.notes() == ([] if tells else ["begins"])
    for row in rows(name):
        before, sent, notes, noticed = (
            table.shown(),
            len(table.sent),
            table.notes(),
            len(table.noticed),
        )
        heard = table.do(row)
        after = table.shown()
        placed = {k: m for k, m in after.items() if m.seq and not (k in before and before[k].seq)}
        expected = row.get("rows", [["server", row["raw"], "sent"]] if "raw" in row else [])
        assert [told(m) for m in placed.values()] == expected, row
        changed = [
            told(m) for k, m in after.items() if k in before and before[k].seq and m != before[k]
        ]
        assert changed == row.get("changes", []), row
        assert table.notes()[len(notes) :] == row.get("notes", []), row
        emitted = [[one.name, *one.payload] for one in table.sent[sent:]]
        assert emitted == ([row["sends"]] if row.get("sends") else []), row
        assert isinstance(heard, Misfit) == ("raw" in row or "counted" in row), row
        assert (heard is None) == ("heard" not in row or "unknown" in row), row
        assert table.noticed[noticed:] == ([row["notice"]] if "notice" in row else []), row
        if "refused" in row:
            assert [m.error for m in after.values() if m.error][-1] == row["refused"], row
        if "typing" in row:
            assert [u.name for u in table.session.typing(table.room)] == row["typing"], row
        if "members" in row:
            assert [m.user.name for m in table.session.roster(table.room)] == row["members"], row
        if "session" in row:
            assert table.dialect.state.known()["session"] == row["session"], row
        if "mentions" in row:
            assert sum(bool(m.mentions) for m in after.values()) == row["mentions"], row


@pytest.mark.parametrize("name", names())
def test_what_the_server_does_not_offer_is_told(name: str) -> None:
    table = Table(name)
    table.take(table.dialect.incoming("none", ()))
    table.feed(e.EditMessage(table.room, "x", "new words", "op"))
    table.feed(e.DeleteMessage(table.room, "x", "op"))
    table.feed(e.React(table.room, "x", "👍", True, "op"))
    assert table.noticed == ["not_offered: This server does not offer that."] * 3
    assert table.sent == []


def test_a_flood_of_what_does_not_fit_is_counted_and_shown_in_part() -> None:
    table = Table("basic")
    for n in range(100):
        heard = table.dialect.incoming("message", (n,))
        assert isinstance(heard, Misfit)
        table.take(heard)
    assert len(table.shown()) == 5


def test_a_message_on_its_way_when_the_link_falls_is_not_sent_again() -> None:
    table = Table("wide")
    table.do({"say": "once"})
    table.feed(a.LinkDown("lost", 0))
    table.take(table.sent[-1].failed(Failure("link_lost")))
    table.dialect.begin()
    table.feed(a.LinkConnecting(1))
    table.feed(a.LinkUp())
    assert [told(m) for m in table.shown().values()] == [["me", "once", "unconfirmed"]]
    assert [one.name for one in table.sent] == ["say"]
    assert table.notes() == ["again"]


def test_a_message_that_met_no_link_goes_with_the_next() -> None:
    table = Table("wide")
    table.do({"say": "later"})
    table.feed(a.LinkDown("lost", 0))
    table.take(table.sent[-1].failed(Failure("unsent")))
    assert [told(m) for m in table.shown().values()] == [["me", "later", "queued"]]
    table.dialect.begin()
    table.feed(a.LinkConnecting(1))
    table.feed(a.LinkUp())
    assert [one.name for one in table.sent] == ["say", "say"]


def test_where_the_server_knows_an_id_again_a_message_is_sent_until_it_is_there() -> None:
    table = Table("talkbot-mvp")
    table.do({"say": "surely"})
    table.take(table.sent[-1].failed(Failure("link_lost")))
    table.feed(a.LinkDown("lost", 0))
    table.dialect.begin()
    table.feed(a.LinkConnecting(1))
    table.feed(a.LinkUp())
    table.do({"ack": [{"serverMsgId": "s1"}]})
    assert [told(m) for m in table.shown().values()] == [["me", "surely", "sent"]]
    payloads = [one.payload for one in table.sent]
    assert payloads[0] == payloads[1]


def test_a_room_that_was_not_asked_for_is_listed_when_something_is_said_there() -> None:
    table = Table("wide")
    said = {"id": "9", "body": "psst", "user": {"id": 5}}
    table.take(table.dialect.incoming("said", ("other", said)))
    assert {room.conversation.name: room.unread for room in table.session.rooms()} == {
        "other": 1,
        "lobby": 0,
    }


def test_others_messages_are_counted_until_they_are_read() -> None:
    table = Table("socketio-chat")
    table.feed(e.OpenConversation(""))
    for n in range(3):
        table.take(
            table.dialect.incoming("new message", ({"username": "bob", "message": f"@ana {n}"},))
        )
    room = table.session.room(table.room)
    assert room is not None
    assert (room.unread, room.mentions) == (3, 3)
    table.feed(a.LinkDown("lost", 0))
    table.dialect.begin()
    table.feed(a.LinkConnecting(1))
    table.feed(a.LinkUp())
    room = table.session.room(table.room)
    assert room is not None
    assert (room.unread, room.mentions) == (3, 3)
    table.feed(e.OpenConversation(table.room))
    table.feed(e.ReadUpTo(table.room, room.head_seq))
    room = table.session.room(table.room)
    assert room is not None
    assert (room.unread, room.mentions) == (0, 0)


def test_people_talk_to_each_other_alone() -> None:
    table = Table("wide")
    table.take(table.dialect.incoming("whispered", ({"from": "bob", "body": "psst"},)))
    rooms = {r.conversation.peer.name: r for r in table.session.rooms() if r.conversation.peer}
    assert [room.unread for room in rooms.values()] == [1]
    table.room = rooms["bob"].conversation.conversation_id
    table.feed(e.OpenConversation(table.room))
    table.do({"say": "what?"})
    table.feed(e.Typed(table.room, on=True))
    assert [(one.name, one.payload) for one in table.sent] == [("whisper", ("bob", "what?"))]
    back = {"from": "ana", "to": "bob", "body": "what?"}
    table.take(table.dialect.incoming("whispered", (back,)))
    assert [told(m) for m in table.shown().values()] == [["me", "what?", "sent"]]
    assert isinstance(table.dialect.incoming("whispered", ({"from": "ana", "body": "?"},)), Misfit)


def test_so_many_people_as_a_server_may_make_up_have_no_room_each() -> None:
    table = Table("wide")
    for n in range(300):
        table.take(table.dialect.incoming("whispered", ({"from": f"x{n}", "body": "spam"},)))
    assert len(table.session.rooms()) == 200


def test_what_may_still_come_back_is_not_sent_again_on_the_next_link() -> None:
    table = Table("basic")
    table.do({"say": "once"})
    table.feed(a.LinkDown("lost", 0))
    assert [told(m) for m in table.shown().values()] == [["me", "once", "sending"]]
    table.dialect.begin()
    table.feed(a.LinkConnecting(1))
    table.feed(a.LinkUp())
    assert [one.name for one in table.sent] == ["message"]
    table.do({"silence": True})
    assert [told(m) for m in table.shown().values()] == [["me", "once", "unconfirmed"]]


def test_one_way_of_sending_that_would_double_is_enough() -> None:
    declared = load("talkbot-mvp")
    assert not ForeignDialect(declared, "ana").once
    whisper = replace(declared.send, once_per_id=False)
    assert ForeignDialect(replace(declared, direct=whisper), "ana").once
