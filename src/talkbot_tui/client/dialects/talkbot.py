"""Our own contract (`talkbot_tui.wire`): effects to events, frames and answers to the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from talkbot_tui.client import decode
from talkbot_tui.client.dialects import Failure, Goodbye, Incoming, Limited, Request, StopAsked
from talkbot_tui.client.lookups import Lookups
from talkbot_tui.client.transport import AccessToken, Transport
from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core.events import Event
from talkbot_tui.wire import acks, client_events, server_events
from talkbot_tui.wire.codec import WireError, convert_server, decode_ack, decode_server, to_wire
from talkbot_tui.wire.scalars import SEQ_MAX, ClientPayload

T = TypeVar("T", bound=msgspec.Struct)

SYNC_PAGE = 50
SYNC_TIMEOUT_S = 20.0
MEMBERS_PAGE = 200
WATCH_MAX = 200


class TalkbotDialect:
    """Keeps what must be remembered between frames: who we are, until when the token lasts."""

    def __init__(self) -> None:
        """Nothing is known before the first `sync`."""
        self._me = ""
        self._token_ends = 0

    @property
    def once(self) -> bool:
        """Our servers know a message again."""
        return False

    @property
    def native(self) -> bool:
        """It is our contract."""
        return True

    def lookups(
        self,
        ours: Lookups,
        transport: Callable[[], Transport | None],
        feed: Callable[[Event], None],
    ) -> Lookups:
        """Ours."""
        return ours

    def known_as(self, user_id: str) -> None:
        """Who we were at the last start; the answer to `sync` has the last word."""
        self._me = self._me or user_id

    def begin(self) -> None:
        """The answer to `sync` will say how long the new connection's token lasts."""
        self._token_ends = 0

    def token_ends(self) -> int:
        """When the server ends this connection's token, in ms."""
        return self._token_ends

    def request(self, effect: f.Effect) -> Request | None:
        """What to send for `effect`; None for what this contract has no event for."""
        make = _REQUESTS.get(type(effect))
        return make(self, effect) if make else None

    def incoming(self, name: str, arguments: tuple[object, ...]) -> Incoming | None:
        """What a frame means; further arguments are a server's own addition. Raises `WireError`."""
        event = decode_server(name, arguments[0] if arguments else None)
        if event is None:
            return None
        if isinstance(event, server_events.LogEventBase):
            assert isinstance(event, server_events.LogEvent)
            return a.LogArrived((decode.log_event(event, self._me),))
        take = _HINTS[type(event)]
        return take(event)

    def renewal(self, token: AccessToken) -> Request:
        """The live connection goes on under `token`."""
        return Request("auth", to_wire(client_events.Auth(token=token.value)), self._renewed)

    def _renewed(self, answer: object) -> None:
        self._token_ends = decode_ack("auth", answer, acks.AuthAck).expires_at

    # --- requests ------------------------------------------------------------------

    def sync(self, effect: f.SendSync) -> Request:
        """Where we are, and what is new."""

        def answered(answer: object) -> Event:
            told = _decode_log("sync", answer, acks.SyncAck)
            self._me = told.user.user_id
            self._token_ends = told.expires_at
            return a.Synced(decode.snapshot(told))

        payload = client_events.Sync(
            cursors=dict(effect.cursors), epoch=effect.epoch or None, limit=SYNC_PAGE
        )
        return Request(
            "sync",
            _lean(payload),
            answered,
            lambda failure: a.SyncFailed(
                failure.message or failure.code, failure.retry_at, failure.answered
            ),
            SYNC_TIMEOUT_S,
        )

    def message(self, effect: f.SendMessage) -> Request:
        """One message of ours."""
        sent = effect.message

        def answered(answer: object) -> Event:
            told = decode_ack("message", answer, acks.MessageAck)
            return a.MessageAcked(sent.client_msg_id, told.server_msg_id, told.seq, told.ts)

        def failed(failure: Failure) -> Event:
            if not failure.answered:
                return a.MessageUnanswered(sent.client_msg_id)
            return a.MessageRefused(
                sent.client_msg_id,
                failure.code,
                failure.message,
                failure.retryable,
                failure.retry_at,
            )

        payload: dict[str, Any] = {
            "conversationId": sent.conversation_id,
            "text": sent.text,
            "clientMsgId": sent.client_msg_id,
        }
        if sent.reply_to:
            payload["replyTo"] = sent.reply_to
        if sent.format:
            payload["format"] = sent.format
        if sent.streaming:
            payload["streaming"] = True
        return Request("message", payload, answered, failed)

    def history(self, effect: f.FetchHistory) -> Request:
        """A page of a conversation."""
        side, seq = effect.request

        def answered(answer: object) -> Event:
            told = _decode_log("history", answer, acks.HistoryAck)
            events = decode.log_events(told.events, self._me)
            return a.HistoryArrived(
                effect.conversation_id,
                events,
                told.head_seq,
                told.more,
                effect.request,
                _span(answer),
            )

        def failed(failure: Failure) -> Event:
            return a.HistoryFailed(
                effect.conversation_id, failure.code, failure.retryable, effect.request
            )

        payload: dict[str, Any] = {"conversationId": effect.conversation_id, "limit": effect.limit}
        if side == "after" or seq > 0:
            payload[side] = seq
        return Request("history", payload, answered, failed)

    def read(self, effect: f.SendRead) -> Request:
        """Our read mark."""

        def answered(answer: object) -> Event:
            told = decode_ack("read", answer, acks.ReadAck)
            return a.ReadHint(
                effect.conversation_id, self._me, told.read_seq, told.unread, told.mentions
            )

        def failed(failure: Failure) -> Event:
            return a.ReadFailed(
                effect.conversation_id, effect.seq, failure.retryable, failure.retry_at
            )

        payload = {"conversationId": effect.conversation_id, "seq": effect.seq}
        return Request("read", payload, answered, failed)

    def operation(self, name: str, effect: Any, payload: ClientPayload) -> Request:
        """Something whose success is seen in the log; only a refusal is news."""

        def failed(failure: Failure) -> Event:
            op = getattr(effect, "client_op_id", "")
            return a.OperationRefused(effect.conversation_id, op, failure.code, failure.message)

        return Request(name, _lean(payload), _unread, failed)


