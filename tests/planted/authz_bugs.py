"""Planted bugs of authorization; the matrix must find each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from talkbot_tui.server.authorization import ALL, RULES, STAFF, Rule
from talkbot_tui.server.connections import Connection
from talkbot_tui.server.handlers import LiveHandlers
from talkbot_tui.server.storage import rooms
from talkbot_tui.server.storage.rooms import Room
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.server.streams import Streams
from talkbot_tui.wire.client_events import Stream
from talkbot_tui.wire.errors import Code, Refused
from tests.planted.server_bugs import Planted, _replaced
from tests.server.authz.test_matrix import test_who_may
from tests.server.test_streams import test_what_a_bot_had_begun_ends_where_it_may_write_no_more


def everybody_is_a_member() -> AbstractContextManager[None]:
    """Who is no member counts as one."""
    find = rooms.find

    def found(tx: Tx, conversation_id: str, user_id: str) -> Room | None:
        room = find(tx, conversation_id, user_id)
        return room and replace(room, role=room.role or "member")

    return _replaced(rooms, "find", found)


def what_is_hidden_is_told() -> AbstractContextManager[None]:
    """A conversation of others is `forbidden`, one that is not there `not_found`."""
    find = rooms.find

    def found(tx: Tx, conversation_id: str, user_id: str) -> Room | None:
        room = find(tx, conversation_id, user_id)
        if room is not None and not room.role and room.visibility == "private":
            raise Refused(Code.FORBIDDEN, "That is not yours.")
        return room

    return _replaced(rooms, "find", found)


def not_found_names_what_is_there() -> AbstractContextManager[None]:
    """The refusal is the same code, but its words tell which of the two it is."""
    find = rooms.find

    def found(tx: Tx, conversation_id: str, user_id: str) -> Room | None:
        room = find(tx, conversation_id, user_id)
        if room is not None and not room.role and room.visibility == "private":
            raise Refused(Code.NOT_FOUND, f"{room.kind} is private.", field="conversationId")
        return room

    return _replaced(rooms, "find", found)


@contextmanager
def _ruled(action: str, rule: Rule) -> Iterator[None]:
    held = RULES[action]
    RULES[action] = rule
    try:
        yield
    finally:
        RULES[action] = held


def archived_is_open() -> AbstractContextManager[None]:
    """Messages go into an archived conversation."""
    return _ruled("message", Rule(archived=True))


def moderators_make_owners() -> AbstractContextManager[None]:
    """A moderator may give roles."""
    return _ruled("setRole", replace(RULES["setRole"], roles=STAFF))


def members_invite_into_private_channels() -> AbstractContextManager[None]:
    """The stricter rule of private channels is forgotten."""
    return _ruled("invite", replace(RULES["invite"], private_roles=ALL))


def _unasked(action: str) -> AbstractContextManager[None]:
    """Nobody asks who takes that action."""
    authorize = LiveHandlers._authorize

    async def asking(
        self: LiveHandlers, connection: Connection, asked: str, conversation_id: str
    ) -> None:
        if asked != action:
            await authorize(self, connection, asked, conversation_id)

    return _replaced(LiveHandlers, "_authorize", asking)


def whoever_is_a_bot_streams() -> AbstractContextManager[None]:
    """Being a bot is enough to go on with a message."""
    return _unasked("stream")


def anybody_stops_a_bot() -> AbstractContextManager[None]:
    """Who knows the id of a growing message ends it."""
    return _unasked("stop")


def archived_goes_on_growing() -> AbstractContextManager[None]:
    """Whoever had begun before goes on in an archived conversation."""
    return _ruled("stream", Rule(archived=True))


def bots_write_for_each_other() -> AbstractContextManager[None]:
    """A bot goes on with what another one has begun."""
    sender_of = Streams.sender_of

    def add(self: Streams, sender_id: str, piece: Stream, generation: int) -> None:
        del sender_id, generation
        if sender_of(self, piece.conversation_id, piece.server_msg_id) is None:
            raise Refused(Code.NOT_FOUND, "No such message is being written.", field="serverMsgId")

    return _replaced(Streams, "add", add)


def who_has_gone_leaves_growing() -> AbstractContextManager[None]:
    """What a removed bot had begun goes on growing, for nobody ends it."""
    return _replaced(Streams, "close", lambda self, conversation_id, sender_id=None: None)


def _row(bug: Callable[[], AbstractContextManager[None]], name: str) -> Planted:
    async def find(folder: Path) -> None:
        del folder
        await test_who_may(name)

    return Planted(bug, find)


async def _removed_bot(folder: Path) -> None:
    del folder
    await test_what_a_bot_had_begun_ends_where_it_may_write_no_more("removed")


BUGS: dict[str, Planted] = {
    "everybody-is-a-member": _row(everybody_is_a_member, "history"),
    "hidden-is-forbidden": _row(what_is_hidden_is_told, "search"),
    "hidden-is-told": _row(not_found_names_what_is_there, "members"),
    "archived-is-open": _row(archived_is_open, "message"),
    "moderators-make-owners": _row(moderators_make_owners, "setRole"),
    "members-invite": _row(members_invite_into_private_channels, "invite"),
    "bots-stream": _row(whoever_is_a_bot_streams, "stream"),
    "archived-grows": _row(archived_goes_on_growing, "stream"),
    "bots-write-for-each-other": _row(bots_write_for_each_other, "stream of another's"),
    "anybody-stops": _row(anybody_stops_a_bot, "stop"),
    "gone-leaves-growing": Planted(who_has_gone_leaves_growing, _removed_bot),
}
