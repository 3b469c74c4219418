"""Our own messages on their way: from the composer to disk, to the server, to their place."""

from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core import echoes, intake
from talkbot_tui.core.arrivals import (
    MessageAcked,
    MessageRefused,
    MessageUnanswered,
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
from talkbot_tui.core.outbox import TRIES_MAX
from talkbot_tui.core.state import State

WILL_PASS = frozenset({"rate_limited", "busy", "storage_full"})
"""Refusals that say nothing about the message: tried again for as long as it takes."""

UNANSWERED_MAX = 2
"""So many missing answers in a row, and the link itself is doubted."""


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
    )
    state.outbox.add(message)
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
        state=SendState.SENT,
        error="",
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
        event.code in WILL_PASS or state.outbox.tries(event.client_msg_id) < TRIES_MAX
    )
    if passing:
        ready_at = state.inner(event.retry_at)
        message = state.outbox.postpone(event.client_msg_id, state.now, ready_at)
        if message is not None:
            echoes.show(state, message)
    else:
        echoes.fail(state, held, f"{event.code}: {event.message}")
    echoes.pump(state, held.conversation_id)


def unanswered(state: State, event: MessageUnanswered) -> None:
    """It may or may not be stored: queued again, under the same id."""
    message = state.outbox.postpone(event.client_msg_id, state.now)
    if message is None:
        return
    echoes.show(state, message)
    if state.link.online and state.outbox.tries(event.client_msg_id) >= UNANSWERED_MAX:
        state.emit(Reconnect("unanswered"))
    echoes.pump(state, message.conversation_id)


def retry(state: State, event: Retry) -> None:
    """Send a failed message again, after those that wait already."""
    message = state.outbox.retry(event.client_msg_id)
    if message is None:
        return
    echoes.hide(state, message)
    echoes.show(state, message)
    state.emit(UpdateLocal(message))
    echoes.pump(state, message.conversation_id)


def discard(state: State, event: Discard) -> None:
    """Give up a message, unless it is on its way and may be stored already."""
    held = state.outbox.get(event.client_msg_id)
    if held is None:
        return
    if held.state in (SendState.SENDING, SendState.SAVING):
        state.notice("already_sent", conversation_id=held.conversation_id)
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
