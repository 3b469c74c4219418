"""Sending a message to a foreign server, and what its answer, or its silence, means."""

from __future__ import annotations

from collections.abc import Sequence

from talkbot_tui.client.dialects import Failure, Request, paths
from talkbot_tui.client.dialects.declared import Ack, Send
from talkbot_tui.client.dialects.incoming import time_of
from talkbot_tui.client.dialects.numbered import RoomLog
from talkbot_tui.client.ids import now_ms
from talkbot_tui.core import arrivals as a
from talkbot_tui.core.events import Event
from talkbot_tui.core.model import Message
from talkbot_tui.core.text import clean_line

ECHO_S = 5.0
"""A server that sends our own messages back does so within this time, or has not got them."""
NO_REASON = "no reason given"


def message(send: Send, log: RoomLog, sent: Message, known: paths.Known) -> Request:
    """One message of ours: sent again only where the server knows it again by its id."""
    client_id = sent.client_msg_id
    own = log.sent(client_id, sent.text, echo=send.echo)

    def unconfirmed() -> Event | None:
        if own.seq:
            return None
        seq = log.place(own)
        return a.MessageUnconfirmed(client_id, own.server_msg_id, seq, now_ms())

    def failed(failure: Failure) -> Event | None:
        if failure.code == "unsent":
            return a.MessageUnsent(client_id)
        return a.MessageUnanswered(client_id) if send.once_per_id else unconfirmed()

    def answered(answer: object) -> Event | None:
        assert send.ack is not None
        arguments = answer if isinstance(answer, tuple) else (answer,)
        why = refusal(send.ack, arguments)
        if why is not None:
            log.refused(own)
            return a.MessageRefused(client_id, "refused_there", why, retryable=False)
        given = send.ack.id.find(arguments) if send.ack.id else None
        seq = log.place(own, str(given)[:256] if isinstance(given, (str, int)) else "")
        ts = time_of(send.ack.time.find(arguments)) if send.ack.time else 0
        return a.MessageAcked(client_id, own.server_msg_id, seq, ts or now_ms())

    return Request(
        send.emit.event,
        send.emit.fill(known),
        answered if send.ack else None,
        failed,
        emitted=None if send.ack else unconfirmed,
        settle_s=ECHO_S if send.echo else 0.0,
    )


def refusal(ack: Ack, arguments: Sequence[object]) -> str | None:
    """Why an answer is a refusal, None when it is none."""
    why = ack.error.find(arguments) if ack.error else None
    if isinstance(why, dict):
        why = why.get("message") or why.get("code") or str(why)
    if why not in (None, False, "", 0):
        return clean_line(str(why)) or NO_REASON
    return NO_REASON if ack.ok is not None and not ack.ok.find(arguments) else None
