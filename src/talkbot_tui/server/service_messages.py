"""The rules of messages: post, edit, delete, react. Each is one unit of the writer."""

from __future__ import annotations

from talkbot_tui.core.text import is_blank
from talkbot_tui.server.authorization import authorize
from talkbot_tui.server.ids import new_id
from talkbot_tui.server.outcome import Actor, Delivery, Outcome, Publish, StreamBegins, StreamEnds
from talkbot_tui.server.storage import log, messages, people
from talkbot_tui.server.storage.messages import Stored
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.acks import EditAck, MessageAck, PlacedAck
from talkbot_tui.wire.client_events import Delete, Edit, React, SendMessage
from talkbot_tui.wire.errors import Code, Refused
from talkbot_tui.wire.server_events import DeleteEvent, EditEvent, MessageEvent, ReactionEvent

EMOJIS_MAX = 50


def post(tx: Tx, actor: Actor, asked: SendMessage) -> Outcome:
    """Store a message, or answer a repeat as the first time."""
    content = messages.digest(
        asked.conversation_id, asked.text, asked.reply_to, asked.format, asked.streaming
    )
    first = messages.by_client_id(tx, actor.user_id, asked.client_msg_id)
    if first is not None:
        if first.digest != content:
            raise Refused(
                Code.ID_CONFLICT, "That id was used for another message.", field="clientMsgId"
            )
        return Outcome(MessageAck(server_msg_id=first.server_msg_id, seq=first.seq, ts=first.ts))
    authorize(tx, actor, "message", asked.conversation_id)
    _refuse_blank(asked.text)
    if asked.streaming and not actor.user.bot:
        raise Refused(Code.FORBIDDEN, "Only bots stream.", field="streaming")
    if asked.reply_to and messages.find(tx, asked.conversation_id, asked.reply_to) is None:
        raise Refused(Code.NOT_FOUND, "There is no such message to reply to.", field="replyTo")
    server_msg_id = new_id()
    mentions = people.mentioned_members(tx, asked.conversation_id, asked.text)
    seq = log.add(tx, asked.conversation_id, "message", actor.user_id, server_msg_id=server_msg_id)
    messages.insert(
        tx,
        mentions,
        server_msg_id=server_msg_id,
        conversation_id=asked.conversation_id,
        seq=seq,
        sender_id=actor.user_id,
        client_msg_id=asked.client_msg_id,
        digest=content,
        text=asked.text,
        reply_to=asked.reply_to,
        format=asked.format,
        streaming=asked.streaming,
    )
    event = MessageEvent(
        conversation_id=asked.conversation_id,
        seq=seq,
        ts=tx.now,
        sender=actor.user,
        server_msg_id=server_msg_id,
        client_msg_id=asked.client_msg_id,
        text=asked.text,
        mentions=mentions,
        reply_to=asked.reply_to,
        format=asked.format,
        streaming=asked.streaming,
        bot=actor.user.bot,
    )
    deliveries: list[Delivery] = [Publish(event)]
    if asked.streaming:
        deliveries.append(
            StreamBegins(asked.conversation_id, server_msg_id, actor.user_id, asked.text)
        )
    return Outcome(MessageAck(server_msg_id=server_msg_id, seq=seq, ts=tx.now), tuple(deliveries))


def edit(tx: Tx, actor: Actor, asked: Edit) -> Outcome:
    """Give a message of one's own another text."""
    authorize(tx, actor, "edit", asked.conversation_id)
    _refuse_blank(asked.text)
    old = _own(tx, actor, asked.conversation_id, asked.server_msg_id)
    if asked.streaming and not actor.user.bot:
        raise Refused(Code.FORBIDDEN, "Only bots stream.", field="streaming")
    if asked.base_revision != old.revision:
        raise Refused(
            Code.EDIT_CONFLICT,
            "The message was edited meanwhile.",
            current=old.text,
            revision=old.revision,
        )
    return _rewritten(tx, actor, old, asked.text, asked.streaming, asked.outcome)


def _rewritten(
    tx: Tx, actor: Actor, old: Stored, text: str, streaming: bool, outcome: str | None
) -> Outcome:
    mentions = people.mentioned_members(tx, old.conversation_id, text)
    revision = old.revision + 1
    seq = log.add(tx, old.conversation_id, "edit", actor.user_id, server_msg_id=old.server_msg_id)
    messages.rewrite(
        tx,
        old,
        seq,
        mentions,
        text=text,
        revision=revision,
        streaming=streaming,
        outcome=outcome,
    )
    event = EditEvent(
        conversation_id=old.conversation_id,
        seq=seq,
        ts=tx.now,
        sender=actor.user,
        server_msg_id=old.server_msg_id,
        text=text,
        revision=revision,
        mentions=mentions,
        streaming=streaming,
        outcome=outcome,  # type: ignore[arg-type]  # decoded from the contract's words
    )
    deliveries: list[Delivery] = [Publish(event)]
    if streaming:
        deliveries.append(StreamBegins(old.conversation_id, old.server_msg_id, actor.user_id, text))
    else:
        deliveries.append(StreamEnds(old.server_msg_id))
    return Outcome(EditAck(seq=seq, revision=revision, ts=tx.now), tuple(deliveries))