def _decode_log(name: str, answer: object, kind: type[T]) -> T:
    """An answer with log events in it; events that cannot be read are left out, not all refused."""
    try:
        return decode_ack(name, answer, kind)
    except WireError:
        return decode_ack(name, _sifted(answer), kind)


def _span(answer: object) -> tuple[int, int]:
    """First and last seq of a page as it was sent, (0, 0) for an empty one."""
    events = answer.get("events") if isinstance(answer, dict) else None
    found = [event.get("seq") for event in events or () if isinstance(event, dict)]
    seqs = [seq for seq in found if isinstance(seq, int) and 0 < seq <= SEQ_MAX]
    return (min(seqs), max(seqs)) if seqs else (0, 0)


def _sifted(value: object) -> object:
    if isinstance(value, dict):
        return {
            key: [event for event in item if _readable(event)]
            if key == "events" and isinstance(item, list)
            else _sifted(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_sifted(item) for item in value]
    return value


def _readable(event: object) -> bool:
    try:
        convert_server("event", event, server_events.LogEvent)  # type: ignore[arg-type]  # a union is a type to msgspec
    except WireError:
        return False
    return True


def _unread(answer: object) -> None:
    decode_ack("ack", answer, acks.EmptyAck)


def _lean(payload: ClientPayload) -> dict[str, Any]:
    """Without what is null: a field left out means the same and costs nothing."""
    return {key: value for key, value in to_wire(payload).items() if value is not None}


def _edit(dialect: TalkbotDialect, effect: f.SendEdit) -> Request:
    payload = client_events.Edit(
        conversation_id=effect.conversation_id,
        server_msg_id=effect.server_msg_id,
        text=effect.text,
        client_op_id=effect.client_op_id,
        base_revision=effect.base_revision,
        streaming=effect.streaming,
        outcome=effect.outcome.value if effect.outcome else None,
    )
    return dialect.operation("edit", effect, payload)


def _delete(dialect: TalkbotDialect, effect: f.SendDelete) -> Request:
    payload = client_events.Delete(
        conversation_id=effect.conversation_id,
        server_msg_id=effect.server_msg_id,
        client_op_id=effect.client_op_id,
    )
    return dialect.operation("delete", effect, payload)


def _react(dialect: TalkbotDialect, effect: f.SendReaction) -> Request:
    payload = client_events.React(
        conversation_id=effect.conversation_id,
        server_msg_id=effect.server_msg_id,
        client_op_id=effect.client_op_id,
        emoji=effect.emoji,
        on=effect.on,
    )
    return dialect.operation("react", effect, payload)


def _stop(dialect: TalkbotDialect, effect: f.SendStop) -> Request:
    payload = client_events.Stop(
        conversation_id=effect.conversation_id, server_msg_id=effect.server_msg_id
    )
    return dialect.operation("stop", effect, payload)


def _typing(dialect: TalkbotDialect, effect: f.SendTyping) -> Request:
    del dialect
    return Request("typing", {"conversationId": effect.conversation_id, "on": effect.on})


def _presence(dialect: TalkbotDialect, effect: f.SendPresence) -> Request:
    del dialect
    payload: dict[str, Any] = {"status": effect.status.value}
    if effect.text:
        payload["text"] = effect.text
    return Request("presence", payload, _unread)


def _watch(dialect: TalkbotDialect, effect: f.WatchPresence) -> Request:
    del dialect

    def answered(answer: object) -> Event:
        told = decode_ack("watch", answer, acks.WatchAck)
        return a.PresenceHint(
            tuple((user_id, decode.presence(info)) for user_id, info in told.presence.items())
        )

    return Request("watch", {"userIds": list(effect.user_ids[:WATCH_MAX])}, answered)


def _members(dialect: TalkbotDialect, effect: f.FetchMembers) -> Request:
    del dialect

    def answered(answer: object) -> Event:
        told = decode_ack("members", answer, acks.MembersAck)
        return a.MembersArrived(
            effect.conversation_id, tuple(decode.member(info) for info in told.items)
        )

    payload = {"conversationId": effect.conversation_id, "limit": MEMBERS_PAGE}
    return Request("members", payload, answered)


def _heads(dialect: TalkbotDialect, effect: f.AskHeads) -> Request:
    del dialect

    def answered(answer: object) -> Event:
        told = decode_ack("heads", answer, acks.HeadsAck)
        return a.HeadsArrived(tuple(told.heads.items()))

    return Request("heads", {"heads": dict(effect.heads)}, answered)


_REQUESTS: dict[type, Callable[[TalkbotDialect, Any], Request]] = {
    f.SendSync: TalkbotDialect.sync,
    f.SendMessage: TalkbotDialect.message,
    f.FetchHistory: TalkbotDialect.history,
    f.SendRead: TalkbotDialect.read,
    f.SendEdit: _edit,
    f.SendDelete: _delete,
    f.SendReaction: _react,
    f.SendStop: _stop,
    f.SendTyping: _typing,
    f.SendPresence: _presence,
    f.WatchPresence: _watch,
    f.FetchMembers: _members,
    f.AskHeads: _heads,
}


def _stream(event: server_events.StreamEvent) -> Incoming:
    shown, size = decode.text(event.delta)
    return a.StreamDelta(event.conversation_id, event.server_msg_id, event.offset, shown, size)


def _presence_hint(event: server_events.PresenceEvent) -> Incoming:
    return a.PresenceHint(((event.user_id, decode.presence(event)),))


def _read_hint(event: server_events.ReadEvent) -> Incoming:
    return a.ReadHint(event.conversation_id, event.user_id, event.seq, event.unread, event.mentions)


def _stop_asked(event: server_events.StopEvent) -> Incoming:
    return StopAsked(event.conversation_id, event.server_msg_id, event.user_id)


def _typing_hint(event: server_events.TypingEvent) -> Incoming:
    return a.TypingHint(event.conversation_id, event.user_id, event.on)


_HINTS: dict[type, Callable[[Any], Incoming]] = {
    server_events.StreamEvent: _stream,
    server_events.StopEvent: _stop_asked,
    server_events.TypingEvent: _typing_hint,
    server_events.PresenceEvent: _presence_hint,
    server_events.ReadEvent: _read_hint,
    server_events.ResyncEvent: lambda event: a.Resync(tuple(event.conversation_ids or ())),
    server_events.LimitedEvent: lambda event: Limited(event.event, event.retry_after_ms),
    server_events.GoodbyeEvent: lambda event: Goodbye(event.code, event.retry_after_ms or 0),
}
