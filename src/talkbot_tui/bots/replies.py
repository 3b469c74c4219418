"""Saying something once: answers that stream in, end exactly, and are never given twice."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from talkbot_tui.bots.ids import derived
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.engine_follow import Delivered, NotDelivered
from talkbot_tui.client.ids import now_ms
from talkbot_tui.client.transport import TransportError
from talkbot_tui.core.events import Compose, Discard
from talkbot_tui.wire import acks
from talkbot_tui.wire.codec import AckRefused, WireError, decode_ack

log = logging.getLogger(__name__)

WHOLE_MAX = 60
"""An answer this short is posted whole."""

PIECES_MAX = 12
PIECE_S = 0.1
AGAIN_S = 2.0


class Speaker:
    """Posts and edits for a bot; `stop` ends a streaming answer of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stopped: set[str] = set()
        engine.add_stop_listener(self._stop)

    def _stop(self, _conversation_id: str, server_msg_id: str, _user_id: str) -> None:
        self._stopped.add(server_msg_id)

    async def say(
        self, conversation_id: str, text: str, message_id: str, reply_to: str = ""
    ) -> Delivered | None:
        """Post `text` under this clientMsgId; None when the server has had another one there."""
        text = fitting(text, self._engine.session.text_max)
        return await self._post(
            Compose(conversation_id, text, message_id, now_ms(), reply_to, "markdown")
        )

    async def answer(
        self, conversation_id: str, text: str, trigger_id: str, reply_to: str = ""
    ) -> None:
        """Answer the message `trigger_id`, once for ever; longer texts stream in."""
        message_id = derived("answer", trigger_id)
        if len(text) <= WHOLE_MAX and "\n" not in text:
            await self.say(conversation_id, text, message_id, reply_to)
            return
        pieces = pieces_of(fitting(text, self._engine.session.text_max))
        first = Compose(
            conversation_id, pieces[0], message_id, now_ms(), reply_to, "markdown", streaming=True
        )
        placed = await self._post(first)
        if placed is None:
            return
        said, outcome = pieces[0], "complete"
        for piece in pieces[1:]:
            await asyncio.sleep(PIECE_S)
            if placed.server_msg_id in self._stopped:
                outcome = "stopped"
                break
            self._engine.stream(conversation_id, placed.server_msg_id, len(said), piece)
            said += piece
        self._stopped.discard(placed.server_msg_id)
        await self.edit(
            conversation_id,
            placed.server_msg_id,
            said,
            revision=0,
            op=derived("end", trigger_id),
            outcome=outcome,
        )

    async def edit(
        self,
        conversation_id: str,
        server_msg_id: str,
        text: str,
        *,
        revision: int,
        op: str,
        outcome: str = "",
    ) -> int:
        """Change a message of ours, for as long as it takes; its new revision, 0 if refused."""
        payload: dict[str, Any] = {
            "conversationId": conversation_id,
            "serverMsgId": server_msg_id,
            "text": fitting(text, self._engine.session.text_max),
            "clientOpId": op,
            "baseRevision": revision,
        }
        if outcome:
            payload["outcome"] = outcome
        while True:
            try:
                answer = await self._engine.request("edit", payload)
                return decode_ack("edit", answer, acks.EditAck).revision
            except AckRefused as refused:
                if refused.body.code == "edit_conflict" and refused.body.revision is not None:
                    if payload["baseRevision"] == refused.body.revision:
                        return 0
                    payload["baseRevision"] = refused.body.revision
                elif not refused.body.retryable:
                    log.warning("an edit was refused: %s", refused.body.code)
                    return 0
                else:
                    await asyncio.sleep(AGAIN_S)
            except WireError as error:
                log.warning("an edit was answered strangely: %s", error)
                return 0
            except TransportError:
                await asyncio.sleep(AGAIN_S)

    async def _post(self, message: Compose) -> Delivered | None:
        """Compose under an id of our own choice; one that is queued already is awaited."""
        delivered = self._engine.delivered(message.client_msg_id)
        self._engine.dispatch(message)
        try:
            return await delivered
        except NotDelivered as error:
            # Most likely we said something else here before; once is enough.
            log.info("not said: %s", error)
            self._engine.dispatch(Discard(message.client_msg_id))
            return None


def fitting(text: str, most: int) -> str:
    """`text`, cut where it has more than `most` code points."""
    return text if len(text) <= most else text[: most - 1] + "…"


def pieces_of(text: str) -> list[str]:
    """`text` in at most `PIECES_MAX` pieces, each ending with a word."""
    words = re.findall(r"\S+\s*", text)
    size = max(1, -(-len(words) // PIECES_MAX))
    return ["".join(words[at : at + size]) for at in range(0, len(words), size)]
