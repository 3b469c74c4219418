"""Who may do what in which conversation: one table and one function.

A conversation that one is no member of and one that does not exist are the
same `not_found`, so that nobody can probe for rooms.
"""

from __future__ import annotations

from dataclasses import dataclass

from talkbot_tui.server.outcome import Actor
from talkbot_tui.server.storage import rooms
from talkbot_tui.server.storage.rooms import Room
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.errors import Code, Refused

ALL = frozenset({"owner", "moderator", "member"})
STAFF = frozenset({"owner", "moderator"})
OWNER = frozenset({"owner"})
ANY_KIND = frozenset({"channel", "group", "direct"})
SHARED = frozenset({"channel", "group"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Which roles, in which kinds; whether one may act in an archived conversation.

    private_roles: stricter for private channels, where it differs.
    outsiders: non-members may, in a public channel.
    """

    roles: frozenset[str] = ALL
    kinds: frozenset[str] = ANY_KIND
    private_roles: frozenset[str] | None = None
    archived: bool = False
    outsiders: bool = False


RULES: dict[str, Rule] = {
    "history": Rule(archived=True),
    "members": Rule(archived=True),
    "read": Rule(archived=True),
    "search": Rule(archived=True),
    "message": Rule(),
    "edit": Rule(),
    "delete": Rule(archived=True),
    "react": Rule(),
    "stream": Rule(),
    "stop": Rule(),
    "typing": Rule(),
    "updateConversation": Rule(roles=STAFF, kinds=SHARED, archived=True),
    "invite": Rule(kinds=SHARED, private_roles=STAFF),
    "remove": Rule(roles=STAFF, kinds=SHARED, archived=True),
    "setRole": Rule(roles=OWNER, kinds=SHARED, archived=True),
    "join": Rule(kinds=frozenset({"channel"}), outsiders=True),
    "leave": Rule(kinds=SHARED, archived=True),
}


def authorize(tx: Tx, actor: Actor, action: str, conversation_id: str) -> Room:
    """The conversation as the actor stands to it, if the action is theirs to take.

    Raises `Refused`: not_found, forbidden, archived.
    """
    rule = RULES[action]
    room = rooms.find(tx, conversation_id, actor.user_id)
    if room is None:
        raise not_found()
    if not room.role:
        if rule.outsiders and room.kind == "channel" and room.visibility == "public":
            if room.archived:
                raise Refused(Code.ARCHIVED, "That conversation is archived.")
            return room
        raise not_found()
    roles = rule.roles
    if rule.private_roles is not None and room.kind == "channel" and room.visibility == "private":
        roles = rule.private_roles
    if room.kind not in rule.kinds or room.role not in roles:
        raise Refused(Code.FORBIDDEN, "That is not yours to do in this conversation.")
    if room.archived and not rule.archived:
        raise Refused(Code.ARCHIVED, "That conversation is archived.")
    return room


def not_found() -> Refused:
    """The one refusal for whatever is not there or not to be known."""
    return Refused(Code.NOT_FOUND, "There is no such conversation.", field="conversationId")
