"""A dialect that is written down as data, at work: the seam between core and foreign server.

Nothing goes out but what the dialect's file says. What the server does not offer is told, not
faked: a message without an ack is sent once and marked, a history that is not there begins here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from talkbot_tui.client.dialects import Answer, Incoming, Request, outgoing
from talkbot_tui.client.dialects.declared import Declared
from talkbot_tui.client.dialects.foreign_lookups import ForeignLookups
from talkbot_tui.client.dialects.foreign_state import ForeignState
from talkbot_tui.client.dialects.numbered import new_id
from talkbot_tui.client.dialects.receiving import Receiver, presence
from talkbot_tui.client.ids import now_ms
from talkbot_tui.client.lookups import Lookups
from talkbot_tui.client.transport import AccessToken, Transport
from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core.events import Event
from talkbot_tui.core.model import SyncSnapshot

EPOCH = "foreign"
NOT_OFFERED = "This server does not offer that."


class ForeignDialect:
    """One account on one foreign server.

    Attributes:
        state: who we are there, and the rooms.
        epoch: names the numbering, which is this process's own.
    """

    def __init__(
        self,
        declared: Declared,
        name: str,
        rooms: Sequence[str] = (),
        clock: Callable[[], int] = now_ms,
    ) -> None:
        """`name`: how we want to be called there. rooms: where we go, else the dialect's own."""
        self.epoch = EPOCH
        self.state = ForeignState(declared, name, rooms, clock)
        self._receiver = Receiver(self.state)

    # --- what the engine asks ---------------------------------------------------------

    @property
    def once(self) -> bool:
        """Unless the server knows an id again, a message that is sent again would be double."""
        declared = self.state.declared
        return not all(s.once_per_id for s in (declared.send, declared.direct) if s)

    @property
    def native(self) -> bool:
        """It is somebody else's server."""
        return False

    def begin(self) -> None:
        """A connection stands, and its rooms are joined."""
        self._receiver.begin()
        self.state.begin()

    def lookups(
        self,
        ours: Lookups,
        transport: Callable[[], Transport | None],
        feed: Callable[[Event], None],
    ) -> Lookups:
        """What the dialect can answer; the rest is not offered."""
        return ForeignLookups(ours.request, ours.new_id, self.state, transport, feed)

    def renewal(self, token: AccessToken) -> None:
        """There are no tokens."""

    def token_ends(self) -> int:
        """There are no tokens."""
        return 0

    def request(self, effect: f.Effect) -> Request | Answer | None:
        """What to send for `effect`, or what is known without the server."""
        make = _ASKED.get(type(effect))
        return make(self, effect) if make else None

    def incoming(self, name: str, arguments: tuple[object, ...]) -> Incoming | None:
        """What a frame means; None for an event of which the dialect says nothing."""
        self.state.look(name, arguments)
        return self._receiver.take(name, arguments)

    # --- one method for each effect ---------------------------------------------------

    def sync(self, effect: f.SendSync) -> Answer:
        """Where we are: nobody but we knows."""
        cursors = dict(effect.cursors)
        rooms = tuple(log.snapshot(cursors.get(log.id, 0)) for log in self.state.rooms.values())
        return Answer((a.Synced(SyncSnapshot(EPOCH, self.state.me, "", rooms)),))

    def message(self, effect: f.SendMessage) -> Request:
        """One message of ours."""
        message = effect.message
        log = self.state.room(message.conversation_id)
        send, peer = self.state.declared.send, log.conversation.peer
        known = self.state.known(
            log.id, text=message.text, id=message.client_msg_id, now=self.state.clock()
        )
        if peer is not None:
            assert self.state.declared.direct is not None
            send = self.state.declared.direct
            known = {**known, "to": peer.user_id}
            del known["room"]
        return outgoing.message(send, log, message, known)

    def typing(self, effect: f.SendTyping) -> Request | None:
        """That we write, where the server has an event for it."""
        declared = self.state.declared
        emit = declared.typing_start if effect.on else declared.typing_stop
        if emit is None or self.state.room(effect.conversation_id).conversation.peer:
            return None
        return Request(emit.event, emit.fill(self.state.known(effect.conversation_id)))

    def ping(self, effect: f.AskHeads) -> Request | None:
        """There are no heads to ask for, but the time of an answer can be measured."""
        del effect
        emit = self.state.declared.ping
        if emit is None:
            return None
        known = self.state.known(text="", id=new_id(), now=self.state.clock())
        return Request(emit.event, emit.fill(known), lambda answer: None)

    def read(self, effect: f.SendRead) -> Answer:
        """Our read mark is ours alone."""
        log = self.state.room(effect.conversation_id)
        log.read_up_to(effect.seq)
        return Answer((a.ReadHint(log.id, self.state.me.user_id, effect.seq),))

    def members(self, effect: f.FetchMembers) -> Answer:
        """Who is known to be there."""
        log = self.state.room(effect.conversation_id)
        return Answer((a.MembersArrived(log.id, tuple(log.members.values())), presence(log)))

    def not_offered(self, effect: Any) -> Answer:
        """Edits, deletions, reactions: there is no event for them."""
        op = getattr(effect, "client_op_id", "")
        room = effect.conversation_id
        return Answer((a.OperationRefused(room, op, "not_offered", NOT_OFFERED),))


_ASKED: dict[type, Callable[[ForeignDialect, Any], Request | Answer | None]] = {
    f.SendSync: ForeignDialect.sync,
    f.SendMessage: ForeignDialect.message,
    f.SendTyping: ForeignDialect.typing,
    f.SendRead: ForeignDialect.read,
    f.FetchMembers: ForeignDialect.members,
    f.AskHeads: ForeignDialect.ping,
    f.SendEdit: ForeignDialect.not_offered,
    f.SendDelete: ForeignDialect.not_offered,
    f.SendReaction: ForeignDialect.not_offered,
    f.SendStop: ForeignDialect.not_offered,
}
