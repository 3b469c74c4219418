"""The people and conversations of the matrix, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from talkbot_tui.server import service_messages, service_rooms
from talkbot_tui.server.app import RunningServer
from talkbot_tui.server.outcome import Actor, Outcome
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire import client_events as c
from talkbot_tui.wire.server_events import UserInfo
from tests.server.peers import Person, fresh, people

PEOPLE = ("owner", "moderator", "member", "outsider", "removed")
BOTS = ("bot", "bot-outsider", "bot-removed")
ACTORS = PEOPLE + BOTS
OUTSIDERS = ("outsider", "bot-outsider")
STRANGERS = ("outsider", "removed", "bot-outsider", "bot-removed")
EXTRAS = ("victim", "second", "bot-second")
KINDS = ("public", "private", "group", "direct", "archived", "unknown")
SECRET = "zanzibar"
"""Said by everybody in every conversation: who is no member must never read it."""


@dataclass
class Place:
    """One conversation: its id, each actor's own message, and a victim for what ends a role.

    growing: what the bots had begun to write before anybody was removed or the room archived.
    """

    conversation_id: str
    messages: dict[str, str]
    growing: dict[str, str]
    victim: str
    other_owner: str

    def anothers(self, actor: str) -> str:
        """A message that is not the actor's own."""
        own = self.messages.get(actor)
        return next(message for message in self.messages.values() if message != own)


class Cast:
    """Everybody, connected."""

    def __init__(self, server: RunningServer, members: dict[str, Person]) -> None:
        self.server = server
        self.members = members

    def actor(self, name: str) -> Actor:
        person = self.members[name]
        user = person.tokens["user"]
        return Actor(
            UserInfo(user_id=user["userId"], name=user["name"], bot=name.startswith("bot"))
        )

    async def do(self, work: Callable[[Tx], Outcome]) -> Any:
        """Past the limits of the wire, but with all that follows for the others."""
        return (await self.server.database.write(work, self.server.fanout.settle)).answer

    async def place(self, kind: str) -> Place:
        if kind == "direct":
            return await self._direct()
        owner, ids = self.actor("owner"), {n: p.user_id for n, p in self.members.items()}
        shared: c.Kind = "group" if kind == "group" else "channel"
        asked = c.CreateConversation(
            kind=shared,
            client_op_id=fresh(),
            name=fresh("room-"),
            visibility="private" if kind in ("private", "group") else "public",
            members=[ids[name] for name in ids if name not in ("owner", *OUTSIDERS)],
        )
        made = await self.do(lambda tx: service_rooms.create(tx, owner, asked))
        room = made.conversation.conversation_id
        roles: dict[str, c.Role] = {"moderator": "moderator", "second": "owner"}
        for name, role in roles.items():
            given = c.SetRole(
                conversation_id=room, client_op_id=fresh(), user_id=ids[name], role=role
            )
            await self.do(partial(service_rooms.set_role, actor=owner, asked=given))
        said = {name: await self._say(name, room) for name in ACTORS if name not in OUTSIDERS}
        said |= dict.fromkeys(OUTSIDERS, said["owner"])
        growing = {name: await self._begin(name, room) for name in ids if _writes(name)}
        for name in ("removed", "bot-removed"):
            gone = c.Remove(conversation_id=room, client_op_id=fresh(), user_id=ids[name])
            await self.do(partial(service_rooms.remove, actor=owner, asked=gone))
        if kind == "archived":
            shut = c.UpdateConversation(conversation_id=room, client_op_id=fresh(), archived=True)
            await self.do(lambda tx: service_rooms.update(tx, owner, shut))
        known = "nobody-has-this" if kind == "unknown" else room
        return Place(known, said, growing, ids["victim"], ids["second"])

    async def _direct(self) -> Place:
        one, other = self.actor("member"), self.actor("bot")
        room = await self.server.database.write(
            lambda tx: service_rooms.open_direct(tx, one.user, other.user)[0].conversation_id
        )
        said = {name: await self._say(name, room) for name in ("member", "bot")}
        said |= dict.fromkeys(OUTSIDERS, said["member"])
        growing = {"bot": await self._begin("bot", room)}
        return Place(room, said, growing, other.user_id, other.user_id)

    async def _begin(self, name: str, room: str) -> str:
        return await self._say(name, room, streaming=True)

    async def _say(self, name: str, room: str, *, streaming: bool = False) -> str:
        who = self.actor(name)
        asked = c.SendMessage(
            conversation_id=room, text=SECRET, client_msg_id=fresh("m"), streaming=streaming
        )
        posted = await self.do(lambda tx: service_messages.post(tx, who, asked))
        return str(posted.server_msg_id)


def _writes(name: str) -> bool:
    return name.startswith("bot") and name not in OUTSIDERS


async def _bot(server: RunningServer, name: str) -> Person:
    token = await server.ensure_bot(f"the-{name}", name)
    user = (await server.accounts.check(token)).user
    known = {"userId": user.user_id, "name": user.name}
    return Person(server, {"accessToken": token, "user": known})


@asynccontextmanager
async def cast(server: RunningServer) -> AsyncIterator[Cast]:
    names = [name for name in (*ACTORS, *EXTRAS) if not name.startswith("bot")]
    # Some of the words are reserved, since they would pass for the server's own.
    async with people(server, *(f"the-{name}" for name in names)) as made:
        bots = {name: await _bot(server, name) for name in (*BOTS, *EXTRAS) if name not in names}
        try:
            for bot in bots.values():
                await bot.connect()
            yield Cast(server, dict(zip(names, made, strict=True)) | bots)
        finally:
            for bot in bots.values():
                await bot.client.shutdown()
