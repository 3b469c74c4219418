"""A first draft of a dialect, from what a server said by itself; people write the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from talkbot_tui.client.dialects.declared import KINDS
from talkbot_tui.core.text import clean_line

TEXTS = ("text", "message", "msg", "body", "content", "data")
AUTHORS = ("from", "username", "user", "author", "sender", "nickname", "nick", "name", "userId")
IDS = ("id", "serverMsgId", "messageId", "_id", "uuid")
TIMES = ("ts", "time", "timestamp", "createdAt", "date", "at")
ROOMS = ("room", "roomId", "conversationId", "channel", "channelId")
LINE_MAX = 200
_NAME = re.compile(r"[A-Za-z_][\w-]*")

HEAD = """\
# A draft, made by `talkbot-tui probe`. What is marked with ? is a guess: look into the server's
# code or its documentation. docs/dialects.md explains every key.
dialect = 1
name = {name}
"""
SENDING = """\

[rooms]
# ? single: no rooms; one: in one at a time; many
mode = "single"

# ? what a client sends first
# [login]
# emit = "add user"
# args = ["{me}"]
# answer = "login"

# ? with rooms: what a client sends to enter one
# [join]
# emit = "join"
# args = ["{room}"]

[send]
# ? the event of a message, and one element for each of its arguments
"""
NO_MESSAGE = """\

# ? none was heard; say something there with another client meanwhile
[[receive]]
event = "message"
is = "message"
author = "$.from"
text = "$.text"
"""


def draft(name: str, namespace: str, path: str, events: Mapping[str, Sequence[object]]) -> str:
    """The text of a file; `events`: what came by itself in that namespace, its arguments."""
    text = HEAD.format(name=_quoted(name))
    if namespace != "/" or path != "/socket.io":
        text += f"\n[connect]\nnamespace = {_quoted(namespace)}\npath = {_quoted(path)}\n"
    rules = {event: _rule(event, arguments) for event, arguments in events.items()}
    said = next((event for event, rule in rules.items() if 'is = "message"' in rule), "")
    text += SENDING + _send(said or "message", events.get(said))
    for rule in rules.values():
        text += "\n" + rule
    return text if said else text + NO_MESSAGE


def _send(event: str, arguments: Sequence[object] | None) -> str:
    """As it comes, so it may go: many servers pass on what they get."""
    first = arguments[0] if arguments else {"text": ""}
    shape = '"{text}"'
    if isinstance(first, dict):
        key = _among(first, TEXTS) or "text"
        shape = f'{{ {_key(key)} = "{{text}}" }}'
    lines = (f"emit = {_quoted(event)}", f"args = [{shape}]")
    return "\n".join((*lines, "# ? our own messages come back to us", "echo = false", ""))


def _rule(event: str, arguments: Sequence[object]) -> str:
    """What came, and a guess of what it is."""
    seen = clean_line(json.dumps(list(arguments), ensure_ascii=False), LINE_MAX)
    lines = [f"# came: {seen}", "[[receive]]", f"event = {_quoted(event)}"]
    first = arguments[0] if arguments else None
    author, text = (
        (_among(first, AUTHORS), _among(first, TEXTS)) if isinstance(first, dict) else ("", "")
    )
    if isinstance(first, dict) and author and text and author != text:
        lines += ['is = "message" # ?', f"author = {_way(author)}", f"text = {_way(text)}"]
        for field, names in (("id", IDS), ("time", TIMES), ("room", ROOMS)):
            if key := _among(first, names):
                lines.append(f"{field} = {_way(key)}")
    else:
        lines.append(f'is = "ignore" # ? {", ".join(KINDS)}')
    return "\n".join(lines) + "\n"


def _among(value: Mapping[str, object], names: Sequence[str]) -> str:
    """The first of these names under which there is a text or a number."""
    plain = (name for name in names if isinstance(value.get(name), (str, int, float)))
    return next(plain, "")


def _way(key: str) -> str:
    return _quoted(f"$.{key}")


def _key(name: str) -> str:
    return name if _NAME.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    """A basic string of TOML: JSON's escapes are among its own."""
    return json.dumps(text[:LINE_MAX], ensure_ascii=True)
