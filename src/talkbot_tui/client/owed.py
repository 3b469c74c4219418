"""What a store could not write yet, laid over what it can read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from talkbot_tui.client.store import StoreEffect
from talkbot_tui.core.arrivals import PageLoaded
from talkbot_tui.core.effects import ForgetAll, ForgetRoom, SaveEvents
from talkbot_tui.core.model import (
    LogEvent,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionsChanged,
)
from talkbot_tui.core.mutations import apply, merge


def with_owed(page: PageLoaded, owed: Iterable[StoreEffect], limit: int) -> Sequence[LogEvent]:
    """The events of `page` as they were if `owed` had been written before it was read.

    A page without them would have holes that nobody sees, since what is held is
    known by its seqs.
    """
    found = {event.seq: event for event in page.events}
    for effect in owed:
        match effect:
            case ForgetAll() | ForgetRoom(conversation_id=page.conversation_id):
                found.clear()
            case SaveEvents(conversation_id=page.conversation_id):
                for event in effect.events:
                    _put(found, event)
            case _:
                pass
    if page.after:
        return [found[seq] for seq in sorted(seq for seq in found if seq > page.after)[:limit]]
    seqs = sorted(seq for seq in found if not page.before or seq < page.before)
    return [found[seq] for seq in seqs[-limit:]]


def _put(found: dict[int, LogEvent], event: LogEvent) -> None:
    if isinstance(event, (MessageEdited, MessageDeleted, ReactionsChanged)):
        for seq, other in found.items():
            if (
                isinstance(other, MessagePosted)
                and other.message.server_msg_id == event.server_msg_id
            ):
                found[seq] = replace(other, message=apply(other.message, event))
        return
    old = found.get(event.seq)
    if isinstance(event, MessagePosted) and isinstance(old, MessagePosted):
        event = replace(event, message=merge(old.message, event.message))
    found[event.seq] = event
