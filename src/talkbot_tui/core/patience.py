"""Messages that waited so long that sending them is no longer what their author meant.

After minutes without a link the talk may have moved on: the room is held until its
author has looked (only where there is somebody to ask). After two days a message is
never sent by itself; it stays, visibly expired.
"""

from __future__ import annotations

from talkbot_tui.core import echoes
from talkbot_tui.core.events import SendHeld
from talkbot_tui.core.model import Message, MessagePosted, RoomSnapshot, SendState
from talkbot_tui.core.room_list import Room
from talkbot_tui.core.state import State

ASK_AFTER_MS = 10 * 60 * 1000
EXPIRE_AFTER_MS = 48 * 60 * 60 * 1000
EXPIRED = "expired: It waited for more than 48 hours."


def expire(state: State) -> None:
    """Fail what has waited too long; what is on its way may be stored, and stays."""
    for message in state.outbox.all():
        waits = message.state is SendState.QUEUED
        if waits and _age(state, message) >= EXPIRE_AFTER_MS:
            echoes.fail(state, message, EXPIRED)


def hold(state: State, room: Room, snap: RoomSnapshot, cursor: int) -> None:
    """Hold a room's lane if others wrote above `cursor` while our messages waited.

    What the answer had no room for is taken for theirs: better asked once too often.
    """
    if not state.asks:
        return
    moved_on = snap.from_seq > cursor + 1 or any(
        isinstance(event, MessagePosted)
        and event.seq > cursor
        and event.sender.user_id != state.me.user_id
        for event in snap.events
    )
    waiting = [m for m in state.outbox.messages(room.id) if m.state is SendState.QUEUED]
    if not moved_on or not any(_age(state, m) >= ASK_AFTER_MS for m in waiting):
        return
    room.held = True
    for message in waiting:
        state.facts.delayed(message.client_msg_id, "held")
    state.touch(room)


def _age(state: State, message: Message) -> int:
    """How long ago it was composed, by the clock that stamped it: ours may be far ahead of it."""
    return state.now - state.inner(message.ts)


def send_held(state: State, event: SendHeld) -> None:
    """The author has looked and wants them sent."""
    room = state.rooms.get(event.conversation_id)
    if room is not None and room.held:
        room.held = False
        state.touch(room)
        echoes.pump(state, room.id)
