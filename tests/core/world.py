"""Everything that can happen to a session, as steps of a story."""

from __future__ import annotations

from collections.abc import Callable

from talkbot_tui.core import events as e
from talkbot_tui.core.model import SendState
from tests.core.people import ANA, BRUNO
from tests.core.shell import Shell


class World(Shell):
    """Adds what people do to what the network does."""

    def compose(self, pick: int) -> None:
        self.written += 1
        client_msg_id = f"mine-{self.written}"
        room = self.room(pick)
        self.composed.setdefault(room, []).append(client_msg_id)
        self.feed(e.Compose(room, f"hello {self.written}", client_msg_id, self.now))

    def discard(self, pick: int) -> None:
        waiting = list(self.store.outbox)
        if waiting:
            client_msg_id = waiting[pick % len(waiting)]
            self.feed(e.Discard(client_msg_id))
            if client_msg_id not in self.store.outbox:
                self.discarded.add(client_msg_id)

    def open(self, pick: int) -> None:
        self.feed(e.OpenConversation(self.room(pick)))

    def reach_top(self, pick: int) -> None:
        self.feed(e.ReachedTop(self.room(pick)))

    def fill_gap(self, pick: int) -> None:
        gaps = self.session.timeline(self.room(pick)).gaps
        if gaps:
            self.feed(e.FillGap(self.room(pick), gaps[pick % len(gaps)].last))

    def read(self, pick: int) -> None:
        room = self.room(pick)
        self.feed(e.ReadUpTo(room, self.session.timeline(room).cursor))

    def other_posts(self, pick: int) -> None:
        self.written += 1
        mentions = (ANA.user_id,) if pick % 3 == 0 else ()
        _, event = self.server.post(
            BRUNO, self.room(pick), f"theirs {self.written}", f"his-{self.written}", mentions
        )
        self.broadcast(event)

    def many_post(self, pick: int) -> None:
        for _ in range(1 + pick % 17):
            self.other_posts(pick)

    def other_edits(self, pick: int) -> None:
        self.written += 1
        self.broadcast(self.server.edit(BRUNO, self.room(pick), pick, f"edit {self.written}"))

    def other_deletes(self, pick: int) -> None:
        self.broadcast(self.server.delete(BRUNO, self.room(pick), pick))

    def other_reacts(self, pick: int) -> None:
        self.broadcast(self.server.react(BRUNO, self.room(pick), pick))

    def bot_starts(self, pick: int) -> None:
        self.written += 1
        self.broadcast(self.server.start_stream(BRUNO, self.room(pick), f"bot-{self.written}"))

    def bot_speaks(self, pick: int) -> None:
        for _ in range(1 + pick % 3):
            self.written += 1
            self.broadcast(self.server.speak(self.room(pick), pick, f" {self.written}"))

    def bot_ends(self, pick: int) -> None:
        self.broadcast(self.server.end_stream(BRUNO, self.room(pick), pick))

    def away(self, pick: int) -> None:
        """The link is lost, life goes on, the link comes back."""
        self.lose_link(pick)
        for number in range(1 + pick % 7):
            step = (self.many_post, self.other_edits, self.other_reacts, self.other_deletes)
            step[(number + pick) % 4](pick + number)
        self.connect(pick)

    def start_over(self, pick: int) -> None:
        """The server comes back with another database."""
        self.lose_link(pick)
        self.server.start_over()
        self.other_posts(pick)

    def put_out(self, pick: int) -> None:
        if self.server.rooms[self.room(pick)].member:
            self.broadcast(self.server.leave(self.room(pick)))

    def let_in(self, pick: int) -> None:
        if not self.server.rooms[self.room(pick)].member:
            self.broadcast(self.server.join(self.room(pick)))

    def retry(self, pick: int) -> None:
        failed = [m for m in self.store.outbox.values() if m.state is SendState.FAILED]
        if failed:
            self.feed(e.Retry(failed[pick % len(failed)].client_msg_id))


Steps = tuple[Callable[[World, int], None], ...]

STEPS: Steps = (
    World.compose,
    World.other_posts,
    World.many_post,
    World.other_edits,
    World.other_deletes,
    World.other_reacts,
    World.bot_starts,
    World.bot_speaks,
    World.bot_speaks,
    World.bot_ends,
    World.away,
    World.away,
    World.discard,
    World.open,
    World.load,
    World.reach_top,
    World.fill_gap,
    World.read,
    World.connect,
    World.lose_link,
    World.restart,
    World.serve,
    World.serve,
    World.deliver_answer,
    World.deliver_answer,
    World.lose_request,
    World.deliver,
    World.deliver,
    World.deliver_all,
    World.deliver_twice,
    World.lose_broadcast,
    World.resync,
    World.tick,
)


ROUGH_STEPS: Steps = (*STEPS, *STEPS, World.start_over, World.put_out, World.let_in, World.retry)
"""With these, what was sent may be gone from the server, and we may be gone from a room."""
