"""What an answer or a failure is to the core: mirrors the requests of `client.dialects.talkbot`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from talkbot_tui.client.dialects import REQUEST_TIMEOUT_S
from talkbot_tui.client.dialects.talkbot import SYNC_TIMEOUT_S
from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.model import LogEvent
from tests.sim.room import Wire
from tests.sim.server import Invite, Join, Leave, Remove

UNANSWERED = ("unanswered", "link_lost")
OPERATIONS = (f.SendEdit, f.SendDelete, f.SendReaction)
_ASKED = (
    f.SendMessage,
    f.FetchHistory,
    f.SendRead,
    f.AskHeads,
    f.FetchMembers,
    *OPERATIONS,
    Join,
    Leave,
    Remove,
    Invite,
)


def timeout_of(effect: Any) -> int:
    """Seconds to wait for the ack; 0 for what is not simulated."""
    if isinstance(effect, f.SendSync):
        return int(SYNC_TIMEOUT_S)
    return int(REQUEST_TIMEOUT_S) if isinstance(effect, _ASKED) else 0


def answered(effect: Any, answer: Any, me: str) -> e.Event | None:
    """Mirrors `Request.answered` of each request."""
    match effect:
        case f.SendMessage(message=sent):
            return a.MessageAcked(sent.client_msg_id, *answer)
        case f.SendSync():
            return a.Synced(answer)
        case f.FetchHistory():
            events, head, more = answer
            span = (events[0].seq, events[-1].seq) if events else (0, 0)
            return a.HistoryArrived(
                effect.conversation_id, events, head, more, effect.request, span
            )
        case f.SendRead():
            return a.ReadHint(effect.conversation_id, me, *answer)
        case f.AskHeads():
            return a.HeadsArrived(answer)
        case f.FetchMembers():
            return a.MembersArrived(effect.conversation_id, answer)
        case _:
            return None


def failed(effect: Any, code: str, *, retryable: bool = True, retry_at: int = 0) -> e.Event | None:
    """Mirrors `Request.failed` of each request."""
    match effect:
        case f.SendMessage(message=sent) if code in UNANSWERED:
            return a.MessageUnanswered(sent.client_msg_id)
        case f.SendMessage(message=sent):
            return a.MessageRefused(sent.client_msg_id, code, code, retryable, retry_at)
        case f.SendSync():
            return a.SyncFailed(code, retry_at, code not in UNANSWERED)
        case f.FetchHistory():
            return a.HistoryFailed(effect.conversation_id, code, retryable, effect.request)
        case f.SendRead():
            return a.ReadFailed(effect.conversation_id, effect.seq, retryable, retry_at)
        case f.SendEdit() | f.SendDelete() | f.SendReaction():
            return a.OperationRefused(effect.conversation_id, effect.client_op_id, code, code)
        case _:
            return None


def received(inbox: list[Any], me: str) -> Iterator[e.Event]:
    """Mirrors `Supervisor._take` and `_pass_on`: neighbours of the log come together."""
    found: list[LogEvent] = []
    for incoming in inbox:
        if isinstance(incoming, Wire):
            found.append(incoming.to(me))
            continue
        if found:
            yield a.LogArrived(tuple(found))
            found = []
        yield incoming
    if found:
        yield a.LogArrived(tuple(found))
