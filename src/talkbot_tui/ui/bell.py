"""When to ring: for a mention, or a message in a direct conversation."""

from __future__ import annotations

from collections.abc import Iterable

from talkbot_tui.core.model import Kind, RoomSummary


class Bell:
    """Remembers the counts that were shown, to know what is new."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}

    def rings(self, rooms: Iterable[RoomSummary]) -> bool:
        """Whether something meant for us came since the last call; a new room does not ring."""
        ring = False
        fresh: dict[str, tuple[int, int]] = {}
        for room in rooms:
            key = room.conversation.conversation_id
            direct = room.conversation.kind is Kind.DIRECT
            now = fresh[key] = (room.mentions, room.unread if direct else 0)
            before = self._seen.get(key, now)
            ring = ring or now[0] > before[0] or now[1] > before[1]
        self._seen = fresh
        return ring
