"""One session between a model server and a model store, over a link that does its worst.

Each method is one thing that can happen. Requests wait until the server takes
them, answers and broadcasts until they are delivered, in any order; after every
event the splices are applied to copies, which must equal the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.changelog import patched
from talkbot_tui.core.changes import DraftReturned, TimelineChanged, TimelineReset
from talkbot_tui.core.link import LinkState
from talkbot_tui.core.model import LogEvent, MemberChanged, Row, SendState
from talkbot_tui.core.session import Session
from tests.core.model_server import ModelServer
from tests.core.model_store import ModelStore
from tests.core.people import ANA

Request = f.SendMessage | f.SendSync | f.FetchHistory | f.SendRead | f.AskHeads


@dataclass
class Pending:
    """A request on its way, or its answer on the way back."""

    request: Request
    answer: e.Event | None = None


class Shell:
    def __init__(self, server: ModelServer | None = None, page: int = 3) -> None:
        self.server = server or ModelServer()
        self.store = ModelStore()
        self.session = Session()
        self.now = 1_000_000
        self.page = page
        self.requests: list[Pending] = []
        self.broadcasts: list[LogEvent | a.StreamDelta] = []
        self.wake = 0
        self.subscribed = False
        self.written = 0
        self.composed: dict[str, list[str]] = {}
        self.discarded: set[str] = set()
        self.copies: dict[str, list[Row]] = {}
        self.to_load: list[a.PageLoaded] = []
        self.feed(self.store.loaded())

    # --- the engine ---------------------------------------------------------------

    def feed(self, event: e.Event) -> None:
        self.now += 1
        effects = self.session.handle(event, self.now)
        self.check_copies()
        for effect in effects:
            self.perform(effect)

    def perform(self, effect: f.Effect) -> None:
        self.store.perform(effect)
        match effect:
            case f.SaveLocal(message=message):
                self.feed(a.Saved(message.client_msg_id))
            case f.LoadPage(conversation_id=room, before=before):
                # Read now, for effects are performed in order; told later.
                page = self.store.page(f.LoadPage(room, before, self.page))
                self.to_load.append(page)
            case f.WakeAt(at=at):
                self.wake = min(self.wake, at) if self.wake else at
            case f.SendMessage(message=message):
                room = message.conversation_id
                # What its broadcast has confirmed may still wait for its ack.
                unconfirmed = [
                    p.request.message
                    for p in self.requests
                    if isinstance(p.request, f.SendMessage)
                    and self.store.waits(p.request.message.client_msg_id)
                ]
                assert all(
                    m.conversation_id != room or m.client_msg_id == message.client_msg_id
                    for m in unconfirmed
                )
                assert message.client_msg_id in self.store.outbox, "sent before it was saved"
                self.requests.append(Pending(effect))
            case f.SendSync() | f.FetchHistory() | f.SendRead() | f.AskHeads():
                assert self.link in (LinkState.SYNCING, LinkState.ONLINE)
                self.requests.append(Pending(effect))
            case _:
                pass

    @property
    def link(self) -> LinkState:
        return self.session.link.state

    def check_copies(self) -> None:
        for change in self.session.take_changes():
            match change:
                case TimelineChanged(conversation_id=room, splices=splices):
                    self.copies[room] = patched(self.copies.get(room, []), splices)
                case TimelineReset(conversation_id=room):
                    self.copies[room] = list(self.session.timeline(room).rows)
                case DraftReturned():
                    raise AssertionError("nothing was refused by the store")
                case _:
                    pass
        for room, copy in self.copies.items():
            assert copy == list(self.session.timeline(room).rows)

    def room(self, pick: int) -> str:
        names = list(self.server.rooms)
        return names[pick % len(names)]

    def load(self, pick: int) -> None:
        if self.to_load:
            self.feed(self.to_load.pop(0))

    def broadcast(self, event: LogEvent | a.StreamDelta | None) -> None:
        if event is None or not self.subscribed:
            return
        room = self.server.rooms[event.conversation_id]
        if room.member or isinstance(event, MemberChanged):
            self.broadcasts.append(event)

    # --- what the network does ----------------------------------------------------------

    def connect(self, pick: int) -> None:
        if self.link in (LinkState.OFFLINE, LinkState.WAITING):
            self.feed(a.LinkConnecting(1))
            self.feed(a.LinkUp())

    def lose_link(self, pick: int) -> None:
        if self.link not in (LinkState.SYNCING, LinkState.ONLINE):
            return
        flying, self.requests = self.requests, []
        for number, pending in enumerate(flying):
            # The server may have got a request whose sender is gone.
            if isinstance(pending.request, f.SendMessage) and (pick >> number) & 1:
                self.answer(pending.request)
        self.broadcasts.clear()
        self.subscribed = False
        late = [failure for p in flying if (failure := self.failure(p.request)) is not None]
        if pick & 1:
            for failure in late:
                self.feed(failure)
            self.requests.clear()
        self.feed(a.LinkDown("lost", self.now + 1000))
        if not pick & 1:
            for failure in late:
                self.feed(failure)

    def restart(self, pick: int) -> None:
        """As after `kill -9`: only what is in the store is left."""
        for number, pending in enumerate(self.requests):
            if isinstance(pending.request, f.SendMessage) and (pick >> number) & 1:
                self.answer(pending.request)
        self.requests.clear()
        self.broadcasts.clear()
        self.to_load.clear()
        self.copies.clear()
        self.subscribed = False
        self.wake = 0
        self.session = Session()
        self.feed(self.store.loaded())

    def serve(self, pick: int) -> None:
        """The server takes a request; its answer waits."""
        waiting = [p for p in self.requests if p.answer is None]
        if waiting:
            pending = waiting[pick % len(waiting)]
            pending.answer = self.answer(pending.request)

    def deliver_answer(self, pick: int) -> None:
        ready = [p for p in self.requests if p.answer is not None]
        if ready:
            pending = ready[pick % len(ready)]
            self.requests.remove(pending)
            assert pending.answer is not None
            self.feed(pending.answer)

    def lose_request(self, pick: int) -> None:
        """A request or its answer is lost, and the link stays: the client's deadline ends it."""
        if self.requests:
            pending = self.requests.pop(pick % len(self.requests))
            failure = self.failure(pending.request)
            if failure is not None:
                self.feed(failure)

    def deliver(self, pick: int) -> None:
        if self.broadcasts:
            self.hear(self.broadcasts.pop(pick % min(3, len(self.broadcasts))))

    def hear(self, event: LogEvent | a.StreamDelta) -> None:
        self.feed(event if isinstance(event, a.StreamDelta) else a.LogArrived((event,)))

    def deliver_all(self, pick: int) -> None:
        heard, self.broadcasts = self.broadcasts, []
        for delta, group in groupby(heard, lambda event: isinstance(event, a.StreamDelta)):
            found = list(group)
            if delta:
                for event in found:
                    self.hear(event)
            else:
                logged = [event for event in found if not isinstance(event, a.StreamDelta)]
                self.feed(a.LogArrived(tuple(logged)))

    def deliver_twice(self, pick: int) -> None:
        if self.broadcasts:
            self.hear(self.broadcasts[pick % len(self.broadcasts)])

    def lose_broadcast(self, pick: int) -> None:
        if self.broadcasts:
            self.broadcasts.pop(pick % len(self.broadcasts))

    def resync(self, pick: int) -> None:
        self.feed(a.Resync())

    def tick(self, pick: int) -> None:
        if self.wake:
            self.now = max(self.now, self.wake)
            self.wake = 0
            self.feed(e.Tick())

    def answer(self, request: Request) -> e.Event:
        match request:
            case f.SendMessage(message=m) if not self.server.rooms[m.conversation_id].member:
                return a.MessageRefused(m.client_msg_id, "not_found", "No such room.", False)
            case f.FetchHistory(conversation_id=room, request=which) if not self.server.rooms[
                room
            ].member:
                return a.HistoryFailed(room, "not_found", False, which)
            case f.SendMessage(message=m):
                (server_id, seq, ts), event = self.server.post(
                    ANA, m.conversation_id, m.text, m.client_msg_id
                )
                self.broadcast(event)
                return a.MessageAcked(m.client_msg_id, server_id, seq, ts)
            case f.SendSync(cursors=cursors, epoch=epoch):
                self.subscribed = True
                return a.Synced(self.server.snapshot(cursors, epoch))
            case f.FetchHistory(conversation_id=room, request=which):
                events, head, more = self.server.history(room, which)
                return a.HistoryArrived(room, events, head, more, which)
            case f.SendRead(conversation_id=room, seq=seq):
                read, unread, mentions = self.server.read(room, seq)
                return a.ReadHint(room, ANA.user_id, read, unread, mentions)
            case f.AskHeads(heads=heads):
                moved = [
                    (room, self.server.rooms[room].head)
                    for room, head in heads
                    if self.server.rooms[room].head > head
                ]
                return a.HeadsArrived(tuple(moved))

    def failure(self, request: Request) -> e.Event | None:
        match request:
            case f.SendMessage(message=m):
                return a.MessageUnanswered(m.client_msg_id)
            case f.SendSync():
                return a.SyncFailed("no answer", self.now + 1000)
            case f.FetchHistory(conversation_id=room, request=which):
                return a.HistoryFailed(room, "no answer", True, which)
            case f.SendRead(conversation_id=room, seq=seq):
                return a.ReadFailed(room, seq)
            case _:
                return None

    # --- the end -------------------------------------------------------------------------

    def settle(self) -> None:
        """Everything that is under way comes to its end on a good link."""
        calm = 0
        for _ in range(400):
            self.connect(0)
            while self.requests or self.broadcasts or self.to_load:
                self.deliver_all(0)
                self.load(0)
                self.serve(0)
                self.deliver_answer(0)
            resting = self.link is LinkState.ONLINE and all(
                m.state is SendState.FAILED for m in self.store.outbox.values()
            )
            if resting and self.wake - self.now > 10_000:
                # Only the question for heads is left to wait for.
                calm += 1
                if calm == 2:
                    return
            self.tick(0)
        raise AssertionError("never came to rest")
