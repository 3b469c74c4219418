"""Following one conversation's log from a seq on: every event once, in order, as it is on the wire.

Live frames are handed on when they are next in line; whatever is missing, for
whatever reason, is read from `history`. So reconnects leave no hole and no double.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from talkbot_tui.client.engine import Engine
from talkbot_tui.client.retry import named_wait
from talkbot_tui.client.transport import LinkLost, Unanswered
from talkbot_tui.core.link import LinkState
from talkbot_tui.wire.codec import WireError, convert_server, in_words
from talkbot_tui.wire.errors import ErrorBody
from talkbot_tui.wire.registry import SERVER_EVENTS

PAGE = 200
AHEAD_MAX = 1_000
PAUSE_S = 1.0

DURABLE = frozenset(name for name, event in SERVER_EVENTS.items() if event.durable)


class FollowEnded(Exception):
    """The conversation cannot be followed any more; `code` is the server's, or `not_found`."""

    def __init__(self, code: str, message: str) -> None:
        """`message` is the server's sentence."""
        super().__init__(message)
        self.code = code


class Follower:
    """Reads one conversation's log through a started engine."""

    def __init__(
        self,
        engine: Engine,
        conversation_id: str,
        since: int,
        began_anew: Callable[[int], None] = lambda _head: None,
    ) -> None:
        """The first event given is the one after seq `since`.

        began_anew: told that the server's log is not the one that was followed, as after a
        restored backup, and after which seq of the new one following goes on.
        """
        self._engine = engine
        self._room = conversation_id
        self._cursor = since
        self._began_anew = began_anew
        self._ahead: dict[int, dict[str, Any]] = {}
        self._left = False
        self._stir = asyncio.Event()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Every event after `since`, each a durable payload with its `type`.

        Raises `FollowEnded` when the server will not give more, when we are no member any
        more, or when the link is refused.
        """
        forget_frames = self._engine.add_frame_listener(self._frame)
        forget_changes = self._engine.subscribe(lambda _changes: self._stir.set())
        forget_forgotten = self._engine.add_forget_listener(self._forgotten)
        try:
            while True:
                self._stir.clear()
                for event in self._in_line():
                    yield event
                if self._left:
                    raise FollowEnded("not_found", "You are no longer a member.")
                if self._behind():
                    for event in await self._page():
                        yield event
                    continue
                self._check_link()
                await self._stir.wait()
        finally:
            forget_frames()
            forget_changes()
            forget_forgotten()

    # --- inside --------------------------------------------------------------------

    def _frame(self, name: str, payload: object) -> None:
        if name not in DURABLE or not isinstance(payload, dict):
            return
        seq = payload.get("seq")
        if payload.get("conversationId") == self._room and isinstance(seq, int):
            if seq > self._cursor and len(self._ahead) < AHEAD_MAX:
                self._ahead[seq] = {"type": name, **payload}
            self._stir.set()

    def _forgotten(self, room: str) -> None:
        """Seqs that were given are another log's now, or we have left."""
        if room not in ("", self._room):
            return
        known = self._engine.session.room(self._room)
        self._left = known is None or not known.conversation.role
        head = known.head_seq if known else 0
        if not self._left and (not room or head < self._cursor):
            self._cursor = head
            self._began_anew(head)
        # What was heard before belongs to the log that is gone.
        self._ahead.clear()
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
        asked = self._cursor
        payload = {"conversationId": self._room, "after": asked, "limit": PAGE}
        try:
            answer = await self._engine.request("history", payload)
        except (LinkLost, Unanswered):
            await self._pause(PAUSE_S)
            return []
        if self._cursor != asked:
            # The log began anew meanwhile: this is not where we are in it.
            return []
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            await self._refused(answer)
            return []
        found = _above(answer.get("events"), self._cursor)
        if found:
            self._cursor = found[-1]["seq"]
        else:
            if not answer.get("more"):
                # Nothing is there, whatever was heard: a number that was never stored.
                self._ahead.clear()
            await self._pause(PAUSE_S)
        self._ahead = {seq: e for seq, e in self._ahead.items() if seq > self._cursor}
        return found

    async def _refused(self, answer: object) -> None:
        error = answer.get("error") if isinstance(answer, dict) else None
        try:
            body = in_words(convert_server("history", error, ErrorBody))
        except WireError:
            await self._pause(PAUSE_S)
            return
        if not body.retryable:
            raise FollowEnded(body.code, body.message)
        await self._pause(max(PAUSE_S, named_wait(body.retry_after_ms or 0)))

    def _check_link(self) -> None:
        link = self._engine.session.link
        if link.state is LinkState.REFUSED:
            raise FollowEnded(link.code, link.reason)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _above(events: object, seq: int) -> list[dict[str, Any]]:
    """The events of a page that are above `seq`, in order; what is none is left out."""
    found = [
        event
        for event in (events if isinstance(events, list) else ())
        if isinstance(event, dict) and type(event.get("seq")) is int and event["seq"] > seq
    ]
    return sorted(found, key=lambda event: int(event["seq"]))
