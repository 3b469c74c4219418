"""Every event × actor × conversation, on real sockets, as `matrix.toml` says."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from socketio.exceptions import ConnectionError as Refusal

from talkbot_tui.server.storage import people as accounts
from talkbot_tui.wire.registry import CLIENT_EVENTS
from talkbot_tui.wire.scalars import NAMESPACE
from tests.server.authz.cast import ACTORS, KINDS, SECRET, STRANGERS, Cast, Place, cast
from tests.server.peers import Person, fresh
from tests.serving import register, running_server

MATRIX: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("matrix.toml").read_text(encoding="utf-8")
)
FREE: list[str] = MATRIX["free"]["events"]
ROWS = [name for name in MATRIX if name != "free"]
CODES = {"nf": "not_found", "fb": "forbidden", "ar": "archived"}


def event_of(row: str) -> str:
    return row.partition(" of ")[0]


def payload(row: str, place: Place, actor: str) -> dict[str, Any]:
    """What the actor sends; ids of another's where the row says so."""
    event = event_of(row)
    room: dict[str, Any] = {"conversationId": place.conversation_id}
    op = {"clientOpId": fresh()}
    mine = place.messages.get(actor, "none")
    message = {"serverMsgId": place.anothers(actor) if row.endswith("another's") else mine}
    writer = "bot-second" if row.endswith("another's") else actor
    growing = {"serverMsgId": place.growing.get(writer, place.growing["bot"])}
    person = {"userId": place.other_owner if row.endswith("an owner") else place.victim}
    payloads: dict[str, dict[str, Any]] = {
        "history": room,
        "members": room,
        "search": {**room, "query": SECRET},
        "read": {**room, "seq": 1},
        "message": {**room, "text": "hi", "clientMsgId": fresh("m")},
        "edit": {**room, **op, **message, "text": "other words", "baseRevision": 0},
        "delete": {**room, **op, **message},
        "react": {**room, **op, **message, "emoji": "🎉", "on": True},
        "stream": {**room, **growing, "offset": len(SECRET), "delta": "x"},
        "stop": {**room, **(message if row.endswith("finished") else growing)},
        "typing": {**room, "on": True},
        "updateConversation": {**room, **op, "topic": fresh("topic ")},
        "invite": {**room, **op, "userId": place.victim},
        "remove": {**room, **op, **person},
        "setRole": {**room, **op, **person, "role": "moderator"},
        "join": {**room, **op},
        "leave": {**room, **op},
    }
    return payloads[event]


def test_every_event_has_a_row_and_every_row_an_event() -> None:
    named = {event_of(row) for row in ROWS} | set(FREE)
    assert named - {"GET events"} == set(CLIENT_EVENTS)
    for row in ROWS:
        assert tuple(MATRIX[row]) == KINDS, row
        assert all(len(cells.split()) == len(ACTORS) for cells in MATRIX[row].values()), row


async def outcome(stage: Cast, row: str, place: Place, actor: str) -> tuple[str, dict[str, Any]]:
    person = stage.members[actor]
    if row == "GET events":
        status, answer = await person.http(
            "GET", f"/api/conversations/{place.conversation_id}/events"
        )
        answer = {"ok": status == 200, **answer}
    else:
        answer = await person.call(event_of(row), payload(row, place, actor))
    return ("ok" if answer["ok"] else answer["error"]["code"]), answer


@pytest.mark.parametrize("row", ROWS)
async def test_who_may(row: str) -> None:
    wrong, refusals = [], set()
    async with running_server() as server, cast(server) as stage:
        for kind in KINDS:
            for actor, cell in zip(ACTORS, MATRIX[row][kind].split(), strict=True):
                if cell == "-":
                    continue
                # A place of its own: what one does must not decide what the next may.
                place = await stage.place(kind)
                before = server.metrics.value("sent_total", "message")
                got, answer = await outcome(stage, row, place, actor)
                if got != CODES.get(cell, cell):
                    wrong.append((kind, actor, cell, got))
                if actor in STRANGERS and got == "not_found":
                    refusals.add(json.dumps(answer["error"], sort_keys=True))
                    assert SECRET not in json.dumps(answer)
                    assert server.metrics.value("sent_total", "message") == before
    assert not wrong
    # What is not there and what is not ours cannot be told apart.
    assert len(refusals) <= 1, refusals


@pytest.mark.parametrize("event", [*FREE, "search"])
async def test_what_names_no_conversation_tells_nothing_of_others(event: str) -> None:
    async with running_server() as server, cast(server) as stage:
        places = {kind: await stage.place(kind) for kind in KINDS[:5]}
        ids = [place.conversation_id for place in places.values()]
        hidden = [places[kind].conversation_id for kind in ("private", "group", "direct")]
        for actor in STRANGERS:
            person = stage.members[actor]
            questions: dict[str, dict[str, Any]] = {
                "sync": {"cursors": dict.fromkeys(ids, 0)},
                "heads": {"heads": dict.fromkeys(ids, 0)},
                "presence": {"status": "away", "text": "busy"},
                "watch": {"userIds": [*ids, stage.members["owner"].user_id]},
                "createConversation": {"kind": "group", "clientOpId": fresh(), "name": "mine"},
                "conversations": {"prefix": ""},
                "users": {"prefix": ""},
                "search": {"query": SECRET},
                "auth": {"token": person.tokens["accessToken"]},
            }
            answer = json.dumps(await person.ask(event, questions[event]))
            assert SECRET not in answer
            assert not [room for room in hidden if room in answer]


async def test_who_has_no_valid_session_has_no_connection() -> None:
    async with running_server() as server, running_server() as elsewhere:
        stranger = await register(elsewhere, "ana")
        disabled, ended = await register(server, "bruno"), await register(server, "carla")
        user_id = disabled["user"]["userId"]
        await server.database.write(lambda tx: accounts.disable(tx, user_id))
        gone = Person(server, ended)
        assert (await gone.http("POST", "/api/logout", {}))[0] == 200
        for tokens, code in (
            (stranger, "token_invalid"),
            (disabled, "session_revoked"),
            (ended, "session_revoked"),
        ):
            person = Person(server, tokens)
            refusals: list[dict[str, Any]] = []
            person.client.on("connect_error", refusals.append, namespace=NAMESPACE)
            with pytest.raises(Refusal):
                await person.connect()
            assert [refusal["message"] for refusal in refusals] == [code]
            status, answer = await person.http("GET", "/api/me")
            assert (status, answer["error"]["code"]) == (401, code)
            assert not server.fanout.of_user(tokens["user"]["userId"])
            await person.client.shutdown()
