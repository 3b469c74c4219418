"""What the user is about to do: reply, edit, write, command. No widget, no Textual.

Conversations live in the session; here is only what belongs to this screen and
ends with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain

from talkbot_tui import i18n
from talkbot_tui.core.events import OpenConversation, SetDraft
from talkbot_tui.core.model import Message, RoomSummary, SendState
from talkbot_tui.core.text import is_blank, one_line
from talkbot_tui.ui import commands, words
from talkbot_tui.ui.port import EnginePort

_ = i18n.Domain("app")

QUOTE_MAX = 100

_SLASH = re.compile(r"/(\S*)\s*(.*)", re.DOTALL)


class Doing(Enum):
    """What the composer's text will become."""

    REPLY = "reply"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Task:
    """A reply or an edit under way in one room.

    kept: the draft that an edit pushed aside.
    changed: what an edit has become so far; None before it began.
    """

    doing: Doing
    target: Message
    kept: str = ""
    changed: str | None = None


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
        self._opening = ""

    # --- rooms ---------------------------------------------------------------------------

    @property
    def room_id(self) -> str:
        """The open conversation, "" for none."""
        session = self.engine.session
        if session.open_id == self._opening:
            self._opening = ""
        known = self._opening and session.room(self._opening)
        return self._opening if known else session.open_id

    def open(self, room_id: str) -> None:
        """Look at another conversation; the session hears of it in its next turn."""
        self._opening = room_id
        self.engine.dispatch(OpenConversation(room_id))

    @property
    def room(self) -> RoomSummary | None:
        """The open conversation's line of the room list."""
        return self.engine.session.room(self.room_id)

    def first_room(self, wanted: str = "") -> str:
        """Which room to begin with: the wanted one by name or id, else the first channel."""
        rooms = self.engine.session.rooms()
        if wanted and self.engine.session.room(wanted) is not None:
            return wanted
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
        if is_blank(text):
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
        elif not self.engine.session.link.online:
            self.tasks[room_id] = task
            return Told(_("A sent message can be changed only while you are online; try later."))
        elif task.target.state in (SendState.SENT, SendState.UNCONFIRMED):
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
        """What is being written is kept: as a draft, or here if it is an edit of something sent."""
        task = self.tasks.get(room_id)
        if task and task.doing is Doing.EDIT:
            self.tasks[room_id] = replace(task, changed=text)
        elif room_id:
            self.engine.dispatch(SetDraft(room_id, text))

    def give_back(self, room_id: str, text: str, written: str) -> str:
        """An unsent text is a draft again, over the one there; what the composer shows then.

        `written`: what it shows now if it is that room's, else that room's draft.
        """
        task = self.tasks.get(room_id)
        if task and task.doing is Doing.EDIT:
            kept = joined(text, task.kept)
            self.tasks[room_id] = replace(task, kept=kept)
            self.engine.dispatch(SetDraft(room_id, kept))
            return written
        self.engine.dispatch(SetDraft(room_id, joined(text, written)))
        return joined(text, written)

    def text_for(self, room_id: str) -> str:
        """What the composer begins with in this room."""
        task = self.tasks.get(room_id)
        if task and task.doing is Doing.EDIT:
            return task.target.text if task.changed is None else task.changed
        return self.engine.session.draft(room_id)

    # --- messages -------------------------------------------------------------------------

    def is_mine(self, message: Message) -> bool:
        """Whether we wrote it."""
        return message.sender.user_id == self.engine.session.me.user_id

    def last(self, fits: Callable[[Message], bool]) -> Message | None:
        """The newest message of the open room that fits."""
        timeline = self.engine.session.timeline(self.room_id)
        for row in chain(reversed(timeline.rows.locals), reversed(timeline.rows)):
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

    def held(self, room_id: str) -> bool:
        """Whether what waits there is sent only when the user says so."""
        room = self.engine.session.room(room_id)
        return room is not None and room.held

    def unsent_texts(self) -> list[tuple[str, str]]:
        """The room and the text of each of our messages that the server does not have."""
        session = self.engine.session
        return [
            (words.title_of(room.conversation), row.text)
            for room in session.rooms()
            if room.queued or room.failed
            for row in session.timeline(room.conversation.conversation_id).rows.locals
        ]

    def banner(self, room_id: str, now: int) -> str:
        """The line above the composer: what it asks, or what is being answered or changed."""
        task = self.tasks.get(room_id)
        if task is None:
            return self._question(room_id, now)
        said = one_line(task.target.text, QUOTE_MAX)
        if task.doing is Doing.EDIT:
            return _("Editing: {text}  (Esc cancels)").format(text=said)
        name = words.name_of(task.target.sender)
        return _("Replying to {name}: {text}  (Esc cancels)").format(name=name, text=said)

    def _question(self, room_id: str, now: int) -> str:
        if not self.held(room_id):
            return ""
        waiting = [
            row
            for row in self.engine.session.timeline(room_id).rows.locals
            if row.state is SendState.QUEUED
        ]
        minutes = max(((now - row.ts) // 60_000 for row in waiting), default=0)
        line = _.plural(
            "{n} message has waited for {minutes} min and the room has moved on."
            " Enter sends it, /discard gives it up.",
            "{n} messages have waited for {minutes} min and the room has moved on."
            " Enter sends them, /discard gives up the last.",
            len(waiting),
        )
        return line.format(n=len(waiting), minutes=minutes)


def joined(text: str, written: str) -> str:
    """A text that comes back, over what was written meanwhile."""
    return f"{text}\n{written}" if written.strip() else text


def words_clip(text: str) -> str:
    """A word as it may stand in a notice."""
    return text if len(text) <= 32 else text[:31] + "…"
