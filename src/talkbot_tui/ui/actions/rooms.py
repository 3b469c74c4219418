"""Commands about rooms and people; most ask the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.core.events import SetPresence
from talkbot_tui.core.model import Conversation, Presence, User
from talkbot_tui.ui import words
from talkbot_tui.ui.actions.kinds import Handler
from talkbot_tui.ui.screens import details, pickers

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.chat import ChatScreen

_ = i18n.Domain("app")


async def join(chat: ChatScreen, rest: str) -> None:
    """A public channel by name; one we are in is only opened."""
    name = rest.split()[0]
    ours = chat.desk.find_rooms(name)
    if ours:
        chat.open_room(ours[0].conversation.conversation_id)
        return
    bare = name.lstrip("#")
    found: list[Conversation] = []
    # As it is written first: on other people's servers names may differ in case alone.
    for prefix in dict.fromkeys((bare, bare.casefold())):
        listed = await chat.engine.lookups.channels(prefix)
        found = found or [c for c in listed if c.name.casefold() == bare.casefold()]
    if not found:
        chat.tell(_("There is no public room {name}. /rooms lists them.").format(name=name))
    elif len(found) > 1:
        ids = ", ".join(c.conversation_id for c in found)
        chat.tell(_("Several rooms have that name; use an id: {ids}").format(ids=ids))
    else:
        joined = await chat.engine.lookups.join(found[0].conversation_id)
        chat.open_when_known(joined.conversation_id)


async def leave(chat: ChatScreen, _rest: str) -> None:
    """The open room."""
    room = chat.desk.room
    if room is not None:
        await chat.engine.lookups.leave(room.conversation.conversation_id)
        chat.tell(_("You left {name}.").format(name=words.title_of(room.conversation)), "muted")


async def _person(chat: ChatScreen, name: str) -> User | None:
    bare = name.lstrip("@").casefold()
    found = [u for u in await chat.engine.lookups.users(bare) if u.name.casefold() == bare]
    if not found:
        chat.tell(_("There is nobody called {name}.").format(name=name))
        return None
    return found[0]


async def message(chat: ChatScreen, rest: str) -> None:
    """Open the conversation with somebody, and say something if there is something to say."""
    name, _space, text = rest.partition(" ")
    user = await _person(chat, name)
    if user is None:
        return
    room = await chat.engine.lookups.open_direct(user.user_id)
    if text.strip():
        chat.engine.send(room.conversation_id, text.strip())
    chat.open_when_known(room.conversation_id)


async def topic(chat: ChatScreen, rest: str) -> None:
    """Show it, or set it."""
    room = chat.desk.room
    if room is None:
        return
    if not rest:
        chat.tell(room.conversation.topic or _("This room has no topic."), "muted")
        return
    await chat.engine.lookups.update(room.conversation.conversation_id, topic=rest)


def room_details(chat: ChatScreen, _rest: str) -> None:
    """Everything about the open room."""
    details.show_room(chat)


def names(chat: ChatScreen, _rest: str) -> None:
    """Everybody in the room, with presence."""
    session = chat.engine.session
    people = [member.user for member in session.roster(chat.desk.room_id)]
    listed = ", ".join(
        f"{words.name_of(user)} ({words.presence_line(session.presence(user.user_id))})"
        for user in people
    )
    chat.tell(listed or _("Nobody is known to be here yet."), "muted")


async def rooms(chat: ChatScreen, rest: str) -> None:
    """Public rooms to choose from."""
    found = await chat.engine.lookups.channels(rest.lstrip("#").strip())
    pickers.pick_public(chat, found)


async def new(chat: ChatScreen, rest: str) -> None:
    """Make a room and go there."""
    parts = rest.split()
    private = "--private" in parts
    parts = [part for part in parts if part != "--private"]
    if not parts:
        chat.tell(_("The room needs a name: /new <room> [topic]"))
        return
    name = parts[0].lstrip("#")
    room = await chat.engine.lookups.create_channel(name, " ".join(parts[1:]), private)
    chat.open_when_known(room.conversation_id)


async def invite(chat: ChatScreen, rest: str) -> None:
    """Into the open room."""
    user = await _person(chat, rest.split()[0])
    if user is None:
        return
    if _is_member(chat, user):
        chat.tell(_("{name} is in this room already.").format(name=words.name_of(user)))
        return
    await chat.engine.lookups.invite(chat.desk.room_id, user.user_id)


async def kick(chat: ChatScreen, rest: str) -> None:
    """Out of the open room."""
    user = await _person(chat, rest.split()[0])
    if user is None:
        return
    if _is_member(chat, user) is False:
        chat.tell(_("{name} is not in this room.").format(name=words.name_of(user)))
        return
    await chat.engine.lookups.remove(chat.desk.room_id, user.user_id)


def _is_member(chat: ChatScreen, user: User) -> bool | None:
    """Whether the open room has that person; None where not every member is known here."""
    room = chat.desk.room
    members = chat.engine.session.roster(chat.desk.room_id)
    if any(member.user.user_id == user.user_id for member in members):
        return True
    whole = room is not None and 0 < room.conversation.member_count <= len(members)
    return False if whole else None


def me(chat: ChatScreen, rest: str) -> None:
    """What we do, in italics."""
    chat.engine.send(chat.desk.room_id, f"_{rest}_")


def away(chat: ChatScreen, rest: str) -> None:
    """We are away."""
    chat.engine.dispatch(SetPresence(Presence.AWAY, rest))
    chat.tell(_("You are shown as away. /back ends it."), "muted")


def here(chat: ChatScreen, _rest: str) -> None:
    """We are back."""
    chat.engine.dispatch(SetPresence(Presence.ONLINE))
    chat.tell(_("Welcome back."), "muted")


HANDLERS: dict[str, Handler] = {
    "join": join,
    "leave": leave,
    "message": message,
    "topic": topic,
    "details": room_details,
    "names": names,
    "rooms": rooms,
    "new": new,
    "invite": invite,
    "kick": kick,
    "me": me,
    "away": away,
    "here": here,
}
