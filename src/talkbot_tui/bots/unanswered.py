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
AGAIN_S = 2.0


async def recent_messages(engine: Engine, since: int) -> AsyncIterator[MessagePosted]:
    """The messages since that time (ms) on the newest page of each room, oldest first."""
    for room in engine.session.rooms():
        if room.last_ts < since:
            continue
        for event in await _newest(engine, room.conversation.conversation_id):
            if isinstance(event, MessagePosted) and event.ts >= since:
                yield event


async def _newest(engine: Engine, conversation_id: str) -> tuple[LogEvent, ...]:
    while True:
        try:
            answer = await engine.request(
                "history", {"conversationId": conversation_id, "limit": PAGE}
            )
            page = decode_ack("history", answer, acks.HistoryAck)
            return decode.log_events(page.events, engine.session.me.user_id)
        except (AckRefused, WireError) as error:
            log.warning("could not look back: %s", error)
            return ()
        except TransportError:
            await asyncio.sleep(AGAIN_S)
