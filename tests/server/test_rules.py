"""The rules of messages and rooms, straight on the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from talkbot_tui.server import service_messages, service_reading, service_rooms
from talkbot_tui.server.dispatcher import Write, _unit
from talkbot_tui.server.outcome import Actor, Exit, Outcome, Publish
from talkbot_tui.server.storage import log, messages, people, rooms
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.acks import MessageAck
from talkbot_tui.wire.client_events import (
    CreateConversation,
    Delete,
    Edit,
    History,
    Invite,
    Join,
    Leave,
    React,
    Remove,
    Search,
    SendMessage,
    SetRole,
    Sync,
    UpdateConversation,
)
from talkbot_tui.wire.errors import Refused
from talkbot_tui.wire.server_events import MessageEvent
from tests.server.everything import everything
from tests.server.peers import fresh
from tests.serving import open_store

HANDLERS: dict[type, tuple[str, Write]] = {
    SendMessage: ("message", Write(service_messages.post, once=False)),
    Edit: ("edit", Write(service_messages.edit)),
    Delete: ("delete", Write(service_messages.delete)),
    React: ("react", Write(service_messages.react)),
    CreateConversation: ("createConversation", Write(service_rooms.create)),
    UpdateConversation: ("updateConversation", Write(service_rooms.update)),
    Invite: ("invite", Write(service_rooms.invite)),
    Remove: ("remove", Write(service_rooms.remove)),
    SetRole: ("setRole", Write(service_rooms.set_role)),
    Join: ("join", Write(service_rooms.join)),
    Leave: ("leave", Write(service_rooms.leave)),
}


class World:
    def __init__(self, store: Database) -> None:
        self.store = store
        self.room = self.run(lambda tx: service_rooms.create_default(tx, "general"))
        self.actors = {
            name: Actor(self.run(lambda tx, name=name: self._join(tx, name)))
            for name in ("ana", "bruno", "carla")
        }

    def _join(self, tx: Tx, name: str) -> Any:
        person = people.add_person(tx, name, None)
        service_rooms.welcome(tx, person, "")
        return person

    def run(self, unit: Callable[..., Any]) -> Any:
        (result,) = self.store.append([unit])
        if isinstance(result, Exception):
            raise result
        return result

    def do(self, name: str, asked: Any) -> Outcome:
        event, handler = HANDLERS[type(asked)]
        done: Outcome = self.run(lambda tx: _unit(tx, self.actors[name], event, asked, handler))
        return done

    def refused(self, name: str, asked: Any) -> str:
        with pytest.raises(Refused) as error:
            self.do(name, asked)
        return error.value.code.value

    def post(self, name: str, text: str, room: str = "") -> Any:
        asked = SendMessage(conversation_id=room or self.room, text=text, client_msg_id=fresh("m"))
        return self.do(name, asked).answer

    def group(self, owner: str, *members: str) -> str:
        asked = CreateConversation(
            kind="group",
            name="plano",
            members=[self.actors[name].user_id for name in members],
            client_op_id=fresh(),
        )
        answer: Any = self.do(owner, asked).answer
        return str(answer.conversation.conversation_id)

    def unread(self, name: str) -> tuple[int, int]:
        actor = self.actors[name]

        def ask(tx: Tx) -> tuple[int, int]:
            room = rooms.find(tx, self.room, actor.user_id)
            assert room
            return rooms.unread(tx, self.room, actor.user_id, room.read_seq)

        return self.store.ask(ask)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    store = open_store(tmp_path / "data")
    yield World(store)
    store.close()


def test_an_edit_needs_the_revision_it_was_made_from(world: World) -> None:
    ack = world.post("ana", "um")
    asked = Edit(
        conversation_id=world.room,
        server_msg_id=ack.server_msg_id,
        text="dois",
        client_op_id=fresh(),
        base_revision=0,
    )
    first = world.do("ana", asked)
    again = world.do("ana", asked)
    assert again.answer == first.answer
    assert again.deliveries == ()
    with pytest.raises(Refused) as error:
        world.do("ana", Edit(**{**_fields(asked), "client_op_id": fresh(), "text": "três"}))
    body = error.value.body()
    assert (body.code, body.current, body.revision) == ("edit_conflict", "dois", 1)
    assert (
        world.refused("bruno", Edit(**{**_fields(asked), "client_op_id": fresh()})) == "forbidden"
    )
    assert world.refused("ana", Edit(**{**_fields(asked), "text": "outro"})) == "id_conflict"


def test_an_id_belongs_to_one_request_only(world: World) -> None:
    other_room = world.group("ana", "bruno")
    target = world.post("bruno", "first of all").server_msg_id
    asked = SendMessage(conversation_id=world.room, text="um", client_msg_id=fresh("m"))
    first = world.do("ana", asked).answer
    assert isinstance(first, MessageAck)
    for change in ({"text": "dois"}, {"conversation_id": other_room}, {"reply_to": target}):
        assert world.refused("ana", SendMessage(**{**_fields(asked), **change})) == "id_conflict"
    repeat = world.do("ana", asked)
    assert (repeat.answer, repeat.deliveries) == (first, ())
    edit = Edit(
        conversation_id=world.room,
        server_msg_id=first.server_msg_id,
        text="outra coisa",
        client_op_id=fresh(),
        base_revision=0,
    )
    world.do("ana", edit)
    assert world.do("ana", asked).answer == first, "an edit since does not make it another request"
    theirs = world.do("bruno", SendMessage(**{**_fields(asked), "text": "meu"})).answer
    assert isinstance(theirs, MessageAck)
    assert theirs.server_msg_id != first.server_msg_id, "ids are each user's own"


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


def test_a_deleted_message_leaves_its_place_but_no_word(world: World) -> None:
    ack = world.post("ana", "palavra secreta @bruno")
    other = world.post("bruno", "fica")
    target = {"conversation_id": world.room, "server_msg_id": ack.server_msg_id}
    world.do("carla", React(**target, client_op_id=fresh(), emoji="👍", on=True))
    world.do(
        "ana",
        Edit(**target, text="outra palavra secreta", client_op_id=fresh(), base_revision=0),
    )
    assert world.unread("bruno") == (1, 0)
    assert world.refused("bruno", Delete(**target, client_op_id=fresh())) == "forbidden"
    world.do("ana", Delete(**target, client_op_id=fresh()))
    page = world.store.ask(lambda tx: log.page(tx, world.room, limit=100, newest=True))
    assert "secreta" not in str(page)
    assert "👍" not in str(page)
    assert [event.seq for event in page] == list(range(1, page[-1].seq + 1))
    tombstone = next(event for event in page if event.seq == ack.seq)
    assert isinstance(tombstone, MessageEvent)
    assert tombstone.deleted
    found = world.store.ask(
        lambda tx: service_reading.search(tx, world.actors["bruno"], Search(query="secreta"))
    )
    assert found.hits == []
    assert world.unread("bruno") == (0, 0)
    assert other.seq < page[-1].seq
    while world.run(messages.tidy_index):
        pass
    assert "secreta" not in everything(world.store)


def test_unread_counts_others_messages_above_the_mark_only(world: World) -> None:
    world.post("bruno", "oi @ana")
    world.post("bruno", "e @carla")
    world.post("ana", "minha")
    assert world.unread("ana") == (2, 1)
    assert world.unread("carla") == (3, 1)


def test_two_people_have_one_direct_conversation_for_ever(world: World) -> None:
    ids = set()
    for one, other in (("ana", "bruno"), ("bruno", "ana"), ("ana", "bruno")):
        asked = CreateConversation(
            kind="direct", members=[world.actors[other].user_id], client_op_id=fresh()
        )
        answer: Any = world.do(one, asked).answer
        assert answer.conversation.peer == world.actors[other].user
        ids.add(answer.conversation.conversation_id)
    assert len(ids) == 1
    (room,) = ids
    assert world.refused("ana", Leave(conversation_id=room, client_op_id=fresh())) == "forbidden"
    carla = world.actors["carla"].user_id
    invite = Invite(conversation_id=room, client_op_id=fresh(), user_id=carla)
    assert world.refused("ana", invite) == "forbidden"


def test_roles_decide_who_removes_whom_and_an_owner_always_stays(world: World) -> None:
    room = world.group("ana", "bruno", "carla")
    ids = {name: actor.user_id for name, actor in world.actors.items()}

    def remove(who: str, whom: str) -> Remove:
        return Remove(conversation_id=room, client_op_id=fresh(), user_id=ids[whom])

    def role(who: str, name: str) -> SetRole:
        return SetRole(conversation_id=room, client_op_id=fresh(), user_id=ids[who], role=name)  # type: ignore[arg-type]  # a role's name

    assert world.refused("bruno", remove("bruno", "carla")) == "forbidden"
    assert world.refused("bruno", role("bruno", "owner")) == "forbidden"
    world.do("ana", role("bruno", "moderator"))
    assert world.refused("bruno", remove("bruno", "ana")) == "forbidden"
    assert world.refused("ana", role("ana", "member")) == "forbidden"
    gone = world.do("bruno", remove("bruno", "carla"))
    assert [type(step) for step in gone.deliveries][:2] == [Exit, Publish]
    text = SendMessage(conversation_id=room, text="x", client_msg_id=fresh())
    assert world.refused("carla", text) == "not_found"
    world.do("ana", Leave(conversation_id=room, client_op_id=fresh()))
    assert world.store.ask(lambda tx: rooms.role_of(tx, room, ids["bruno"])) == "owner"


def test_a_repeat_after_a_removal_still_gets_the_first_ack(world: World) -> None:
    room = world.group("ana", "bruno")
    asked = SendMessage(conversation_id=room, text="x", client_msg_id="once")
    first = world.do("bruno", asked).answer
    bruno = world.actors["bruno"].user_id
    world.do("ana", Remove(conversation_id=room, client_op_id=fresh(), user_id=bruno))
    assert world.do("bruno", asked).answer == first


def test_channel_names_are_unique_by_their_look(world: World) -> None:
    def channel(name: str) -> CreateConversation:
        return CreateConversation(kind="channel", name=name, client_op_id=fresh())

    world.do("ana", channel("#Deploys"))
    for name in ("deploys", "DEPLOYS", "dеploys", "general"):
        assert world.refused("bruno", channel(name)) == "name_taken", name
    for name in ("", "  ", "a\u202eb", "@x"):
        assert world.refused("bruno", channel(name)) in ("name_invalid", "bad_request"), name


def test_an_archived_room_is_read_only(world: World) -> None:
    room = world.group("ana", "bruno")
    world.do("ana", UpdateConversation(conversation_id=room, client_op_id=fresh(), archived=True))
    asked = SendMessage(conversation_id=room, text="x", client_msg_id=fresh())
    assert world.refused("ana", asked) == "archived"
    page = world.store.ask(
        lambda tx: service_reading.history(tx, world.actors["bruno"], History(conversation_id=room))
    )
    assert page.events


def test_answers_stay_below_their_size_and_say_that_there_is_more(world: World) -> None:
    from msgspec import json

    for n in range(60):
        world.post("ana", f"{n} " + "ñ" * 7000)
    actor = world.actors["bruno"]
    page = world.store.ask(
        lambda tx: service_reading.history(
            tx, actor, History(conversation_id=world.room, limit=200)
        )
    )
    assert len(json.encode(page)) <= 256 * 1024
    assert page.more
    seqs = [event.seq for event in page.events]
    assert seqs == list(range(seqs[0], page.head_seq + 1))
    answer = world.store.ask(lambda tx: service_reading.sync(tx, actor, Sync(limit=200), "epoch"))
    assert len(json.encode(answer)) <= 256 * 1024
    assert answer[0].more
    assert answer[0].events[-1].seq == answer[0].head_seq


def test_pages_meet_without_a_hole_or_an_overlap(world: World) -> None:
    for n in range(30):
        world.post("ana", str(n))
    actor = world.actors["bruno"]

    def ask(**where: Any) -> Any:
        asked = History(conversation_id=world.room, limit=7, **where)
        return world.store.ask(lambda tx: service_reading.history(tx, actor, asked))

    head = ask().head_seq
    down: list[int] = []
    page = ask()
    while True:
        down = [event.seq for event in page.events] + down
        if not page.more:
            break
        page = ask(before=down[0])
    assert down == list(range(1, head + 1))
    up: list[int] = []
    page = ask(after=0)
    while page.events:
        up += [event.seq for event in page.events]
        page = ask(after=up[-1])
    assert up == down
    around = [event.seq for event in ask(around=15).events]
    assert around == sorted(around)
    assert 15 in around
    with pytest.raises(Refused):
        ask(before=3, after=1)


def test_a_stream_that_nobody_goes_on_with_is_ended_as_failed(world: World) -> None:
    def bot(tx: Tx) -> Any:
        made = people.add_person(tx, "talkbot", None, bot=True)
        service_rooms.welcome(tx, made, "")
        return made

    world.actors["bot"] = Actor(world.run(bot))
    asked = SendMessage(
        conversation_id=world.room, text="Um", client_msg_id=fresh(), streaming=True
    )
    assert world.refused("ana", asked) == "forbidden"
    ack: Any = world.do("bot", asked).answer
    world.run(lambda tx: messages.checkpoint(tx, {ack.server_msg_id: "Um dois"}))
    done = world.run(service_messages.fail_orphans)
    event = done.deliveries[0].event
    assert (event.text, event.outcome, event.streaming) == ("Um dois", "failed", False)
    assert world.run(service_messages.fail_orphans).deliveries == ()
    (served,) = world.store.ask(lambda tx: log.messages(tx, [ack.server_msg_id])).values()
    assert (served.text, served.outcome, served.streaming) == ("Um dois", "failed", False)


def test_search_finds_words_in_ones_own_rooms_whatever_the_syntax(world: World) -> None:
    room = world.group("ana", "bruno")
    world.post("ana", "Ação coordenada amanhã", room)
    world.post("ana", "acao geral")

    def find(name: str, query: str, **more: Any) -> list[str]:
        asked = Search(query=query, **more)
        actor = world.actors[name]
        return [
            hit.text
            for hit in world.store.ask(lambda tx: service_reading.search(tx, actor, asked)).hits
        ]

    assert find("ana", "acao") == ["acao geral", "Ação coordenada amanhã"]
    assert find("carla", "ação") == ["acao geral"]
    assert find("ana", "coord") == ["Ação coordenada amanhã"]
    for odd in ('"', "a AND", "NEAR(", "*", "text:x", "-", "^a", "(((("):
        find("ana", odd)
    first = Search(query="acao", limit=1)
    page = world.store.ask(lambda tx: service_reading.search(tx, world.actors["ana"], first))
    second = Search(query="acao", limit=1, page=page.next)
    rest = world.store.ask(lambda tx: service_reading.search(tx, world.actors["ana"], second))
    assert [hit.text for hit in (*page.hits, *rest.hits)] == [
        "acao geral",
        "Ação coordenada amanhã",
    ]
    assert rest.next is None


def test_a_message_says_which_event_changed_it_last(world: World) -> None:
    ack = world.post("ana", "um")
    target = {"conversation_id": world.room, "server_msg_id": ack.server_msg_id}

    def changed() -> int | None:
        (served,) = world.store.ask(lambda tx: log.messages(tx, [ack.server_msg_id])).values()
        return served.changed_seq

    assert changed() is None
    for asked in (
        React(**target, client_op_id=fresh(), emoji="👍", on=True),
        React(**target, client_op_id=fresh(), emoji="👍", on=False),
        Edit(**target, text="dois", client_op_id=fresh(), base_revision=0),
        Delete(**target, client_op_id=fresh()),
    ):
        answer: Any = world.do("ana", asked).answer
        assert changed() == answer.seq