def fail_orphans(tx: Tx) -> Outcome:
    """End the streams that nobody will go on with: their bot's connection died with us."""
    deliveries: list[Delivery] = []
    orphans = messages.streaming(tx)
    senders = people.infos(tx, {old.sender_id for old in orphans})
    for old in orphans:
        actor = Actor(senders[old.sender_id])
        deliveries += _rewritten(tx, actor, old, old.text, False, "failed").deliveries
    return Outcome(deliveries=tuple(deliveries))


def fail_stream(tx: Tx, conversation_id: str, server_msg_id: str, text: str | None) -> Outcome:
    """End one stream whose bot has gone away; None leaves the text that is stored."""
    old = messages.find(tx, conversation_id, server_msg_id)
    if old is None or not old.streaming or old.deleted:
        return Outcome(deliveries=(StreamEnds(server_msg_id),))
    actor = Actor(people.infos(tx, [old.sender_id])[old.sender_id])
    return _rewritten(tx, actor, old, old.text if text is None else text, False, "failed")


def delete(tx: Tx, actor: Actor, asked: Delete) -> Outcome:
    """Erase a message; one's own, or as an owner or moderator anybody's."""
    room = authorize(tx, actor, "delete", asked.conversation_id)
    old = messages.find(tx, asked.conversation_id, asked.server_msg_id)
    if old is None:
        raise _no_message()
    if old.sender_id != actor.user_id and room.role == "member":
        raise Refused(Code.FORBIDDEN, "That message is somebody else's.")
    if old.deleted:
        return Outcome(PlacedAck(seq=max(1, room.head_seq), ts=tx.now))
    seq = log.add(tx, old.conversation_id, "delete", actor.user_id, server_msg_id=old.server_msg_id)
    messages.erase(tx, old, seq)
    event = DeleteEvent(
        conversation_id=old.conversation_id,
        seq=seq,
        ts=tx.now,
        sender=actor.user,
        server_msg_id=old.server_msg_id,
    )
    return Outcome(PlacedAck(seq=seq, ts=tx.now), (Publish(event), StreamEnds(old.server_msg_id)))


def react(tx: Tx, actor: Actor, asked: React) -> Outcome:
    """Put a reaction under a message, or take it away; what is so already changes nothing."""
    room = authorize(tx, actor, "react", asked.conversation_id)
    old = messages.find(tx, asked.conversation_id, asked.server_msg_id)
    if old is None or old.deleted:
        raise _no_message()
    if messages.reacted(tx, old.server_msg_id, actor.user_id, asked.emoji) == asked.on:
        return Outcome(PlacedAck(seq=max(1, room.head_seq), ts=tx.now))
    shown = log.reactions(tx, [old.server_msg_id]).get(old.server_msg_id, [])
    if asked.on and len({info.emoji for info in shown} | {asked.emoji}) > EMOJIS_MAX:
        raise Refused(Code.LIMIT, "That message has too many different reactions.")
    seq = log.add(
        tx,
        old.conversation_id,
        "reaction",
        actor.user_id,
        server_msg_id=old.server_msg_id,
        body={"emoji": asked.emoji, "on": asked.on},
    )
    messages.react(tx, old.server_msg_id, actor.user_id, asked.emoji, seq, on=asked.on)
    messages.touch(tx, old, seq)
    event = ReactionEvent(
        conversation_id=old.conversation_id,
        seq=seq,
        ts=tx.now,
        sender=actor.user,
        server_msg_id=old.server_msg_id,
        emoji=asked.emoji,
        on=asked.on,
        reactions=log.reactions(tx, [old.server_msg_id]).get(old.server_msg_id, []),
    )
    return Outcome(PlacedAck(seq=seq, ts=tx.now), (Publish(event),))


def _own(tx: Tx, actor: Actor, conversation_id: str, server_msg_id: str) -> Stored:
    old = messages.find(tx, conversation_id, server_msg_id)
    if old is None or old.deleted:
        raise _no_message()
    if old.sender_id != actor.user_id:
        raise Refused(Code.FORBIDDEN, "That message is somebody else's.")
    return old


def _refuse_blank(text: str) -> None:
    if is_blank(text):
        raise Refused(Code.EMPTY, "The text is empty.", field="text")


def _no_message() -> Refused:
    return Refused(Code.NOT_FOUND, "There is no such message.", field="serverMsgId")
