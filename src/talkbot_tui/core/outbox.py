"""What to send next: one lane per conversation, in order, one message in flight in each.

A message enters its lane when it is composed and leaves it when the server has
it, when the server refuses it for good, or when its author discards it. A
refusal that may pass, and a missing answer, keep it at the head of its lane and
hold the lane back for a while; no lane waits for another. The id never changes,
so sending twice is harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from talkbot_tui.core.model import Message, SendState

BACKOFF_FIRST_MS = 1_000
BACKOFF_MAX_MS = 60_000
TRIES_MAX = 8
"""After so many refusals in a row with the same internal error, the user decides."""
UNANSWERED_MAX = 2
"""So many missing answers in a row on one link, and the link itself is doubted."""


def backoff(tries: int) -> int:
    """How long to wait, in ms, after `tries` failures in a row (at least one)."""
    return min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS << min(tries - 1, 16))


@dataclass(slots=True)
class _Entry:
    """A message, and what became of the attempts to send it.

    uncertain: an attempt ended without an answer, so the server may have the message.
    tries: how often in a row it was postponed; the pauses grow with them.
    refusals: how many of the last ones in a row were refusals with `code`.
    silences: how many of the last ones in a row had no answer, on this link.
    """

    message: Message
    uncertain: bool = False
    tries: int = 0
    code: str = ""
    refusals: int = 0
    silences: int = 0
    ready_at: int = 0


class Outbox:
    """Our messages that the server has not confirmed, failed ones included."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._lanes: dict[str, list[str]] = {}

    def __contains__(self, client_msg_id: object) -> bool:
        return client_msg_id in self._entries

    def get(self, client_msg_id: str) -> Message | None:
        """The message as it is now."""
        entry = self._entries.get(client_msg_id)
        return entry.message if entry else None

    def messages(self, conversation_id: str) -> list[Message]:
        """This conversation's unsent messages, in order of composing."""
        return [
            entry.message
            for entry in self._entries.values()
            if entry.message.conversation_id == conversation_id
        ]

    def counts(self, conversation_id: str) -> tuple[int, int]:
        """How many have failed for good, and how many still wait, in this conversation."""
        states = [message.state for message in self.messages(conversation_id)]
        failed = states.count(SendState.FAILED)
        return failed, len(states) - failed

    def conversations(self) -> tuple[str, ...]:
        """Conversations whose lane is not empty."""
        return tuple(conversation for conversation, lane in self._lanes.items() if lane)

    def add(self, message: Message, *, uncertain: bool = False) -> None:
        """Put `message` at the end of its lane; a failed one is kept beside it.

        uncertain: the server may have it from an earlier attempt.
        """
        self._entries[message.client_msg_id] = _Entry(message, uncertain)
        if message.state is not SendState.FAILED:
            self._lanes.setdefault(message.conversation_id, []).append(message.client_msg_id)

    def saved(self, client_msg_id: str) -> Message | None:
        """The message is on disk: it may be sent. None when that is no news."""
        entry = self._entries.get(client_msg_id)
        if entry is None or entry.message.state is not SendState.SAVING:
            return None
        return self._set(entry, state=SendState.QUEUED)

    def next(self, conversation_id: str) -> Message | None:
        """The lane's first message, as it is now."""
        lane = self._lanes.get(conversation_id)
        return self._entries[lane[0]].message if lane else None

    def start(self, conversation_id: str, now: int) -> Message | None:
        """Take the lane's next message as being in flight, if the lane is free and may go."""
        lane = self._lanes.get(conversation_id)
        entry = self._entries[lane[0]] if lane else None
        if entry is None or entry.message.state is not SendState.QUEUED or entry.ready_at > now:
            return None
        return self._set(entry, state=SendState.SENDING, attempted=True)

    def may_discard(self, client_msg_id: str) -> bool:
        """Whether giving it up keeps the promise that nobody will receive it."""
        entry = self._entries.get(client_msg_id)
        if entry is None or entry.uncertain:
            return False
        return entry.message.state in (SendState.QUEUED, SendState.FAILED)

    def ready_at(self, conversation_id: str) -> int:
        """Until when this lane holds itself back, in ms; 0 when it does not."""
        lane = self._lanes.get(conversation_id)
        entry = self._entries[lane[0]] if lane else None
        if entry is None or entry.message.state is not SendState.QUEUED:
            return 0
        return entry.ready_at

    def postpone(
        self, client_msg_id: str, now: int, ready_at: int = 0, *, code: str | None
    ) -> Message | None:
        """Refused for now with `code`, or not answered (None): queued again, after a pause."""
        entry = self._entries.get(client_msg_id)
        if entry is None or entry.message.state is not SendState.SENDING:
            return None
        entry.tries += 1
        if code is None:
            entry.uncertain = True
            entry.silences += 1
            entry.refusals = 0
        else:
            entry.refusals = entry.refusals + 1 if code == entry.code else 1
            entry.code = code
            entry.silences = 0
        entry.ready_at = max(ready_at, now + backoff(entry.tries))
        return self._set(entry, state=SendState.QUEUED)

    def refusals(self, client_msg_id: str, code: str) -> int:
        """How often in a row this message has been refused with `code`."""
        entry = self._entries.get(client_msg_id)
        return entry.refusals if entry is not None and entry.code == code else 0

    def silences(self, client_msg_id: str) -> int:
        """How often in a row this message has gone unanswered on this link."""
        entry = self._entries.get(client_msg_id)
        return entry.silences if entry else 0

    def fail(self, client_msg_id: str, error: str, *, absent: bool = False) -> Message | None:
        """Refused for good: it leaves the lane and stays visible.

        absent: the refusal proves that the server has it from no earlier attempt either.
        """
        entry = self._entries.get(client_msg_id)
        if entry is None:
            return None
        self._leave(entry.message)
        entry.uncertain = entry.uncertain and not absent
        return self._set(entry, state=SendState.FAILED, error=error, attempted=entry.uncertain)

    def retry(self, client_msg_id: str, now: int) -> Message | None:
        """A failed message goes to the end of its lane again, as if composed `now`, same id."""
        entry = self._entries.get(client_msg_id)
        if entry is None or entry.message.state is not SendState.FAILED:
            return None
        del self._entries[client_msg_id]
        message = replace(entry.message, state=SendState.QUEUED, error="", ts=now)
        self.add(message, uncertain=entry.uncertain)
        return message

    def remove(self, client_msg_id: str) -> Message | None:
        """The server has it, or it is given up."""
        entry = self._entries.pop(client_msg_id, None)
        if entry is None:
            return None
        self._leave(entry.message)
        return entry.message

    def unsent(self, client_msg_id: str) -> Message | None:
        """It was not handed to the link: it waits as if it had never been tried."""
        entry = self._entries.get(client_msg_id)
        if entry is None or entry.message.state is not SendState.SENDING:
            return None
        return self._set(entry, state=SendState.QUEUED, attempted=entry.uncertain)

    def link_lost(self, *, again: bool = True) -> list[Message]:
        """What was in flight is queued again, without a pause; the messages that changed.

        again: False where what was in flight must not be sent again, come what may.
        """
        changed = []
        for entry in self._entries.values():
            entry.ready_at = entry.silences = 0
            if again and entry.message.state is SendState.SENDING:
                entry.uncertain = True
                entry.refusals = 0
                changed.append(self._set(entry, state=SendState.QUEUED))
        return changed

    def update(self, messages: Iterable[Message]) -> None:
        """These messages have other facts now (their sender became known)."""
        for message in messages:
            self._entries[message.client_msg_id].message = message

    def all(self) -> list[Message]:
        """Every unsent message, in order of composing."""
        return [entry.message for entry in self._entries.values()]

    def _leave(self, message: Message) -> None:
        lane = self._lanes.get(message.conversation_id, [])
        if message.client_msg_id in lane:
            lane.remove(message.client_msg_id)
        if not lane:
            self._lanes.pop(message.conversation_id, None)

    def _set(
        self, entry: _Entry, *, state: SendState, error: str = "", attempted: bool | None = None
    ) -> Message:
        tried = entry.message.attempted if attempted is None else attempted
        entry.message = replace(entry.message, state=state, error=error, attempted=tried)
        return entry.message
