"""The rules of conversations and memberships. Each is one unit of the writer."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from talkbot_tui.i18n import PORTUGUESE
from talkbot_tui.server.authorization import authorize, not_found
from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.ids import new_id
from talkbot_tui.server.names import fold_channel_name, skeleton
from talkbot_tui.server.outcome import Actor, Delivery, Enter, Exit, Outcome, Publish, TellUser
from talkbot_tui.server.storage import log, people, rooms
from talkbot_tui.server.storage.rooms import Room
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.acks import ConversationAck, EmptyAck, JoinAck, SeqAck
from talkbot_tui.wire.client_events import (
    CreateConversation,
    Invite,
    Join,
    Leave,
    Remove,
    SetRole,
    UpdateConversation,
)
from talkbot_tui.wire.errors import Code, Refused
from talkbot_tui.wire.server_events import UserInfo

logger = logging.getLogger(__name__)

DEFAULT_KEY = "default_conversation"
INTRODUCED_MAX = 1000


def create(tx: Tx, actor: Actor, asked: CreateConversation) -> Outcome:
    """Make a channel or group, or open the one direct conversation of two people."""
    if asked.kind == "direct":
        if len(asked.members) != 1 or asked.members[0] == actor.user_id:
            raise Refused(
                Code.BAD_REQUEST, "A direct conversation is with one other person.", field="members"
            )
        other = _person(tx, asked.members[0], "members")
        room, made = open_direct(tx, actor.user, other)
        return Outcome(ConversationAck(conversation=room.info(other)), made)
    name, look = "", None
    visibility = asked.visibility or ("public" if asked.kind == "channel" else "private")
    if asked.kind == "channel":
        name = fold_channel_name(asked.name or "")
        look = _free(tx, name)
    elif asked.name:
        name = fold_channel_name(asked.name)
    wanted = [user_id for user_id in dict.fromkeys(asked.members) if user_id != actor.user_id]
    known = people.infos(tx, wanted)
    if len(known) != len(wanted):
        raise Refused(Code.NOT_FOUND, "One of the members does not exist.", field="members")
    conversation_id = new_id()
    rooms.insert(
        tx,
        conversation_id=conversation_id,
        kind=asked.kind,
        visibility=visibility if asked.kind == "channel" else "private",
        name=name,
        skeleton=look,
        topic=asked.topic or "",
    )
    rooms.add_member(tx, conversation_id, actor.user_id, "owner", 1)
    deliveries = _created(tx, actor.user, conversation_id, [actor.user_id])
    for user_id in wanted:
        deliveries += _added(tx, actor.user, conversation_id, known[user_id], "invited")
    return Outcome(
        ConversationAck(conversation=_room(tx, conversation_id, actor.user_id).info()),
        tuple(deliveries),
    )


def open_direct(tx: Tx, one: UserInfo, other: UserInfo) -> tuple[Room, tuple[Delivery, ...]]:
    """The direct conversation of two, made when it is not there yet."""
    pair = ":".join(sorted((one.user_id, other.user_id)))
    found = rooms.by_pair(tx, pair)
    if found is not None:
        return _room(tx, found, one.user_id), ()
    conversation_id = new_id()
    rooms.insert(
        tx, conversation_id=conversation_id, kind="direct", visibility="private", pair=pair
    )
    for person in (one, other):
        rooms.add_member(tx, conversation_id, person.user_id, "member", 0)
    deliveries = _created(tx, one, conversation_id, [one.user_id, other.user_id])
    return _room(tx, conversation_id, one.user_id), tuple(deliveries)


def prepare(tx: Tx, config: ServerConfig) -> str:
    """Make what every database has: an epoch, and the default channel; returns the epoch."""
    epoch = people.get_meta(tx, "epoch")
    if epoch is None:
        epoch = secrets.token_hex(8)
        people.set_meta(tx, "epoch", epoch)
    portuguese = config.language == PORTUGUESE
    default = create_default(tx, config.default_channel or ("geral" if portuguese else "general"))
    room = rooms.find(tx, default, "")
    if config.default_channel and room and room.name != fold_channel_name(config.default_channel):
        told = "the first channel is #%s already: --default-channel names that of a new store"
        logger.warning(told, room.name)
    return epoch


def create_default(tx: Tx, name: str) -> str:
    """Make sure of the default public channel; returns its id."""
    known = people.get_meta(tx, DEFAULT_KEY)
    if known is not None:
        return known
    if people.by_id(tx, people.SYSTEM.user_id) is None:
        people.insert_person(tx, people.SYSTEM, "\x01system", None)
    folded = fold_channel_name(name)
    conversation_id = new_id()
    rooms.insert(
        tx,
        conversation_id=conversation_id,
        kind="channel",
        visibility="public",
        name=folded,
        skeleton=_free(tx, folded),
    )
    _created(tx, people.SYSTEM, conversation_id, [])
    people.set_meta(tx, DEFAULT_KEY, conversation_id)
    return conversation_id


def welcome(tx: Tx, person: UserInfo, greeter: str) -> tuple[Delivery, ...]:
    """What every new account gets: the default channel, and a talk with the greeter."""
    deliveries: list[Delivery] = []
    default = people.get_meta(tx, DEFAULT_KEY)
    if default is not None:
        deliveries += _added(tx, person, default, person, "joined")
    if greeter and not person.bot:
        bot = people.by_name(tx, greeter)
        if bot is not None and not bot.disabled:
            deliveries += open_direct(tx, person, bot.info)[1]
    return tuple(deliveries)


def introduce(tx: Tx, bot: UserInfo) -> tuple[Delivery, ...]:
    """Give everybody who came before the bot did a talk with it."""
    deliveries: list[Delivery] = []
    for person in people.humans(tx, INTRODUCED_MAX):
        deliveries += open_direct(tx, person, bot)[1]
    return tuple(deliveries)


def update(tx: Tx, actor: Actor, asked: UpdateConversation) -> Outcome:
    """Change name, topic, visibility, or archive."""
    room = authorize(tx, actor, "updateConversation", asked.conversation_id)
    values: dict[str, Any] = {}
    change = "updated"
    if asked.name is not None:
        name = fold_channel_name(asked.name)
        if name != room.name:
            values["name"], change = name, "renamed"
            if room.kind == "channel":
                values["skeleton"] = _free(tx, name, room.conversation_id)
    if asked.topic is not None and asked.topic != room.topic:
        values["topic"], change = asked.topic, "topic"
    if asked.visibility is not None and asked.visibility != room.visibility:
        if room.kind != "channel":
            raise Refused(Code.FORBIDDEN, "Only a channel can be public.", field="visibility")
        values["visibility"], change = asked.visibility, "visibility"
    if asked.archived is not None and asked.archived != room.archived:
        values["archived"], change = asked.archived, "archived"
    if not values:
        return Outcome(SeqAck(seq=room.head_seq))
    rooms.update(tx, room.conversation_id, **values)
    info = _room(tx, room.conversation_id, actor.user_id).info(shared=True)
    event = log.add_conversation_event(
        tx, actor.user, info, change if len(values) == 1 or change == "renamed" else "updated"
    )
    return Outcome(SeqAck(seq=event.seq), (Publish(event),))


def invite(tx: Tx, actor: Actor, asked: Invite) -> Outcome:
    """Make a person a member."""
    room = authorize(tx, actor, "invite", asked.conversation_id)
    person = _person(tx, asked.user_id, "userId")
    if rooms.role_of(tx, room.conversation_id, person.user_id):
        return Outcome(SeqAck(seq=room.head_seq))
    deliveries = _added(tx, actor.user, room.conversation_id, person, "invited")
    return Outcome(SeqAck(seq=room.head_seq + 1), tuple(deliveries))


def remove(tx: Tx, actor: Actor, asked: Remove) -> Outcome:
    """End a person's membership; only an owner removes an owner or a moderator."""
    room = authorize(tx, actor, "remove", asked.conversation_id)
    role = rooms.role_of(tx, room.conversation_id, asked.user_id)
    if not role:
        return Outcome(SeqAck(seq=room.head_seq))
    if asked.user_id == actor.user_id:
        raise Refused(Code.BAD_REQUEST, "To go oneself, leave.", field="userId")
    if role != "member" and room.role != "owner":
        raise Refused(Code.FORBIDDEN, "Only an owner removes that person.", field="userId")
    person = people.infos(tx, [asked.user_id])[asked.user_id]
    deliveries = _gone(tx, actor.user, room.conversation_id, person, "removed", role)
    return Outcome(SeqAck(seq=room.head_seq + 1), deliveries)


