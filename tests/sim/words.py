"""Values in few words, for people who read a trace."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from talkbot_tui.core.model import (
    Conversation,
    Gap,
    Message,
    MessagePosted,
    RoomSummary,
    SendState,
    User,
)


def words(value: Any) -> str:
    """A value without what it has by default, and people and messages by their names."""
    match value:
        case User():
            return value.user_id
        case Conversation():
            return f"{value.conversation_id}:{value.role or '-'}"
        case Message():
            return _message(value)
        case MessagePosted():
            return f"#{value.seq} {_message(value.message)}"
        case RoomSummary():
            counts = f"head {value.head_seq} read {value.read_seq} unread {value.unread}"
            return f"{words(value.conversation)} {counts}"
        case Gap():
            return f"gap {value.first}…{value.last}"
        case tuple() | list():
            return f"[{', '.join(map(words, value))}]"
    if is_dataclass(value) and not isinstance(value, type):
        told = ", ".join(
            f"{item.name}={words(getattr(value, item.name))}"
            for item in fields(value)
            if item.name not in ("ts", "sender") and getattr(value, item.name) != _default(item)
        )
        return f"{type(value).__name__}({told})"
    return repr(value) if isinstance(value, (str, Exception)) else str(value)


def _message(value: Message) -> str:
    state = "" if value.state is SendState.SENT else f" {value.state.value}"
    reacted = f" {words(value.reactions)}" if value.reactions else ""
    gone = " deleted" if value.deleted else ""
    numbers = f"#{value.seq} r{value.revision} c{value.changed_seq}"
    return f"<{value.key} {value.server_msg_id} {numbers} {value.text!r}{reacted}{gone}{state}>"


def _default(item: Field[Any]) -> Any:
    return None if item.default is MISSING else item.default
