"""What people do, drawn from the seed: write, change their minds, come and go."""

from __future__ import annotations

from collections.abc import Callable

from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.model import Message, Row, SendState, User
from tests.sim.device import Device
from tests.sim.host import Host
from tests.sim.recorder import Recorder
from tests.sim.server import Invite, Join, Leave, ModelServer, Remove
from tests.sim.world import World

EMOJIS = ("👍", "🎉")
ROBOT = User("u-robot", "robot")
"""Has no device of its own; where it is a member, it floods."""

MUCH = (1, 5, 20, 60, 250)
ROOMS_MAX = 5


class Crowd:
    """Everybody's hands."""

    def __init__(
        self,
        world: World,
        recorder: Recorder,
        host: Host,
        devices: list[Device],
        calm: tuple[int, int],
    ) -> None:
        """`calm`: how long a person waits between two things, in ms."""
        self._world = world
        self._recorder = recorder
        self._host = host
        self._devices = devices
        self._calm = calm
        self._names = 0
        self._moves: list[Callable[[Device], None]] = []
        weights = (
            (30, self._write),
            (8, self._edit),
            (4, self._delete),
            (8, self._react),
            (8, self._discard),
            (4, self._retry),
            (10, self._read),
            (10, self._open),
            (6, self._scroll),
            (4, self._fill),
            (2, self._jump),
            (2, self._back),
            (2, self._draft),
            (1, self._reconnect),
            (2, self._send_held),
            (1, self._join),
            (1, self._leave),
            (1, self._remove),
            (1, self._invite),
            (1, self._robot),
            (1, self._create),
        )
        for weight, move in weights:
            self._moves += [move] * weight

    def _server(self) -> ModelServer:
        return self._host.server

    def begin(self) -> None:
        """Everybody sits down."""
        for device in self._devices:
            self._sit(device)

    def _sit(self, device: Device) -> None:
        self._world.later(self._world.lag(*self._calm), lambda: self._act(device))

    def _act(self, device: Device) -> None:
        if self._world.healed:
            return
        awake = device.frozen_until <= self._world.now
        if device.running and awake:
            self._world.chance.choice(self._moves)(device)
        self._sit(device)

    # --- what they see -----------------------------------------------------------------

    def _room(self, device: Device) -> str:
        if device.session.open_id and self._world.chance.random() < 0.8:
            return device.session.open_id
        return self._world.chance.choice(list(self._server().rooms))

    def _pick(
        self, device: Device, room: str, good: Callable[[Message], bool], latest: int = 12
    ) -> Message | None:
        rows: list[Row] = [*device.session.timeline(room).rows]
        found = [row for row in rows if isinstance(row, Message) and good(row)]
        return self._world.chance.choice(found[-latest:]) if found else None

    def _name(self, device: Device) -> str:
        self._names += 1
        return f"{device.name}-{self._names}"

    # --- what they do --------------------------------------------------------------------

    def _write(self, device: Device) -> None:
        chance = self._world.chance
        room = self._room(device)
        known = device.session.room(room)
        if known is None or not known.conversation.role:
            return
        for _ in range(1 if chance.random() < 0.8 else chance.randint(2, 8)):
            name = self._name(device)
            text = f"{name} says"
            if chance.random() < 0.1:
                text += f" @{chance.choice(list(self._server().users.values())).name}"
            elif chance.random() < 0.01:
                text = "  "
            self._recorder.wrote(device, room, name, text)
            device.feed(e.Compose(room, text, name, device.clock))

    def _edit(self, device: Device) -> None:
        # Few messages, many times: that is how edits overtake each other.
        room = self._room(device)
        mine = self._pick(
            device, room, lambda m: m.sender.user_id == device.user and not m.deleted, latest=2
        )
        if mine is not None:
            self._reword(device, room, mine.server_msg_id)

    def _reword(self, device: Device, room: str, server_msg_id: str) -> None:
        """One edit, and often another at once."""
        asleep = device.frozen_until > self._world.now
        if self._world.healed or asleep or not device.running:
            return
        op = self._name(device)
        device.feed(e.EditMessage(room, server_msg_id, f"edited {op}", op))
        if self._world.chance.random() < 0.6:
            pause = self._world.lag(20, 900)
            self._world.later(pause, lambda: self._reword(device, room, server_msg_id))

    def _delete(self, device: Device) -> None:
        room = self._room(device)
        mine = self._pick(device, room, lambda m: m.sender.user_id == device.user)
        if mine is not None:
            device.feed(e.DeleteMessage(room, mine.server_msg_id, self._name(device)))

    def _react(self, device: Device) -> None:
        chance = self._world.chance
        room = self._room(device)
        any_one = self._pick(device, room, lambda m: not m.deleted)
        if any_one is not None:
            emoji, on = chance.choice(EMOJIS), chance.random() < 0.7
            op = self._name(device)
            device.feed(e.React(room, any_one.server_msg_id, emoji, on, op))

    def _unsent(self, device: Device) -> str:
        """A room where something of ours waits or has failed."""
        rooms = [room for room in device.session.rooms() if room.queued or room.failed]
        if not rooms:
            return self._room(device)
        return self._world.chance.choice(rooms).conversation.conversation_id

    def _discard(self, device: Device) -> None:
        room = self._unsent(device)
        mine = self._pick(device, room, lambda m: not m.seq)
        if mine is not None:
            device.feed(e.Discard(mine.client_msg_id))
            self._recorder.discarding(device, mine.client_msg_id)

    def _retry(self, device: Device) -> None:
        mine = self._pick(device, self._unsent(device), lambda m: m.state is SendState.FAILED)
        if mine is not None:
            self._recorder.sent_again(device, mine.client_msg_id)
            device.feed(e.Retry(mine.client_msg_id))

    def _read(self, device: Device) -> None:
        room = self._room(device)
        timeline = device.session.timeline(room)
        if timeline.cursor:
            low = max(1, timeline.cursor - 5)
            device.feed(e.ReadUpTo(room, self._world.chance.randint(low, timeline.cursor)))

    def _open(self, device: Device) -> None:
        device.feed(e.OpenConversation(self._world.chance.choice(list(self._server().rooms))))

    def _scroll(self, device: Device) -> None:
        device.feed(e.ReachedTop(self._room(device)))

    def _jump(self, device: Device) -> None:
        room = self._room(device)
        head = device.session.timeline(room).head
        device.feed(e.JumpTo(room, self._world.chance.randint(1, head + 2)))

    def _back(self, device: Device) -> None:
        kind = self._world.chance.choice((e.ReachedBottom, e.ShowNewest))
        device.feed(kind(self._room(device)))

    def _fill(self, device: Device) -> None:
        room = self._room(device)
        gaps = device.session.timeline(room).gaps
        if gaps:
            device.feed(e.FillGap(room, self._world.chance.choice(gaps).last))

    def _draft(self, device: Device) -> None:
        device.feed(e.SetDraft(self._room(device), self._world.chance.choice(("", "hm", "hm!"))))

    def _reconnect(self, device: Device) -> None:
        device.feed(e.ReconnectNow())

    def _send_held(self, device: Device) -> None:
        device.feed(e.SendHeld(self._room(device)))

    # --- who is in ---------------------------------------------------------------------------

    def _join(self, device: Device) -> None:
        if device.connection is not None:
            device.ask(Join(self._world.chance.choice(list(self._server().rooms))))

    def _leave(self, device: Device) -> None:
        if device.connection is not None:
            device.ask(Leave(self._room(device)))

    def _other(self, device: Device) -> User:
        others = [u for u in self._server().users.values() if u.user_id != device.user]
        return self._world.chance.choice(others)

    def _remove(self, device: Device) -> None:
        if device.connection is not None and len(self._server().users) > 1:
            device.ask(Remove(self._room(device), self._other(device).user_id))

    def _invite(self, device: Device) -> None:
        if device.connection is not None and len(self._server().users) > 1:
            device.ask(Invite(self._room(device), self._other(device).user_id))

    def _robot(self, device: Device) -> None:
        """A robot says much at once: now a page, now more than a page."""
        del device
        server = self._server()
        room = self._world.chance.choice(list(server.rooms))
        if ROBOT.user_id not in server.rooms[room].members or not self._host.up:
            return
        for _ in range(self._world.chance.choice(MUCH)):
            self._names += 1
            name = f"robot-{self._names}"
            ask = Message(name, room, ROBOT, f"{name} reports", 0, name)
            _, told = server.handle(ROBOT.user_id, f.SendMessage(ask))
            self._host.deliver(told)

    def _create(self, device: Device) -> None:
        """Somebody makes a room for some of the others."""
        server = self._server()
        if not self._host.up or len(server.rooms) >= ROOMS_MAX:
            return
        self._names += 1
        others = [u for u in server.users.values() if u.user_id != device.user and u is not ROBOT]
        members = [user for user in others if self._world.chance.random() < 0.6]
        owner = server.users[device.user]
        self._host.deliver(server.create(f"x{self._names}", owner, members))
