"""How a message changes: edits, deletions, reactions and newer copies, in any order.

Text, deletion and reactions are three registers with rules of their own, since
with a gap in the log they may come in any order:

- text: the higher `revision` wins; at equal revisions, the later seq.
- deletion: wins over everything and is final.
- reactions: each event carries the whole set, so the highest seq wins. What a
  copy from the server says is true up to its `changed_seq`.

Every function gives the same value back when nothing changes, so that callers
can compare by identity.
"""

from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core.model import (
    Message,
    MessageDeleted,
    MessageEdited,
    ReactionsChanged,
)
from talkbot_tui.core.text import clean

Mutation = MessageEdited | MessageDeleted | ReactionsChanged
"""The log events that change a message instead of adding a row."""


def reacted(message: Message) -> int:
    """Seq up to which this value knows the reactions."""
    return message.reacted_seq or message.changed_seq or message.seq


def apply(message: Message, event: Mutation) -> Message:
    """`message` after `event`; the same value when the event is old or changes nothing."""
    match event:
        case MessageDeleted():
            return bury(message, event.seq)
        case MessageEdited():
            return _edit(message, event)
        case ReactionsChanged():
            return _react(message, event)


def bury(message: Message, seq: int) -> Message:
    """The tombstone of `message`: its place stays, its words go."""
    if message.deleted:
        return message
    return replace(
        message,
        text="",
        size=0,
        mentions=(),
        reactions=(),
        deleted=True,
        streaming=False,
        outcome=None,
        changed_seq=max(message.changed_seq, seq),
        reacted_seq=0,
    )


def _edit(message: Message, event: MessageEdited) -> Message:
    if message.deleted or event.revision < message.revision:
        return message
    if event.revision == message.revision and event.seq <= message.changed_seq:
        return message
    changed = max(message.changed_seq, event.seq)
    return replace(
        message,
        text=event.text,
        size=0,
        revision=event.revision,
        mentions=event.mentions,
        streaming=event.streaming,
        outcome=event.outcome,
        changed_seq=changed,
        reacted_seq=(message.reacted_seq if changed == message.changed_seq else reacted(message)),
    )


def _react(message: Message, event: ReactionsChanged) -> Message:
    if message.deleted or event.seq <= reacted(message):
        return message
    changed = max(message.changed_seq, event.seq)
    return replace(
        message,
        reactions=event.reactions,
        changed_seq=changed,
        reacted_seq=0 if changed == event.seq else event.seq,
    )


def merge(held: Message, copy: Message) -> Message:
    """What is known after the server served `copy` of a message that is already held."""
    if held == copy or held.deleted:
        return held
    if copy.deleted:
        return bury(held, copy.changed_seq or copy.seq)
    changed = max(held.changed_seq, copy.changed_seq)
    newer_reactions = reacted(copy) >= reacted(held)
    known = max(reacted(copy), reacted(held))
    merged = replace(
        held,
        reactions=copy.reactions if newer_reactions else held.reactions,
        changed_seq=changed,
        reacted_seq=0 if known == changed else known,
        ts=copy.ts,
        sender=copy.sender,
        reply_to=copy.reply_to,
        format=copy.format or held.format,
        state=copy.state,
    )
    if _newer_text(held, copy):
        merged = replace(
            merged,
            text=copy.text,
            size=copy.size,
            revision=copy.revision,
            mentions=copy.mentions,
            streaming=copy.streaming,
            outcome=copy.outcome,
        )
    return held if merged == held else merged


def _newer_text(held: Message, copy: Message) -> bool:
    if copy.revision != held.revision:
        return copy.revision > held.revision
    if held.streaming and copy.streaming:
        # The server writes a stream down once a second; ours may be ahead of that.
        return not held.text.startswith(copy.text)
    if copy.streaming:
        return False
    return held.streaming or copy.changed_seq >= held.changed_seq


def extend(message: Message, offset: int, delta: str, size: int = 0) -> Message | None:
    """`message` with a piece of its stream; None when a piece before it is missing.

    A piece that is already contained gives the same value. `offset` and `size`
    count the code points that were sent, `delta` may have been cleaned since.
    """
    size = size or len(delta)
    have = message.size or len(message.text)
    exact = not message.size and size == len(delta)
    if offset < have and exact:
        known = message.text[offset:]
        if known.startswith(delta):
            return message
        if not delta.startswith(known):
            return None
        return replace(message, text=message.text[:offset] + delta)
    if offset != have:
        return None
    text = message.text + delta
    if not delta.isascii():
        # Marks that were split over several pieces may add up to a flood.
        text = clean(text)
    total = have + size
    return replace(message, text=text, size=0 if total == len(text) else total)
