"""What was said lately: the log tells each event once, and a bot may end before it answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from talkbot_tui.client import decode
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.transport import TransportError
from talkbot_tui.core.model import LogEvent, MessagePosted
from talkbot_tui.wire import acks
from talkbot_tui.wire.codec import AckRefused, WireError, decode_ack

log = logging.getLogger(__name__)

PAGE = 100
PAGES_MAX = 20
AGAIN_S = 2.0


async def recent_messages(engine: Engine, since: int) -> AsyncIterator[MessagePosted]:
    """The messages since that time (ms) in each room, oldest first; at most 2,000 of a room."""
    for room in engine.session.rooms():
        if room.last_ts < since:
            continue
        found: list[MessagePosted] = []
        before = 0
        for _page in range(PAGES_MAX):
            page, more = await _page_before(engine, room.conversation.conversation_id, before)
            found = [e for e in page if isinstance(e, MessagePosted) and e.ts >= since] + found
            if not more or not page or page[0].ts < since:
                break
            before = page[0].seq
        for event in found:
            yield event


async def _page_before(
    engine: Engine, conversation_id: str, before: int
) -> tuple[tuple[LogEvent, ...], bool]:
    """The newest page below seq `before` (0: of all), and whether there is more below it."""
    asked: dict[str, object] = {"conversationId": conversation_id, "limit": PAGE}
    if before:
        asked["before"] = before
    while True:
        try:
            page = decode_ack("history", await engine.request("history", asked), acks.HistoryAck)
            return decode.log_events(page.events, engine.session.me.user_id), page.more
        except (AckRefused, WireError) as error:
            log.warning("could not look back: %s", error)
            return (), False
        except TransportError:
            await asyncio.sleep(AGAIN_S)
