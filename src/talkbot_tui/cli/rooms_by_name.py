"""Which conversation a person means by what they wrote."""

from __future__ import annotations

import unicodedata

from talkbot_tui import i18n
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.problems import Problem
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.lookups import LookupFailed
from talkbot_tui.core.model import Kind, RoomSummary

_ = i18n.Domain("cli")


def title(room: RoomSummary) -> str:
    """A conversation's name as people write it: `#name`, `@person`, or its id."""
    conversation = room.conversation
    if conversation.kind is Kind.DIRECT and conversation.peer is not None:
        return f"@{conversation.peer.name}"
    if not conversation.name:
        return conversation.conversation_id
    return f"#{conversation.name}" if conversation.kind is Kind.CHANNEL else conversation.name


def find(rooms: tuple[RoomSummary, ...], written: str) -> RoomSummary | None:
    """The room meant: by id, `#name`, `@person`, or name; None when there is none.

    Raises `Problem` with the ids when several fit.
    """
    for room in rooms:
        if room.conversation.conversation_id == written:
            return room
    wanted = _fold(written)
    found = [room for room in rooms if _fits(room, wanted)]
    if len(found) > 1:
        ids = ", ".join(f"{title(r)} = {r.conversation.conversation_id}" for r in found)
        text = _("“{name}” means several rooms, say which by its id: {ids}")
        raise Problem(text.format(name=written, ids=ids), exit_codes.USAGE)
    return found[0] if found else None


async def resolve(engine: Engine, written: str) -> str:
    """The id of the room meant; opens the direct conversation with `@person`.

    Raises `Problem` when there is no such room or person.
    """
    room = find(engine.session.rooms(), written)
    if room is not None:
        return room.conversation.conversation_id
    if written.startswith("@"):
        try:
            people = await engine.lookups.users(written[1:])
            for person in people:
                if _fold(person.name) == _fold(written[1:]):
                    return (await engine.lookups.open_direct(person.user_id)).conversation_id
        except LookupFailed as error:
            raise Problem(str(error), exit_codes.UNREACHABLE) from None
        raise Problem(_("there is no {name}").format(name=written), exit_codes.NOT_FOUND)
    text = _("you are in no room “{name}”; see: talkbot-tui rooms")
    raise Problem(text.format(name=written), exit_codes.NOT_FOUND)


def _fits(room: RoomSummary, wanted: str) -> bool:
    conversation = room.conversation
    if wanted.startswith("@"):
        return _fold(title(room)) == wanted
    if wanted.startswith("#"):
        return conversation.kind is Kind.CHANNEL and "#" + _fold(conversation.name) == wanted
    return wanted in (_fold(conversation.name), _fold(title(room)), _fold(title(room)[1:]))


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