def set_role(tx: Tx, actor: Actor, asked: SetRole) -> Outcome:
    """Give a member another role; the last owner stays one."""
    room = authorize(tx, actor, "setRole", asked.conversation_id)
    role = rooms.role_of(tx, room.conversation_id, asked.user_id)
    if not role:
        raise Refused(Code.NOT_FOUND, "That person is no member.", field="userId")
    if role == asked.role:
        return Outcome(SeqAck(seq=room.head_seq))
    if role == "owner" and rooms.owners(tx, room.conversation_id) == 1:
        raise Refused(Code.FORBIDDEN, "There must be an owner; name another first.", field="role")
    person = people.infos(tx, [asked.user_id])[asked.user_id]
    event = _role(tx, actor.user, room.conversation_id, person, asked.role)
    return Outcome(SeqAck(seq=event.event.seq), (event,))


def join(tx: Tx, actor: Actor, asked: Join) -> Outcome:
    """Become a member of a public channel."""
    room = authorize(tx, actor, "join", asked.conversation_id)
    deliveries: list[Delivery] = []
    if not room.role:
        deliveries = _added(tx, actor.user, room.conversation_id, actor.user, "joined")
    now = _room(tx, room.conversation_id, actor.user_id)
    return Outcome(JoinAck(conversation=now.info(), head_seq=now.head_seq), tuple(deliveries))


