"""What became of each message of ours, and why it took so long.

Kept for as long as the program runs, and for the latest messages only: it is told on
request (`i` on a message), nothing depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

FACTS_MAX = 512


@dataclass(frozen=True, slots=True)
class Delay:
    """One thing that held a message back.

    why: `offline` (there was no link), `turn` (an earlier one was not through yet),
        `restart` (the program ended before it was sent), `lost` (the link was lost
        before the answer), `unanswered`, `refused`, `held` (the author was asked),
        `retried` (the author sent it again). times: how often. code: of a refusal.
    """

    why: str
    times: int = 1
    code: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Times in ms by this computer's clock; 0 for what has not happened, or not seen here.

    composed_at: Enter was pressed. saved_at: it was on this computer's disk.
    sent_at: first handed to the link. acked_at: the server said that it is stored.
    sends: how often it was handed to the link.
    """

    composed_at: int = 0
    saved_at: int = 0
    sent_at: int = 0
    acked_at: int = 0
    sends: int = 0
    delays: tuple[Delay, ...] = ()


NOTHING = Facts()


class FactBook:
    """The facts of the latest messages, by `clientMsgId`."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}

    def of(self, client_msg_id: str) -> Facts:
        """What is known of one message; nothing for one of another device or of long ago."""
        return self._facts.get(client_msg_id, NOTHING)

    def note(self, client_msg_id: str, **times: Any) -> None:
        """These fields have these values now."""
        self._facts[client_msg_id] = replace(self.of(client_msg_id), **times)
        while len(self._facts) > FACTS_MAX:
            del self._facts[next(iter(self._facts))]

    def sent(self, client_msg_id: str, now: int) -> None:
        """It is handed to the link, for the first time or again."""
        known = self.of(client_msg_id)
        self.note(client_msg_id, sent_at=known.sent_at or now, sends=known.sends + 1)

    def delayed(self, client_msg_id: str, why: str, code: str = "") -> None:
        """Something held it back."""
        delays = list(self.of(client_msg_id).delays)
        for place, delay in enumerate(delays):
            if (delay.why, delay.code) == (why, code):
                delays[place] = replace(delay, times=delay.times + 1)
                break
        else:
            delays.append(Delay(why, 1, code))
        self.note(client_msg_id, delays=tuple(delays))
