"""Leaving a conversation, by our own will or not."""

from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core import echoes
from talkbot_tui.core.effects import ForgetRoom
from talkbot_tui.core.model import SendState
from talkbot_tui.core.room_list import Fetching, Room
from talkbot_tui.core.state import State

NOT_MEMBER = "not_member: You are no longer a member of this conversation."


def end(state: State, room: Room) -> None:
    """We are no member any more: forget the room, but never what was written and not sent.

    What the server may have already is not failed here but asked for again: it answers
    whoever wrote a message, member or not, and refuses what it does not have.
    """
    for message in state.outbox.messages(room.id):
        waits = message.state is SendState.QUEUED and state.outbox.may_discard(
            message.client_msg_id
        )
        if waits or message.state is SendState.SAVING:
            echoes.fail(state, message, NOT_MEMBER)
    echoes.drop_confirmed(state)
    state.emit(ForgetRoom(room.id))
    state.notice("not_member", room.conversation.name, room.id)
    forget(state, room)
    room.known = False
    room.gone = True
    # There is nothing left to ask: what still waits may be stored, and only sending it tells.
    room.held = False
    room.conversation = replace(room.conversation, role="")
    room.head_seq = room.read_seq = room.counted = 0
    room.unread = room.mentions = 0
    room.last_seq = room.last_ts = 0
    room.last_text = room.last_id = ""
    room.stored = None
    room.reads.clear()
    state.roster.forget(room.id)
    if state.open_id == room.id and not state.outbox.messages(room.id):
        state.open_id = ""
    state.changes.roster(room.id)
    state.touch(room)
    echoes.pump(state, room.id)


def forget(state: State, room: Room) -> None:
    """Nothing numbered is held of this room; local echoes stay."""
    room.timeline.forget()
    room.ahead.clear()
    room.tally.clear()
    room.mine.clear()
    room.fetching = Fetching()
    room.loading = room.renew = room.sought = room.at_top = False
    room.seek = 0
    state.cancel("hold", room.id)
    state.cancel("fetch", room.id)
    state.changes.reset(room.id)
