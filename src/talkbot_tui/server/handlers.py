"""The table of the client's events, and the handlers that concern live connections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import talkbot_tui
from talkbot_tui.server import service_messages, service_reading, service_rooms
from talkbot_tui.server.auth import Accounts
from talkbot_tui.server.authorization import authorize
from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.connections import Connection
from talkbot_tui.server.dispatcher import Dispatcher, Handler, Live, Look, Write
from talkbot_tui.server.fanout import Fanout
from talkbot_tui.server.outcome import Actor, Delivery, Outcome, Tell, TellUser
from talkbot_tui.server.presence import PresenceBook
from talkbot_tui.server.service_reading import READS_MEMBERS_MAX
from talkbot_tui.server.storage import messages, people, rooms
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.nodes import Present
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.server.streams import Streams
from talkbot_tui.wire.acks import AuthAck, EmptyAck, ReadAck, SyncAck, SyncRoom, WatchAck
from talkbot_tui.wire.client_events import (
    Auth,
    Read,
    SetPresence,
    Stop,
    Stream,
    Sync,
    Typing,
    Watch,
)
from talkbot_tui.wire.errors import Code, Refused
from talkbot_tui.wire.server_events import ReadEvent, StopEvent, TypingEvent

FEATURES = ["search", "streams", "presence", "reactions", "edits"]


def read(tx: Tx, actor: Actor, asked: Read) -> Outcome:
    """Move the read mark forward; others hear of it in rooms that are not too large."""
    room = authorize(tx, actor, "read", asked.conversation_id)
    seq = min(asked.seq, room.head_seq)
    moved = seq > room.read_seq
    if moved:
        rooms.set_read(tx, room.conversation_id, actor.user_id, seq)
    now = max(seq, room.read_seq)
    unread, mentions = rooms.unread(tx, room.conversation_id, actor.user_id, now)
    deliveries: list[Delivery] = []
    if moved:
        shown = ReadEvent(conversation_id=room.conversation_id, user_id=actor.user_id, seq=now)
        own = ReadEvent(
            conversation_id=room.conversation_id,
            user_id=actor.user_id,
            seq=now,
            unread=unread,
            mentions=mentions,
        )
        deliveries.append(TellUser(actor.user_id, "read", own))
        if room.member_count <= READS_MEMBERS_MAX:
            deliveries.append(Tell(room.conversation_id, "read", shown, but=actor.user_id))
    return Outcome(ReadAck(read_seq=now, unread=unread, mentions=mentions), tuple(deliveries))


class LiveHandlers:
    """Handlers that need more than the store."""

    def __init__(
        self,
        config: ServerConfig,
        database: Database,
        fanout: Fanout,
        dispatcher: Dispatcher,
        accounts: Accounts,
        presence: PresenceBook,
        streams: Streams,
        epoch: str,
    ) -> None:
        """Share the server's parts; `epoch` names the database."""
        self._config = config
        self._db = database
        self._fanout = fanout
        self._dispatcher = dispatcher
        self._accounts = accounts
        self._presence = presence
        self._streams = streams
        self._epoch = epoch

    async def sync(self, connection: Connection, asked: Sync) -> SyncAck:
        """Subscribe, then read: what is committed in between arrives twice, never not at all."""
        actor = connection.actor
        connection.synced = True
        while True:
            before = self._fanout.generation(actor.user_id)
            heads = await self._db.read(lambda tx: rooms.heads(tx, actor.user_id))
            if self._fanout.generation(actor.user_id) != before:
                continue
            self._fanout.subscribe(connection, heads)
            answer: list[SyncRoom] = await self._db.read(
                lambda tx: service_reading.sync(tx, actor, asked, self._epoch)
            )
            if self._fanout.generation(actor.user_id) == before:
                break
        return SyncAck(
            epoch=self._epoch,
            user=actor.user,
            server_version=talkbot_tui.__version__,
            features=FEATURES,
            limits=self._config.limits,
            expires_at=connection.expires_at,
            conversations=answer,
        )

    async def typing(self, connection: Connection, asked: Typing) -> None:
        """Pass on that somebody writes."""
        await self._authorize(connection, "typing", asked.conversation_id)
        event = TypingEvent(
            conversation_id=asked.conversation_id, user_id=connection.actor.user_id, on=asked.on
        )
        me = connection.actor.user_id
        self._fanout.deliver((Tell(asked.conversation_id, "typing", event, but=me),))

    async def stream(self, connection: Connection, asked: Stream) -> None:
        """Take the next piece of a bot's message.

        The store is asked once for each change of the bot's memberships, not for each piece.
        """
        sender = connection.actor.user
        if not sender.bot:
            raise Refused(Code.FORBIDDEN, "Only bots stream.")
        now = self._fanout.generation(sender.user_id)
        if not self._streams.allowed(sender.user_id, asked, now):
            await self._authorize(connection, "stream", asked.conversation_id)
        self._streams.add(sender.user_id, asked, now)

    async def stop(self, connection: Connection, asked: Stop) -> EmptyAck:
        """Ask the bot that writes a message to end it."""
        await self._authorize(connection, "stop", asked.conversation_id)
        place = (asked.conversation_id, asked.server_msg_id)
        sender = self._streams.sender_of(*place)
        elsewhere = self._fanout.elsewhere
        if sender is None and elsewhere is not None:
            sender = await self._db.read(lambda tx: messages.growing_of(tx, *place))
            if sender and not self._fanout.of_user(sender) and not elsewhere.heard:
                raise Refused(Code.BUSY, "The bot cannot be told now.", retry_after_ms=2000)
        if sender is None:
            raise Refused(Code.NOT_FOUND, "No such message is being written.", field="serverMsgId")
        event = StopEvent(
            conversation_id=asked.conversation_id,
            server_msg_id=asked.server_msg_id,
            user_id=connection.actor.user_id,
        )
        self._fanout.deliver((TellUser(sender, "stop", event),))
        return EmptyAck()

    async def presence(self, connection: Connection, asked: SetPresence) -> EmptyAck:
        """Say how one is."""
        self._presence.set(connection.actor.user_id, asked.status, asked.text)
        return EmptyAck()

    async def watch(self, connection: Connection, asked: Watch) -> WatchAck:
        """Follow people's presence; only those with whom one shares a conversation."""
        me = connection.actor.user_id
        elsewhere = self._presence.elsewhere or _nowhere
        known, there = await self._db.read(
            lambda tx: (people.acquainted(tx, me, asked.user_ids), elsewhere(tx, asked.user_ids))
        )
        if connection.sid in self._fanout.connections:
            self._presence.watch(connection, frozenset(known))
            self._presence.learn(known, there)
        return WatchAck(
            presence={user_id: self._presence.of(user_id, seen) for user_id, seen in known.items()}
        )

    async def auth(self, connection: Connection, asked: Auth) -> AuthAck:
        """Go on with a fresh token."""
        grant = await self._accounts.check(asked.token)
        if grant.user.user_id != connection.actor.user_id:
            raise Refused(Code.TOKEN_INVALID, "That token is somebody else's.", field="token")
        connection.actor = Actor(grant.user, grant.session_id)
        connection.expires_at = grant.expires_at
        return AuthAck(expires_at=grant.expires_at)

    async def _authorize(self, connection: Connection, action: str, conversation_id: str) -> None:
        actor = connection.actor
        await self._db.read(lambda tx: authorize(tx, actor, action, conversation_id))