def leave(tx: Tx, actor: Actor, asked: Leave) -> Outcome:
    """Stop being a member; the last owner hands over to whoever has been there longest."""
    room = authorize(tx, actor, "leave", asked.conversation_id)
    deliveries: list[Delivery] = []
    if room.role == "owner":
        heir = rooms.heir(tx, room.conversation_id, actor.user_id)
        if heir is not None:
            person = people.infos(tx, [heir])[heir]
            deliveries.append(_role(tx, actor.user, room.conversation_id, person, "owner"))
    deliveries += _gone(tx, actor.user, room.conversation_id, actor.user, "left", room.role)
    return Outcome(EmptyAck(), tuple(deliveries))


def _free(tx: Tx, name: str, own: str = "") -> str:
    """The skeleton of a channel name that nobody else has."""
    look = skeleton(name)
    if rooms.by_skeleton(tx, look) not in (None, own):
        raise Refused(Code.NAME_TAKEN, "A channel of that name exists.", field="name")
    return look


def _person(tx: Tx, user_id: str, field: str) -> UserInfo:
    account = people.by_id(tx, user_id)
    if account is None or account.disabled:
        raise Refused(Code.NOT_FOUND, "There is no such person.", field=field)
    return account.info


def _room(tx: Tx, conversation_id: str, user_id: str) -> Room:
    room = rooms.find(tx, conversation_id, user_id)
    if room is None:
        raise not_found()
    return room


def _created(tx: Tx, by: UserInfo, conversation_id: str, members: list[str]) -> list[Delivery]:
    info = _room(tx, conversation_id, by.user_id).info(shared=True)
    event = log.add_conversation_event(tx, by, info, "created")
    return [*(Enter(user_id, conversation_id) for user_id in members), Publish(event)]


def _added(
    tx: Tx, by: UserInfo, conversation_id: str, person: UserInfo, change: str
) -> list[Delivery]:
    event = log.add_member_event(tx, conversation_id, by, person, change, "member")
    # What was said before one came is there to be read, but is not unread.
    rooms.add_member(tx, conversation_id, person.user_id, "member", event.seq)
    return [Enter(person.user_id, conversation_id), Publish(event)]


def _gone(
    tx: Tx, by: UserInfo, conversation_id: str, person: UserInfo, change: str, role: str
) -> tuple[Delivery, ...]:
    rooms.drop_member(tx, conversation_id, person.user_id)
    event = log.add_member_event(tx, conversation_id, by, person, change, role)
    # Whatever of the conversation still waits for the leaver is dropped; this is the last thing.
    return (
        Exit(person.user_id, conversation_id),
        Publish(event),
        TellUser(person.user_id, "member", event),
    )


def _role(tx: Tx, by: UserInfo, conversation_id: str, person: UserInfo, role: str) -> Publish:
    rooms.set_role(tx, conversation_id, person.user_id, role)
    return Publish(log.add_member_event(tx, conversation_id, by, person, "role", role))
