"""TalkBot: a member like any other, who answers when spoken to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from talkbot_tui import i18n
from talkbot_tui.bots import speech
from talkbot_tui.bots.asked import Asked, Tools
from talkbot_tui.bots.ids import derived
from talkbot_tui.bots.memory import Memory
from talkbot_tui.bots.quotes import quoted
from talkbot_tui.bots.replies import Speaker
from talkbot_tui.bots.skills import helping, polling, table
from talkbot_tui.bots.unanswered import recent_messages
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.lookups import LookupFailed
from talkbot_tui.client.transport import TransportError
from talkbot_tui.core.changes import Change, RoomsChanged
from talkbot_tui.core.model import (
    Kind,
    LogEvent,
    MessageDeleted,
    MessagePosted,
    ReactionsChanged,
    RoomSummary,
)
from talkbot_tui.wire.codec import AckRefused, WireError

log = logging.getLogger(__name__)

OLD_MS = 10 * 60_000
"""A question that waited longer, because the bot was away, is not answered any more."""

SLEEP_MAX_S = 3600.0
AGAIN_S = 5.0


class TalkBot:
    """Joins an engine and a memory; `run` until cancelled."""

    def __init__(
        self,
        engine: Engine,
        memory: Memory,
        *,
        clock: Callable[[], int],
        draw: Callable[[int, int], int],
    ) -> None:
        """`clock` in ms; `draw(low, high)` gives a number, both ends included."""
        self._engine = engine
        self._memory = memory
        self._clock = clock
        self._speaker = Speaker(engine)
        self._wake = asyncio.Event()
        self._tools = Tools(engine, memory, self._speaker, clock, draw, self._wake.set)
        self._turns: dict[str, asyncio.Lock] = {}
        self._greeted: set[str] = set()
        self._synced = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    async def run(self, ready: asyncio.Future[None]) -> None:
        """Start the engine, then answer until cancelled; `ready` is done when that begins."""
        self._engine.add_log_listener(self._heard)
        self._engine.subscribe(self._changed)
        try:
            await self._engine.start()
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._remind())
                group.create_task(self._look_back())
                self._greet_all()
                ready.set_result(None)
        finally:
            self._group = None
            await self._engine.stop()
            await self._memory.close()

    # --- what reaches us ------------------------------------------------------------

    def _heard(self, events: tuple[LogEvent, ...]) -> None:
        for event in events:
            match event:
                case MessagePosted():
                    asked = self._asked(event)
                    if asked is not None:
                        self._spawn(event.conversation_id, partial(self._answer, asked))
                case MessageDeleted():
                    drop = partial(self._memory.drop_reminder, event.server_msg_id)
                    self._spawn(event.conversation_id, drop)
                case ReactionsChanged():
                    vote = partial(polling.count_reactions, self._tools, event)
                    self._spawn(event.conversation_id, vote)
                case _:
                    pass

    async def _look_back(self) -> None:
        """Take up what the last run heard and had no time to answer."""
        await self._synced.wait()
        try:
            async for event in recent_messages(self._engine, self._clock() - OLD_MS):
                asked = self._asked(event)
                if asked is not None:
                    self._spawn(event.conversation_id, partial(self._answer, asked))
        except Exception:
            # What is asked from now on matters more than what was asked before.
            log.exception("could not look back")

    def _asked(self, event: MessagePosted) -> Asked | None:
        """The request in a message, if it is one to us from a person, and not an old one."""
        message, me = event.message, self._engine.session.me
        room = self._engine.session.room(event.conversation_id)
        if message.sender.bot or message.sender.user_id == me.user_id or message.deleted:
            return None
        if room is None or self._clock() - message.ts > OLD_MS:
            return None
        direct = room.conversation.kind is Kind.DIRECT
        if not direct and me.user_id not in message.mentions:
            return None
        text = speech.without_mention(message.text, me.name)
        return Asked(
            conversation=room.conversation,
            message=message,
            said=speech.understand(text),
            direct=direct,
            language=i18n.language(),
        )

    def _changed(self, changes: tuple[Change, ...]) -> None:
        if self._engine.session.synced_once:
            self._synced.set()
        if any(isinstance(change, RoomsChanged) for change in changes):
            self._greet_all()

    # --- answering ---------------------------------------------------------------------

    async def _answer(self, asked: Asked) -> None:
        """Answer what was not answered yet; it is noted last, so that no stop loses it."""
        trigger_id = asked.message.server_msg_id
        if await self._memory.answered(trigger_id):
            return
        await self._answer_now(asked)
        now = self._clock()
        await self._memory.set_answered(trigger_id, now, forget=now - 2 * OLD_MS)

    async def _answer_now(self, asked: Asked) -> None:
        person = asked.message.sender.user_id
        known = await self._memory.fact(f"language:{person}")
        language = speech.language_of(asked.said.text, known or i18n.language())
        if language != known:
            await self._memory.keep(f"language:{person}", language)
        asked = asked.spoken_in(language)
        try:
            await table.ANSWERS.get(asked.said.command, table.unknown)(self._tools, asked)
        except (LookupFailed, TransportError, AckRefused, WireError) as error:
            log.warning("could not look something up: %s", error)
            await self._tools.reply(asked, helping.offline(language))
        except Exception:
            log.exception("a skill failed: %s", asked.said.command)
            await self._tools.reply(asked, helping.failed(language))

    def _greet_all(self) -> None:
        for room in self._engine.session.rooms():
            conversation = room.conversation
            if (
                conversation.kind is Kind.DIRECT
                and conversation.role
                and conversation.conversation_id not in self._greeted
            ):
                self._greeted.add(conversation.conversation_id)
                self._spawn(conversation.conversation_id, partial(self._greet, room))

    async def _greet(self, room: RoomSummary) -> None:
        """The first words in a direct conversation, once for ever."""
        conversation_id, peer = room.conversation.conversation_id, room.conversation.peer
        if peer is None or peer.bot or await self._memory.fact(f"greeted:{conversation_id}"):
            return
        text = helping.greeting(i18n.language(), peer.display_name or peer.name)
        await self._speaker.say(conversation_id, text, derived("greeting", conversation_id))
        await self._memory.keep(f"greeted:{conversation_id}", "yes")

    # --- reminders -----------------------------------------------------------------------

    async def _remind(self) -> None:
        """Say each reminder when it is due; those that came due meanwhile, at once."""
        while True:
            try:
                await self._next_reminder()
            except Exception:
                # A store that fails now must not silence everything else.
                log.exception("the reminders")
                await asyncio.sleep(AGAIN_S)

    async def _next_reminder(self) -> None:
        self._wake.clear()
        reminder = await self._memory.next_reminder()
        left = (reminder.due - self._clock()) / 1000 if reminder else SLEEP_MAX_S
        if reminder is None or left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, SLEEP_MAX_S)):
                    await self._wake.wait()
            return
        await self._speaker.say(
            reminder.conversation_id,
            f"⏰ @{reminder.name}: {quoted(reminder.text)}",
            derived("reminder", reminder.reminder_id),
        )
        await self._memory.drop_reminder(reminder.reminder_id)

    # --- tasks -----------------------------------------------------------------------------

    def _spawn(self, conversation_id: str, work: Callable[[], Awaitable[None]]) -> None:
        if self._group is None:
            # Not running yet: `run` looks at the rooms itself when it begins.
            if conversation_id in self._greeted:
                self._greeted.discard(conversation_id)
            return
        self._group.create_task(self._in_turn(conversation_id, work))

    async def _in_turn(self, conversation_id: str, work: Callable[[], Awaitable[None]]) -> None:
        """One thing after the other in each conversation; what fails, fails alone."""
        async with self._turns.setdefault(conversation_id, asyncio.Lock()):
            try:
                await work()
            except Exception:
                log.exception("in %s", conversation_id)