def _nowhere(tx: Tx, user_ids: Iterable[str]) -> Mapping[str, Sequence[Present]]:
    return {}


def table(live: LiveHandlers) -> dict[str, Handler]:
    """A handler for every event of the contract."""
    return {
        "sync": Live(live.sync, rate="lookup"),
        "heads": Look(service_reading.heads),
        "history": Look(service_reading.history),
        "message": Write(service_messages.post, rate="message", once=False),
        "edit": Write(service_messages.edit),
        "delete": Write(service_messages.delete),
        "react": Write(service_messages.react),
        "stream": Live(live.stream, rate="stream"),
        "stop": Live(live.stop),
        "read": Write(read, rate="light", once=False),
        "typing": Live(live.typing, rate="typing"),
        "presence": Live(live.presence),
        "watch": Live(live.watch),
        "createConversation": Write(service_rooms.create),
        "updateConversation": Write(service_rooms.update),
        "invite": Write(service_rooms.invite),
        "remove": Write(service_rooms.remove),
        "setRole": Write(service_rooms.set_role),
        "join": Write(service_rooms.join, rate="join"),
        "leave": Write(service_rooms.leave),
        "members": Look(service_reading.members),
        "conversations": Look(service_reading.conversations),
        "users": Look(service_reading.users),
        "search": Look(service_reading.search, rate="search"),
        "auth": Live(live.auth),
    }
