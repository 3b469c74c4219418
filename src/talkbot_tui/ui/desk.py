"""What the user is about to do: reply, edit, write, command. No widget, no Textual.

Conversations live in the session; here is only what belongs to this screen and
ends with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from talkbot_tui import i18n
from talkbot_tui.core.events import SetDraft
from talkbot_tui.core.model import Message, RoomSummary, SendState
from talkbot_tui.ui import commands, words
from talkbot_tui.ui.port import EnginePort

_ = i18n.Domain("app")

_SLASH = re.compile(r"/(\S*)\s*(.*)", re.DOTALL)


class Doing(Enum):
    """What the composer's text will become."""

    REPLY = "reply"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Task:
    """A reply or an edit under way in one room; `kept` is the draft it pushed aside."""

    doing: Doing
    target: Message
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The text went on its way."""


@dataclass(frozen=True, slots=True)
class Told:
    """The text stays; this one line says why."""

    text: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """The text is a command."""

    command: commands.Command
    rest: str


class Desk:
    """One user's screen.

    Attributes:
        tasks: replies and edits under way, by room.
    """

    def __init__(self, engine: EnginePort) -> None:
        self.engine = engine
        self.tasks: dict[str, Task] = {}

    # --- rooms ---------------------------------------------------------------------------

    @property
    def room_id(self) -> str:
        """The open conversation, "" for none."""
        return self.engine.session.open_id

    @property
    def room(self) -> RoomSummary | None:
        """The open conversation's line of the room list."""
        return self.engine.session.room(self.room_id)

    def first_room(self, wanted: str = "") -> str:
        """Which room to begin with: the wanted one by name or id, else the first channel."""
        rooms = self.engine.session.rooms()
        if wanted:
            return next((r.conversation.conversation_id for r in self.find_rooms(wanted)), "")
        names = [r.conversation.conversation_id for r in rooms if r.conversation.name]
        others = [r.conversation.conversation_id for r in rooms]
        return (names or others or [""])[0]

    def find_rooms(self, wanted: str) -> list[RoomSummary]:
        """Our rooms with exactly this name, `#name`, `@person` or id."""
        rooms = self.engine.session.rooms()
        bare = wanted.lstrip("#@").casefold()
        return [
            room
            for room in rooms
            if wanted == room.conversation.conversation_id
            or bare == room.conversation.name.casefold()
            or (room.conversation.peer and bare == room.conversation.peer.name.casefold())
        ]

    # --- text -----------------------------------------------------------------------------

    def submit(self, room_id: str, text: str) -> Sent | Told | Ordered:
        """Enter was pressed on `text`, which was written for this room."""
        if not text.strip():
            return Told(_("There is nothing to send: the text is empty."))
        if text.startswith("/") and not text.startswith("//"):
            return self._order(text)
        if text.startswith("//"):
            text = text[1:]
        limit = self.engine.session.text_max
        if len(text) > limit:
            line = _("Too long: {n} of at most {limit} characters. Shorten it and press Enter.")
            return Told(line.format(n=len(text), limit=limit))
        if not room_id or self.engine.session.room(room_id) is None:
            return Told(_("There is no room to send it to. Ctrl+K goes to one."))
        task = self.tasks.pop(room_id, None)
        if task is None:
            self.engine.send(room_id, text)
        elif task.doing is Doing.REPLY:
            self.engine.send(room_id, text, reply_to=task.target.server_msg_id)
        elif task.target.state is SendState.SENT:
            self.engine.edit(room_id, task.target.server_msg_id, text)
        return Sent()

    def _order(self, text: str) -> Told | Ordered:
        found = _SLASH.match(text)
        name, rest = (found[1], found[2].strip()) if found else ("", "")
        command = commands.BY_SLASH.get(name.lower())
        if command is None:
            near = commands.nearest(name)
            if near:
                line = _(
                    "There is no command /{name}. Did you mean /{near}? //{name} sends it as text."
                )
            else:
                line = _("There is no command /{name}. F1 lists them; //{name} sends it as text.")
            return Told(line.format(name=words_clip(name), near=near))
        if command.needs_text and not rest:
            return Told(
                _("Something is missing: {usage}").format(usage=commands.slash_line(command))
            )
        return Ordered(command, rest)

    def keep_draft(self, room_id: str, text: str) -> None:
        """What is being written is kept, unless it is an edit of something sent."""
        task = self.tasks.get(room_id)
        if room_id and not (task and task.doing is Doing.EDIT):
            self.engine.dispatch(SetDraft(room_id, text))

    def text_for(self, room_id: str) -> str:
        """What the composer begins with in this room."""
        task = self.tasks.get(room_id)
        if task and task.doing is Doing.EDIT:
            return task.target.text
        return self.engine.session.draft(room_id)

    # --- messages -------------------------------------------------------------------------

    def is_mine(self, message: Message) -> bool:
        """Whether we wrote it."""
        return message.sender.user_id == self.engine.session.me.user_id

    def last(self, fits: Callable[[Message], bool]) -> Message | None:
        """The newest message of the open room that fits."""
        for row in reversed(self.engine.session.timeline(self.room_id).rows):
            if isinstance(row, Message) and fits(row):
                return row
        return None

    def complete(self, word: str) -> list[str]:
        """What `word` may become: `/command`, `#room`, `@name`, or a name without its mark."""
        session = self.engine.session
        low = word[1:].casefold()
        if word.startswith("/"):
            return ["/" + n for n in sorted(commands.BY_SLASH) if n.startswith(low) and n != "?"]
        if word.startswith("#"):
            names = [r.conversation.name for r in session.rooms() if r.conversation.name]
            return ["#" + name for name in names if name.casefold().startswith(low)]
        bare = word.removeprefix("@").casefold()
        people = [member.user for member in session.roster(self.room_id)]
        names = [user.name for user in people if user.user_id != session.me.user_id]
        return ["@" + name for name in sorted(names) if name.casefold().startswith(bare)]

    def unsent(self) -> tuple[int, int]:
        """How many of our messages wait, and how many failed, in all rooms."""
        rooms = self.engine.session.rooms()
        return sum(room.queued for room in rooms), sum(room.failed for room in rooms)

    def banner(self, room_id: str) -> str:
        """The line above the composer while replying or editing."""
        task = self.tasks.get(room_id)
        if task is None:
            return ""
        said = task.target.text.replace("\n", " ")
        if task.doing is Doing.EDIT:
            return _("Editing: {text}  (Esc cancels)").format(text=said)
        name = words.name_of(task.target.sender)
        return _("Replying to {name}: {text}  (Esc cancels)").format(name=name, text=said)


def words_clip(text: str) -> str:
    """A word as it may stand in a notice."""
    return text if len(text) <= 32 else text[:31] + "…"
