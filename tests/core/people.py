"""Values that the core's tests have in common."""

from __future__ import annotations

from talkbot_tui.core.model import (
    Conversation,
    Kind,
    Message,
    MessagePosted,
    User,
)

ANA = User("u-ana", "ana")
BRUNO = User("u-bruno", "bruno")
CARLA = User("u-carla", "carla")


def channel(conversation_id: str = "c1", name: str = "geral") -> Conversation:
    return Conversation(conversation_id, Kind.CHANNEL, name)


def message(seq: int, sender: User = BRUNO, room: str = "c1", text: str = "") -> Message:
    return Message(
        key=f"m-{room}-{seq}",
        conversation_id=room,
        sender=sender,
        text=text or f"text {seq}",
        ts=seq * 1000,
        client_msg_id=f"x-{room}-{seq}",
        server_msg_id=f"m-{room}-{seq}",
        seq=seq,
        changed_seq=seq,
    )


def posted(seq: int, sender: User = BRUNO, room: str = "c1", text: str = "") -> MessagePosted:
    return MessagePosted(room, seq, seq * 1000, sender, message(seq, sender, room, text))
