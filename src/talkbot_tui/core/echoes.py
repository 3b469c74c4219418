"""Local echoes and their lanes: sent in turn, confirmed, failed."""

from __future__ import annotations

from talkbot_tui.core.effects import DropLocal, SendMessage, UpdateLocal
from talkbot_tui.core.model import Message, SendState
from talkbot_tui.core.state import State


def pump(state: State, conversation_id: str) -> None:
    """Send this lane's next message, if the link and the lane are free."""
    room = state.rooms.get(conversation_id)
    if not state.link.online or (room is not None and room.held):
        return
    known = state.outbox.next(conversation_id)
    message = state.outbox.start(conversation_id, state.now)
    if message is not None:
        show(state, message)
        if known is not None and not known.attempted:
            # Written down before it goes: after a crash nobody could tell that it may be there.
            state.emit(UpdateLocal(message))
        state.facts.sent(message.client_msg_id, state.now)
        state.emit(SendMessage(message))
    elif (at := state.outbox.ready_at(conversation_id)) > state.now:
        state.timer("lane", at, conversation_id)


def pump_all(state: State) -> None:
    """Send the next message of every lane."""
    for conversation_id in state.outbox.conversations():
        pump(state, conversation_id)


def show(state: State, message: Message) -> None:
    """A local echo is as `message` says now."""
    room = state.rooms.ensure(message.conversation_id)
    state.changes.splices(room.id, room.timeline.put_local(message))
    state.touch(room)


def hide(state: State, message: Message) -> None:
    """A local echo is gone."""
    room = state.rooms.ensure(message.conversation_id)
    state.changes.splices(room.id, room.timeline.drop_local(message.client_msg_id))
    state.touch(room)


def confirm(state: State, message: Message) -> bool:
    """If `message` is one of our echoes, put it in its place; True when it was.

    Its copy in the outbox goes with `drop_confirmed`, once the message is saved.
    """
    if message.sender.user_id != state.me.user_id:
        return False
    if state.outbox.remove(message.client_msg_id) is None:
        return False
    room = state.rooms.ensure(message.conversation_id)
    timeline = room.timeline
    shown = timeline.drop_local(message.key) if room.gone else timeline.confirm(message)
    state.changes.splices(room.id, shown)
    state.cancel("lane", room.id)
    state.touch(room)
    state.confirmed.append(message.client_msg_id)
    if message.state is SendState.SENT:
        state.facts.note(message.client_msg_id, acked_at=state.now)
    return True


def drop_confirmed(state: State) -> None:
    """What was confirmed is saved elsewhere now: forget the echoes, let their lanes go on."""
    for client_msg_id in state.confirmed:
        state.emit(DropLocal(client_msg_id))
    if state.confirmed:
        state.confirmed.clear()
        pump_all(state)


def fail(state: State, message: Message, error: str, *, absent: bool = False) -> None:
    """The message stays, marked with why; its author decides.

    absent: the server is known not to have it.
    """
    failed = state.outbox.fail(message.client_msg_id, error, absent=absent)
    if failed is not None:
        state.emit(UpdateLocal(failed))
        show(state, failed)
