"""Search and catch-up: what a person may see, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from talkbot_tui import i18n
from talkbot_tui.bots.quotes import quoted
from talkbot_tui.client.engine import Engine
from talkbot_tui.core.model import Conversation, Kind, Message
from talkbot_tui.core.text import one_line
from talkbot_tui.wire import acks, server_events
from talkbot_tui.wire.codec import decode_ack

_ = i18n.Domain("bots")

HITS_MAX = 8
EACH_MAX = 5
PAGES_MAX = 10
"""So many pages of 200 are read for one room."""

LINKS = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Missed:
    """One message that somebody has not read."""

    seq: int
    name: str
    text: str


async def shared_rooms(engine: Engine, user_id: str, only: str | None = None) -> list[Conversation]:
    """The rooms in which both that person and the bot are, asked of the server now.

    only: look at this conversation alone.
    """
    found = []
    for room in engine.session.rooms():
        conversation = room.conversation
        if conversation.kind is Kind.DIRECT or not conversation.role:
            continue
        if only is not None and conversation.conversation_id != only:
            continue
        members = await engine.lookups.members(conversation.conversation_id)
        if any(member.user.user_id == user_id for member in members):
            found.append(conversation)
    return found


async def search(engine: Engine, query: str, rooms: list[Conversation], language: str) -> str:
    """The newest messages with these words, each with its room and number."""
    if not query:
        return _.translate(language, "What shall I look for? For example: search release notes")
    hits: list[tuple[Message, Conversation]] = []
    me = engine.session.me.user_id
    for room in rooms:
        for hit in await engine.lookups.search(query[:200], room.conversation_id, HITS_MAX + 8):
            # Neither our own answers nor the questions to us are what anybody looks for.
            if hit.sender.user_id != me and me not in hit.mentions:
                hits.append((hit, room))
    hits.sort(key=lambda found: found[0].ts, reverse=True)
    if not hits:
        return _.translate(language, "I found nothing with “{query}” in our rooms.").format(
            query=quoted(query[:60])
        )
    title = _.translate_plural(
        language, "{count} message with “{query}”:", "{count} messages with “{query}”:", len(hits)
    )
    lines = [title.format(count=min(len(hits), HITS_MAX), query=quoted(query[:60]))]
    for hit, room in hits[:HITS_MAX]:
        when = datetime.fromtimestamp(hit.ts / 1000, UTC)
        place = f"#{quoted(room.name)} " if len(rooms) > 1 else ""
        text = quoted(one_line(hit.text)[:120])
        lines.append(f"- {place}#{hit.seq} {hit.sender.name}, {when:%Y-%m-%d %H:%M}: {text}")
    return "\n".join(lines)


async def catch_up(engine: Engine, user_id: str, rooms: list[Conversation], language: str) -> str:
    """Mentions, questions and links after that person's read mark, with their numbers."""
    parts = []
    for room in rooms:
        missed = await _missed(engine, room.conversation_id, user_id)
        if not missed:
            continue
        asked = [one for one, mentioned in missed if mentioned and "?" in one.text]
        named = [one for one, mentioned in missed if mentioned and "?" not in one.text]
        linked = [one for one, _m in missed if any(scheme in one.text for scheme in LINKS)]
        title = _.translate_plural(
            language, "#{room}: {count} new message", "#{room}: {count} new messages", len(missed)
        )
        parts.append("**" + title.format(room=quoted(room.name), count=len(missed)) + "**")
        for heading, found in (
            (_.translate(language, "Questions to you"), asked),
            (_.translate(language, "Mentions of you"), named),
            (_.translate(language, "Links"), linked),
        ):
            if found:
                parts.append(f"{heading}:")
                parts += [
                    f"- #{one.seq} {one.name}: {quoted(one.text)}" for one in found[-EACH_MAX:]
                ]
    return "\n".join(parts) or _.translate(language, "You missed nothing: all is read.")


def last_sign(events: list[server_events.LogEvent], user_id: str, bot_id: str) -> int:
    """The seq of the last thing that person did there, 0 for none; asking the bot is none."""
    for event in reversed(events):
        match event:
            case server_events.MessageEvent() if bot_id not in event.mentions:
                if event.sender.user_id == user_id:
                    return event.seq
            case server_events.MemberEvent() if event.user.user_id == user_id:
                return event.seq
            case _:
                pass
    return 0


async def _missed(engine: Engine, conversation_id: str, user_id: str) -> list[tuple[Missed, bool]]:
    """What others wrote after that person's read mark.

    Large rooms tell no read marks; there it is what was written after their last words.
    """
    me = engine.session.me.user_id
    mark = engine.session.reads(conversation_id).get(user_id)
    if mark is None:
        room = engine.session.room(conversation_id)
        events = await _after(engine, conversation_id, max(0, room.head_seq - 1000) if room else 0)
        mark = last_sign(events, user_id, me)
    else:
        events = await _after(engine, conversation_id, mark)
    return [
        (
            Missed(event.seq, one_line(event.sender.name), one_line(event.text)[:160]),
            user_id in event.mentions,
        )
        for event in events
        if isinstance(event, server_events.MessageEvent)
        and event.seq > mark
        and not event.deleted
        and event.sender.user_id not in (user_id, me)
    ]


async def _after(engine: Engine, conversation_id: str, mark: int) -> list[server_events.LogEvent]:
    events: list[server_events.LogEvent] = []
    for _page in range(PAGES_MAX):
        answer = await engine.request(
            "history", {"conversationId": conversation_id, "after": mark, "limit": 200}
        )
        page = decode_ack("history", answer, acks.HistoryAck)
        events.extend(page.events)
        if not page.more or not page.events:
            break
        mark = page.events[-1].seq
    return events
