"""Our own messages on their way: from the composer to disk, to the server, to their place."""

from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core import echoes, intake
from talkbot_tui.core.arrivals import (
    MessageAcked,
    MessageRefused,
    MessageUnanswered,
    MessageUnconfirmed,
    MessageUnsent,
    OperationRefused,
    Saved,
    SaveFailed,
)
from talkbot_tui.core.changes import DraftReturned
from talkbot_tui.core.effects import (
    DropLocal,
    Reconnect,
    SaveLocal,
    SendDelete,
    SendEdit,
    SendReaction,
    SendStop,
    SendTyping,
    UpdateLocal,
)
from talkbot_tui.core.events import (
    Compose,
    DeleteMessage,
    Discard,
    EditMessage,
    React,
    Retry,
    StopStream,
)
from talkbot_tui.core.model import Message, MessagePosted, SendState
from talkbot_tui.core.outbox import TRIES_MAX, UNANSWERED_MAX
from talkbot_tui.core.state import State

WILL_PASS = frozenset({"rate_limited", "busy", "storage_full", "disk_full"})
"""Refusals that say nothing about the message: tried again for as long as it takes."""

ABSENT = frozenset({"id_conflict", "bad_request", "too_large", "empty"})
"""Refusals of the id and the content themselves: an earlier attempt met the same one.

`forbidden`, `archived` and the like depend on the hour: an earlier attempt may have been
taken, and not every server looks the id up before it looks at the author's rights.
"""


def compose(state: State, event: Compose) -> None:
    """Show the message at once and ask that it be saved; it is sent when it is."""
    if event.client_msg_id in state.outbox:
        return
    if not event.text or len(event.text) > state.text_max:
        _turn_away(state, event)
        return
    message = Message(
        key=event.client_msg_id,
        conversation_id=event.conversation_id,
        sender=state.me,
        text=event.text,
        ts=event.at,
        client_msg_id=event.client_msg_id,
        state=SendState.SAVING,
        reply_to=event.reply_to,
        format=event.format,
        streaming=event.streaming,
        attempted=state.link.online,
    )
    waiting = state.outbox.counts(event.conversation_id)[1]
    state.outbox.add(message)
    state.facts.note(message.client_msg_id, composed_at=state.now)
    if not state.link.online:
        state.facts.delayed(message.client_msg_id, "offline")
    elif waiting:
        state.facts.delayed(message.client_msg_id, "turn")
    state.rooms.ensure(event.conversation_id).draft = ""
    echoes.show(state, message)
    state.emit(SaveLocal(message))
    if state.typing_told.pop(event.conversation_id, 0) and state.link.online:
        state.emit(SendTyping(event.conversation_id, on=False))
    state.cancel("typing_told", event.conversation_id)


def _turn_away(state: State, event: Compose) -> None:
    """A text that no server takes: say so, and let nobody wait for it."""
    if event.text:
        state.changes.add(DraftReturned(event.conversation_id, event.text, "too_large"))
    else:
        state.notice("empty", conversation_id=event.conversation_id)
    state.emit(DropLocal(event.client_msg_id))


def saved(state: State, event: Saved) -> None:
    """The echo is on disk: promised, and sent in its turn."""
    message = state.outbox.saved(event.client_msg_id)
    if message is not None:
        state.facts.note(message.client_msg_id, saved_at=state.now)
        echoes.show(state, message)
        echoes.pump(state, message.conversation_id)


def save_failed(state: State, event: SaveFailed) -> None:
    """The echo could not be kept: its text goes back to its author."""
    held = state.outbox.get(event.client_msg_id)
    if held is None or held.state is not SendState.SAVING:
        return
    state.outbox.remove(event.client_msg_id)
    echoes.hide(state, held)
    state.changes.add(DraftReturned(held.conversation_id, held.text, event.reason))
    echoes.pump(state, held.conversation_id)


def acked(state: State, event: MessageAcked) -> None:
    """The server has our message; unless its broadcast said so before."""
    _placed(state, event, SendState.SENT)


def unconfirmed(state: State, event: MessageUnconfirmed) -> None:
    """It may have arrived or not: it takes its place, marked, and is never sent again."""
    _placed(state, event, SendState.UNCONFIRMED)


def unsent(state: State, event: MessageUnsent) -> None:
    """The link was gone before it could be handed over: it waits for the next."""
    message = state.outbox.unsent(event.client_msg_id)
    if message is not None:
        state.facts.delayed(event.client_msg_id, "offline")
        echoes.show(state, message)
        state.emit(UpdateLocal(message))
        echoes.pump(state, message.conversation_id)


def _placed(state: State, event: MessageAcked | MessageUnconfirmed, as_: SendState) -> None:
    """Our message has this place in the log now."""
    held = state.outbox.get(event.client_msg_id)
    if held is None:
        return
    message = replace(
        held,
        sender=state.me,
        server_msg_id=event.server_msg_id,
        seq=event.seq,
        changed_seq=event.seq,
        ts=event.ts,
        state=as_,
        error="",
        attempted=False,
    )
    posted = MessagePosted(held.conversation_id, event.seq, event.ts, state.me, message)
    room = state.rooms.ensure(held.conversation_id)
    if room.known:
        intake.take_own(state, room, posted)
    else:
        # The conversation is news to us; the sync brings the message at its place.
        echoes.confirm(state, message)
        echoes.drop_confirmed(state)
        state.request_sync()
    echoes.pump(state, held.conversation_id)


