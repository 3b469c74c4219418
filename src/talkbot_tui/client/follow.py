"""Following one conversation's log from a seq on: every event once, in order, as it is on the wire.

Live frames are handed on when they are next in line; whatever is missing, for
whatever reason, is read from `history`. So reconnects leave no hole and no double.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from talkbot_tui.client.engine import Engine
from talkbot_tui.client.transport import LinkLost, Unanswered
from talkbot_tui.core.link import LinkState
from talkbot_tui.wire.codec import convert_server
from talkbot_tui.wire.errors import ErrorBody
from talkbot_tui.wire.registry import SERVER_EVENTS

PAGE = 200
AHEAD_MAX = 1_000
PAUSE_S = 1.0

DURABLE = frozenset(name for name, event in SERVER_EVENTS.items() if event.durable)


class FollowEnded(Exception):
    """The conversation cannot be followed any more; `code` is the server's."""

    def __init__(self, code: str, message: str) -> None:
        """`message` is the server's sentence."""
        super().__init__(message)
        self.code = code


class Follower:
    """Reads one conversation's log through a started engine."""

    def __init__(self, engine: Engine, conversation_id: str, since: int) -> None:
        """The first event given is the one after seq `since`."""
        self._engine = engine
        self._room = conversation_id
        self._cursor = since
        self._ahead: dict[int, dict[str, Any]] = {}
        self._stir = asyncio.Event()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Every event after `since`, each a durable payload with its `type`.

        Raises `FollowEnded` when the server will not give more, or refuses the link.
        """
        forget_frames = self._engine.add_frame_listener(self._frame)
        forget_changes = self._engine.subscribe(lambda _changes: self._stir.set())
        try:
            while True:
                self._stir.clear()
                for event in self._in_line():
                    yield event
                if self._behind():
                    for event in await self._page():
                        yield event
                    continue
                self._check_link()
                await self._stir.wait()
        finally:
            forget_frames()
            forget_changes()

    # --- inside --------------------------------------------------------------------

    def _frame(self, name: str, payload: object) -> None:
        if name not in DURABLE or not isinstance(payload, dict):
            return
        seq = payload.get("seq")
        if payload.get("conversationId") == self._room and isinstance(seq, int):
            if seq > self._cursor and len(self._ahead) < AHEAD_MAX:
                self._ahead[seq] = {"type": name, **payload}
            self._stir.set()

    def _in_line(self) -> list[dict[str, Any]]:
        ready = []
        while (event := self._ahead.pop(self._cursor + 1, None)) is not None:
            self._cursor += 1
            ready.append(event)
        return ready

    def _behind(self) -> bool:
        if not self._engine.session.link.online:
            return False
        room = self._engine.session.room(self._room)
        return bool(self._ahead) or (room is not None and room.head_seq > self._cursor)

    async def _page(self) -> list[dict[str, Any]]:
        """What comes next in the log; after a failure nothing, and a pause."""
        payload = {"conversationId": self._room, "after": self._cursor, "limit": PAGE}
        try:
            answer = await self._engine.request("history", payload)
        except (LinkLost, Unanswered):
            await self._pause(PAUSE_S)
            return []
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            await self._refused(answer)
            return []
        found = [
            event
            for event in answer.get("events", ())
            if isinstance(event, dict) and event.get("seq", 0) > self._cursor
        ]
        found.sort(key=lambda event: event["seq"])
        if found:
            self._cursor = found[-1]["seq"]
        elif not answer.get("more"):
            # Nothing is there, whatever was heard: a number that was never stored.
            self._ahead.clear()
            await self._pause(PAUSE_S)
        self._ahead = {seq: e for seq, e in self._ahead.items() if seq > self._cursor}
        return found

    async def _refused(self, answer: object) -> None:
        error = answer.get("error") if isinstance(answer, dict) else None
        body = convert_server("history", error, ErrorBody)
        if not body.retryable:
            raise FollowEnded(body.code, body.message)
        await self._pause(max(PAUSE_S, (body.retry_after_ms or 0) / 1000))

    def _check_link(self) -> None:
        link = self._engine.session.link
        if link.state is LinkState.REFUSED:
            raise FollowEnded(link.code, link.reason)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
