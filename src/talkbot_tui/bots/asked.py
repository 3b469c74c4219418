"""A request to the bot, and what skills need to answer it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from talkbot_tui.bots.memory import Memory
from talkbot_tui.bots.replies import Speaker
from talkbot_tui.bots.speech import Said
from talkbot_tui.client.engine import Engine
from talkbot_tui.core.model import Conversation, Message


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `language` is that of the answer."""

    conversation: Conversation
    message: Message
    said: Said
    direct: bool
    language: str

    def spoken_in(self, language: str) -> Asked:
        """The same request, to be answered in another language."""
        return replace(self, language=language)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a skill may use; `clock` in ms, `wake` makes the reminders look again."""

    engine: Engine
    memory: Memory
    speaker: Speaker
    clock: Callable[[], int]
    draw: Callable[[int, int], int]
    wake: Callable[[], None]

    async def reply(self, asked: Asked, text: str) -> None:
        """Answer where it was asked; in a room as a reply, so that it is plain to whom."""
        reply_to = "" if asked.direct else asked.message.server_msg_id
        await self.speaker.answer(
            asked.conversation.conversation_id, text, asked.message.server_msg_id, reply_to
        )

    async def reply_privately(self, asked: Asked, text: str) -> None:
        """Answer in the direct conversation with who asked."""
        conversation_id = asked.conversation.conversation_id
        if not asked.direct:
            direct = await self.engine.lookups.open_direct(asked.message.sender.user_id)
            conversation_id = direct.conversation_id
        await self.speaker.answer(conversation_id, text, asked.message.server_msg_id)