def refused(state: State, event: MessageRefused) -> None:
    """Not stored: wait in the lane if that may help, else fail and let the lane go on."""
    held = state.outbox.get(event.client_msg_id)
    if held is None or held.state is SendState.FAILED:
        return
    passing = event.retryable and (
        event.code in WILL_PASS
        or state.outbox.refusals(event.client_msg_id, event.code) < TRIES_MAX
    )
    if passing:
        ready_at = state.inner(event.retry_at)
        message = state.outbox.postpone(event.client_msg_id, state.now, ready_at, code=event.code)
        if message is not None:
            state.facts.delayed(event.client_msg_id, "refused", event.code)
            echoes.show(state, message)
    else:
        absent = event.code in ABSENT or _reply_is_lost(state, held, event.code)
        echoes.fail(state, held, f"{event.code}: {event.message}", absent=absent)
    echoes.pump(state, held.conversation_id)


def _reply_is_lost(state: State, message: Message, code: str) -> bool:
    """Whether `not_found` is said of what `message` replies to: of the room it means removal."""
    member = state.rooms.known(message.conversation_id) is not None
    return code == "not_found" and bool(message.reply_to) and member


def unanswered(state: State, event: MessageUnanswered) -> None:
    """It may or may not be stored: queued again, under the same id."""
    message = state.outbox.postpone(event.client_msg_id, state.now, code=None)
    if message is None:
        return
    state.facts.delayed(event.client_msg_id, "unanswered")
    echoes.show(state, message)
    if state.link.online and state.outbox.silences(event.client_msg_id) >= UNANSWERED_MAX:
        state.emit(Reconnect("unanswered"))
    echoes.pump(state, message.conversation_id)


def retry(state: State, event: Retry) -> None:
    """Send a failed message again, after those that wait already."""
    message = state.outbox.retry(event.client_msg_id, state.clock)
    if message is None:
        return
    state.facts.delayed(event.client_msg_id, "retried")
    echoes.hide(state, message)
    echoes.show(state, message)
    state.emit(UpdateLocal(message))
    echoes.pump(state, message.conversation_id)


def discard(state: State, event: Discard) -> None:
    """Give up a message, unless it is on its way or may be stored already."""
    held = state.outbox.get(event.client_msg_id)
    if held is None:
        return
    if not state.outbox.may_discard(event.client_msg_id):
        underway = held.state in (SendState.SENDING, SendState.SAVING)
        code = "already_sent" if underway else "may_be_sent"
        state.notice(code, conversation_id=held.conversation_id)
        return
    state.outbox.remove(event.client_msg_id)
    echoes.hide(state, held)
    state.emit(DropLocal(event.client_msg_id))
    state.cancel("lane", held.conversation_id)
    echoes.pump(state, held.conversation_id)


# --- what is done to messages that the server has -----------------------------------


def edit(state: State, event: EditMessage) -> None:
    """Ask for other words; the answer comes as a log event."""
    if not _may_ask(state, event.conversation_id, event.server_msg_id):
        return
    message = find_message(state, event.conversation_id, event.server_msg_id)
    state.emit(
        SendEdit(
            conversation_id=event.conversation_id,
            server_msg_id=event.server_msg_id,
            text=event.text,
            client_op_id=event.client_op_id,
            base_revision=message.revision if message else 0,
            streaming=event.streaming,
            outcome=event.outcome,
        )
    )


def delete(state: State, event: DeleteMessage) -> None:
    """Ask that a message go."""
    if _may_ask(state, event.conversation_id, event.server_msg_id):
        state.emit(SendDelete(event.conversation_id, event.server_msg_id, event.client_op_id))


def react(state: State, event: React) -> None:
    """Ask for an emoji under a message, or its removal."""
    if _may_ask(state, event.conversation_id, event.server_msg_id):
        state.emit(
            SendReaction(
                event.conversation_id,
                event.server_msg_id,
                event.emoji,
                event.on,
                event.client_op_id,
            )
        )


def stop_stream(state: State, event: StopStream) -> None:
    """Ask a bot to end its answer."""
    if _may_ask(state, event.conversation_id, event.server_msg_id):
        state.emit(SendStop(event.conversation_id, event.server_msg_id))


def operation_refused(state: State, event: OperationRefused) -> None:
    """Tell the user in the server's words."""
    state.notice(event.code, event.message, event.conversation_id)


def find_message(state: State, conversation_id: str, server_msg_id: str) -> Message | None:
    """A message that is in memory: on the screen, or one of our latest."""
    room = state.rooms.get(conversation_id)
    if room is None:
        return None
    return room.timeline.message(server_msg_id) or room.mine.get(server_msg_id)


def _may_ask(state: State, conversation_id: str, server_msg_id: str) -> bool:
    if not server_msg_id:
        state.notice("not_sent", conversation_id=conversation_id)
        return False
    if not state.link.online:
        state.notice("offline", conversation_id=conversation_id)
        return False
    return True
