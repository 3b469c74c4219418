"""Running polls: the message, its votes, and its counts."""

from __future__ import annotations

from talkbot_tui import i18n
from talkbot_tui.bots.asked import Asked, Tools
from talkbot_tui.bots.ids import derived
from talkbot_tui.bots.memory import Poll, Vote
from talkbot_tui.bots.quotes import quoted
from talkbot_tui.bots.skills import polls
from talkbot_tui.core.model import ReactionsChanged

_ = i18n.Domain("bots")


async def ask(tools: Tools, asked: Asked) -> None:
    """Post a poll and remember it."""
    parsed = polls.parse(asked.said.rest)
    if parsed is None:
        text = _.translate(
            asked.language,
            "A poll needs a question and two to nine choices; try: "
            'poll "Where do we eat?" pizza sushi "stay here"',
        )
        await tools.reply(asked, text)
        return
    conversation_id = asked.conversation.conversation_id
    poll = Poll("", conversation_id, *parsed, asked.language)
    message_id = derived("answer", asked.message.server_msg_id)
    placed = await tools.speaker.say(conversation_id, polls.show(poll, {}), message_id)
    if placed is not None:
        await tools.memory.add_poll(
            Poll(placed.server_msg_id, conversation_id, *parsed, asked.language, 0, placed.seq)
        )


async def vote(tools: Tools, asked: Asked) -> None:
    """`vote 2`, for the newest poll of the conversation."""
    poll = await tools.memory.latest_poll(asked.conversation.conversation_id)
    number = asked.said.rest.strip(" #.")
    if poll is None:
        text = _.translate(asked.language, 'There is no poll here; try: poll "Question" a b')
        await tools.reply(asked, text)
    elif not number.isascii() or not number.isdigit() or not 1 <= int(number) <= len(poll.options):
        text = _.translate(asked.language, "Vote with a number from 1 to {count}; try: vote 2")
        await tools.reply(asked, text.format(count=len(poll.options)))
    else:
        person = asked.message.sender.user_id
        await tools.memory.vote(poll.server_msg_id, person, Vote(int(number) - 1, False))
        await _recount(tools, poll, asked.message.server_msg_id)
        chosen = poll.options[int(number) - 1]
        text = _.translate(asked.language, "Counted: {choice}").format(choice=quoted(chosen))
        await tools.reply(asked, text)


async def count_reactions(tools: Tools, event: ReactionsChanged) -> None:
    """Somebody reacted, perhaps to a poll."""
    poll = await tools.memory.poll(event.server_msg_id)
    if poll is None:
        return
    person = event.sender.user_id
    if person == tools.engine.session.me.user_id:
        return
    votes = await tools.memory.votes(poll.server_msg_id)
    changed, vote = polls.from_reactions(poll, event.reactions, votes, person)
    if changed:
        await tools.memory.vote(poll.server_msg_id, person, vote)
        await _recount(tools, poll, str(event.seq))


async def _recount(tools: Tools, poll: Poll, why: str) -> None:
    votes = await tools.memory.votes(poll.server_msg_id)
    revision = await tools.speaker.edit(
        poll.conversation_id,
        poll.server_msg_id,
        polls.show(poll, votes),
        revision=poll.revision,
        op=derived("count", poll.server_msg_id, why),
    )
    if revision:
        await tools.memory.set_revision(poll.server_msg_id, revision)
