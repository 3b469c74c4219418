"""Events of the log as lines for people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from talkbot_tui import i18n
from talkbot_tui.core.text import clean, clean_name

_ = i18n.Domain("cli")


class Lines:
    """Lines for people; an answer that grows is shown once, when it is whole."""

    def __init__(self) -> None:
        self._growing: set[object] = set()

    def line(self, event: dict[str, Any]) -> str:
        """One event, or "" where there is nothing to show yet."""
        kind, message_id = event.get("type"), event.get("serverMsgId")
        if kind == "message" and event.get("streaming"):
            self._growing.add(message_id)
            return ""
        if kind == "edit" and event.get("outcome"):
            if message_id not in self._growing:
                # The message itself came with the whole text.
                return ""
            self._growing.discard(message_id)
            return line({**event, "type": "message"})
        return line(event)


def line(event: dict[str, Any]) -> str:
    """One event for a terminal, cleaned; "" for one that this version does not know.

    A message of several lines is indented, so that nobody's text can pass for
    another line of the log.
    """
    kind = event.get("type")
    words = _WORDS.get(kind) if isinstance(kind, str) else None
    if words is None:
        return ""
    at = _time(event.get("ts"))
    sender = event.get("sender")
    name = clean_name(str(sender.get("name", ""))) if isinstance(sender, dict) else ""
    return f"{at} {words(event, name)}"


def _time(ts: object) -> str:
    if not isinstance(ts, int):
        return "--:--"
    try:
        return datetime.fromtimestamp(ts / 1000).astimezone().strftime("%H:%M")
    except (OverflowError, OSError, ValueError):
        return "--:--"


def _text(event: dict[str, Any]) -> str:
    text = clean(str(event.get("text", "")))
    return text.replace("\n", "\n      ")


def _message(event: dict[str, Any], name: str) -> str:
    if event.get("deleted"):
        return _("{name}: (deleted)").format(name=name)
    return f"{name}: {_text(event)}"


def _edit(event: dict[str, Any], name: str) -> str:
    return _("{name} edited: {text}").format(name=name, text=_text(event))


def _delete(event: dict[str, Any], name: str) -> str:
    return _("{name} deleted a message").format(name=name)


def _reaction(event: dict[str, Any], name: str) -> str:
    emoji = clean_name(str(event.get("emoji", "")))
    if event.get("on"):
        return _("{name} reacted: {emoji}").format(name=name, emoji=emoji)
    return _("{name} took back: {emoji}").format(name=name, emoji=emoji)


def _member(event: dict[str, Any], name: str) -> str:
    user = event.get("user")
    subject = clean_name(str(user.get("name", ""))) if isinstance(user, dict) else ""
    words = {
        "joined": _("{subject} joined"),
        "left": _("{subject} left"),
        "invited": _("{name} invited {subject}"),
        "removed": _("{name} removed {subject}"),
        "role": _("{name} changed the role of {subject}"),
    }
    text = words.get(str(event.get("change")), _("{name} changed the members"))
    return text.format(name=name, subject=subject)


def _conversation(event: dict[str, Any], name: str) -> str:
    words = {
        "created": _("{name} created the room"),
        "renamed": _("{name} renamed the room"),
        "topic": _("{name} changed the topic"),
        "archived": _("{name} archived the room"),
    }
    return words.get(str(event.get("change")), _("{name} changed the room")).format(name=name)


_WORDS = {
    "message": _message,
    "edit": _edit,
    "delete": _delete,
    "reaction": _reaction,
    "member": _member,
    "conversation": _conversation,
}
