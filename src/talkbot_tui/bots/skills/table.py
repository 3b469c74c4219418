"""Which skill answers which command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from talkbot_tui import i18n
from talkbot_tui.bots.asked import Asked, Tools
from talkbot_tui.bots.memory import Reminder
from talkbot_tui.bots.skills import clock, dice, finding, helping, polling, reminders
from talkbot_tui.core.model import Conversation

_ = i18n.Domain("bots")


async def unknown(tools: Tools, asked: Asked) -> None:
    """Say honestly that we cannot."""
    await tools.reply(asked, helping.unknown(asked.language))


async def help_(tools: Tools, asked: Asked) -> None:
    """What we can do."""
    await tools.reply(asked, helping.help_text(asked.language, tools.engine.session.me.name))


async def hello(tools: Tools, asked: Asked) -> None:
    """Greet back."""
    sender = asked.message.sender
    await tools.reply(asked, helping.hello(asked.language, sender.display_name or sender.name))


async def thanks(tools: Tools, asked: Asked) -> None:
    """Be polite."""
    await tools.reply(asked, helping.welcome(asked.language))


async def roll(tools: Tools, asked: Asked) -> None:
    """Roll dice."""
    await tools.reply(asked, dice.roll(asked.said.rest, asked.language, tools.draw))


async def time(tools: Tools, asked: Asked) -> None:
    """Tell the time."""
    await tools.reply(asked, clock.tell(asked.said.rest, asked.language, tools.clock()))


async def search(tools: Tools, asked: Asked) -> None:
    """Find messages in the room; written to us directly, in every room we share."""
    rooms = await _rooms(tools, asked)
    if not rooms and not asked.direct:
        return
    found = await finding.search(tools.engine, asked.said.rest, rooms, asked.language)
    await tools.reply(asked, found)


async def catchup(tools: Tools, asked: Asked) -> None:
    """What was missed, told only to who asked."""
    rooms = await _rooms(tools, asked)
    if not rooms and not asked.direct:
        return
    person = asked.message.sender.user_id
    text = await finding.catch_up(tools.engine, person, rooms, asked.language)
    await tools.reply_privately(asked, text)


async def remind(tools: Tools, asked: Asked) -> None:
    """Keep a reminder, then confirm it."""
    wanted = reminders.parse(asked.said.rest)
    if wanted is None:
        text = _.translate(
            asked.language,
            "I did not understand when or what; try: remind me in 10m tea is ready",
        )
        await tools.reply(asked, text)
        return
    if await tools.memory.reminders_of(asked.message.sender.name) >= reminders.EACH_MAX:
        text = _.translate(
            asked.language,
            "You have {most} reminders waiting already; delete a request to make room.",
        )
        await tools.reply(asked, text.format(most=reminders.EACH_MAX))
        return
    await tools.memory.add_reminder(
        Reminder(
            asked.message.server_msg_id,
            asked.conversation.conversation_id,
            asked.message.sender.name,
            asked.message.ts + wanted.seconds * 1000,
            wanted.text,
            asked.language,
        )
    )
    tools.wake()
    text = _.translate(asked.language, "I will remind you in {span}.")
    await tools.reply(asked, text.format(span=reminders.span(wanted.seconds)))


async def _rooms(tools: Tools, asked: Asked) -> list[Conversation]:
    """Where the asker may look, and we too: who was removed since asking may nowhere."""
    only = None if asked.direct else asked.conversation.conversation_id
    return await finding.shared_rooms(tools.engine, asked.message.sender.user_id, only)


ANSWERS: dict[str, Callable[[Tools, Asked], Awaitable[None]]] = {
    "help": help_,
    "search": search,
    "catchup": catchup,
    "remind": remind,
    "poll": polling.ask,
    "vote": polling.vote,
    "roll": roll,
    "time": time,
    "hello": hello,
    "thanks": thanks,
}
