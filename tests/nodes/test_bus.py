"""What is refused as a bus, what travels over it, and what is made of it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from talkbot_tui.server.nodes import hints
from talkbot_tui.server.nodes.bus import MemoryHub
from talkbot_tui.server.nodes.hints import Entered, Moved, Packet, Spent, Told
from talkbot_tui.server.nodes.place import BusProblem, redis_place
from talkbot_tui.server.nodes.redis_bus import RedisBus
from talkbot_tui.wire.server_events import TypingEvent
from tests import certificates
from tests.nodes.world import place, texts, two, up, world
from tests.postgres import free_port
from tests.redis_server import RedisServer, redis_server
from tests.waiting import until

SECRET = "hunter2-hunter2"


class Ear:
    """Hears the packets of others."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.recoveries = 0

    def hear(self, packet: Packet) -> None:
        self.packets.append(packet)

    def recover(self) -> None:
        self.recoveries += 1


async def _started(bus: RedisBus, node: str, chat: str = "chat") -> Ear:
    ear = Ear()
    await bus.start(chat, node, ear.hear, ear.recover)
    return ear


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://somewhere", "not an address"),
        ("redis://", "not an address"),
        ("redis://host:port", "not an address"),
        ("redis://host/5", "no database to choose"),
        ("redis://host?db=1", "takes no options"),
        ("redis+sentinel://host:26379", "which service"),
        (f"redis://user:{SECRET}@:99999999", "not an address"),
    ],
)
def test_an_address_that_cannot_be_meant(text: str, said: str) -> None:
    with pytest.raises(BusProblem, match=said) as caught:
        redis_place({"TALKBOT_REDIS_URL": text}, {})
    assert SECRET not in str(caught.value)


def test_an_address_is_told_without_its_password(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{SECRET}\n")
    environ = {"TALKBOT_REDIS_URL": f"rediss://ana:{SECRET}@one,two:7000"}
    found = redis_place(environ, {"TALKBOT_REDIS_URL": ".env"})
    assert found is not None
    assert found.hosts == (("one", 6379), ("two", 7000))
    assert (found.user, found.password, found.tls) == ("ana", SECRET, True)
    assert SECRET not in repr(found) + found.told
    assert found.told == "rediss://one:6379, two:7000 (TALKBOT_REDIS_URL, .env; password given)"
    environ = {"TALKBOT_REDIS_URL": "redis://one", "TALKBOT_REDIS_PASSWORD_FILE": str(secret)}
    found = redis_place(environ, {})
    assert found is not None
    assert found.password == SECRET
    with pytest.raises(BusProblem, match="No such file"):
        redis_place({**environ, "TALKBOT_REDIS_PASSWORD_FILE": str(tmp_path / "gone")}, {})
    assert redis_place({}, {}) is None


async def test_a_wrong_password_is_refused_in_one_line() -> None:
    with redis_server("--requirepass", "right") as server:
        for user in ("", f":{SECRET}@", f"nobody:{SECRET}@"):
            with pytest.raises(BusProblem, match="password is wrong, or one is needed") as caught:
                await _started(RedisBus(place(server, user)), "a")
            assert SECRET not in str(caught.value)
            assert "\n" not in str(caught.value)
        bus = RedisBus(place(server, ":right@"))
        await _started(bus, "a")
        await until(lambda: bus.up)
        await bus.stop()


async def test_the_rights_of_operations_md_are_enough_and_fewer_are_refused() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    rights = page.partition("needs\n  `")[2].partition("`")[0].split()
    assert "+publish" in rights
    with redis_server() as server:
        for left_out in ("+publish", "+subscribe", "&talkbot-tui:*"):
            few = [right for right in rights if right != left_out]
            server.ask("ACL", "SETUSER", "chat", "reset", "on", f">{SECRET}", *few)
            with pytest.raises(BusProblem, match="may not publish and subscribe"):
                await _started(RedisBus(place(server, f"chat:{SECRET}@")), "a")
        server.ask("ACL", "SETUSER", "chat", "reset", "on", f">{SECRET}", *rights)
        bus = RedisBus(place(server, f"chat:{SECRET}@"))
        await _started(bus, "a")
        await until(lambda: bus.up)
        await bus.stop()


@contextmanager
def _something_else() -> Iterator[str]:
    """A program that answers like a web server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                with line:
                    line.recv(1000)
                    line.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}"


async def test_what_is_no_redis_is_refused() -> None:
    with _something_else() as url:
        found = redis_place({"TALKBOT_REDIS_URL": url}, {})
        assert found is not None
        with pytest.raises(BusProblem, match="no Redis"):
            await _started(RedisBus(found), "a")


async def test_tls_and_who_is_trusted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority = certificates.Authority.make(tmp_path)
    certificate, key = authority.issue()
    port = free_port()
    with redis_server(
        "--port", "0", "--tls-port", str(port), "--tls-cert-file", str(certificate),
        "--tls-key-file", str(key), "--tls-ca-cert-file", str(authority.file),
        "--tls-auth-clients", "no",
    ) as _:  # fmt: skip
        environ = {"TALKBOT_REDIS_URL": f"rediss://127.0.0.1:{port}"}
        found = redis_place(environ, {})
        assert found is not None
        with pytest.raises(BusProblem, match="TALKBOT_REDIS_CA_FILE"):
            await _started(RedisBus(found), "a")
        found = redis_place({**environ, "TALKBOT_REDIS_CA_FILE": str(authority.file)}, {})
        assert found is not None
        bus = RedisBus(found)
        await _started(bus, "a")
        await until(lambda: bus.up)
        await bus.stop()
    with redis_server() as plain:
        found = redis_place({"TALKBOT_REDIS_URL": plain.url.replace("redis", "rediss")}, {})
        assert found is not None
        bus = RedisBus(found)
        await _started(bus, "a")
        assert "does it speak TLS there?" in caplog.text
        await bus.stop()


async def test_sentinels_name_the_server_and_of_several_hosts_one_lives(
    redis: RedisServer,
) -> None:
    watched = f"sentinel monitor chat 127.0.0.1 {redis.port} 1\n"
    dead = free_port()
    with redis_server("--sentinel", settings=watched) as sentinel:
        for url in (
            f"redis+sentinel://127.0.0.1:{dead},127.0.0.1:{sentinel.port}/chat",
            f"redis://127.0.0.1:{dead},127.0.0.1:{redis.port}",
        ):
            found = redis_place({"TALKBOT_REDIS_URL": url}, {})
            assert found is not None
            bus = RedisBus(found)
            await _started(bus, "a")
            await until(lambda bus=bus: bus.up)  # type: ignore[misc]  # bound now
            await bus.stop()


class _Deafening:
    """A way to Redis on which, while it is deaf, no answers come back to who has subscribed."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.deaf = False

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._target)
        subscribed = asyncio.Event()

        async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                if b"SUBSCRIBE" in data:
                    subscribed.set()
                if not (self.deaf and sink is writer and subscribed.is_set()):
                    sink.write(data)

        try:
            await asyncio.wait(
                [asyncio.ensure_future(pass_on(reader, forth)),
                 asyncio.ensure_future(pass_on(back, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )  # fmt: skip
        finally:
            forth.transport.abort()
            writer.transport.abort()


async def test_a_line_that_only_looks_alive_is_noticed_and_made_anew(redis: RedisServer) -> None:
    way = _Deafening(redis.port)
    async with way as url:
        found = redis_place({"TALKBOT_REDIS_URL": url}, {})
        assert found is not None
        bus = RedisBus(found)
        ear = await _started(bus, "a")
        await until(lambda: bus.up)
        recoveries = ear.recoveries
        way.deaf = True
        await until(lambda: not bus.up, 6.0)
        way.deaf = False
        await until(lambda: bus.up)
        assert ear.recoveries == recoveries + 1
        await bus.stop()


async def test_a_chat_hears_its_own_servers_only(redis: RedisServer) -> None:
    buses = [RedisBus(place(redis)) for _ in range(3)]
    ears = [
        await _started(bus, node, chat)
        for bus, node, chat in zip(buses, "abc", ("one", "one", "another"), strict=True)
    ]
    await until(lambda: all(bus.up for bus in buses))
    for junk in ("hello", "{}", '{"project":"x"}', '"' + "x" * 1000 + '"', "[" * 500):
        redis.ask("PUBLISH", "talkbot-tui:1:one", json.dumps(junk))
    for count in range(300):
        buses[0].send(Moved(conversation_id="room", seq=count))
    heard = [Moved(conversation_id="room", seq=count) for count in range(300)]

    def told(ear: Ear) -> list[object]:
        return [hint for packet in ear.packets for hint in packet.hints if isinstance(hint, Moved)]

    await until(lambda: told(ears[1]) == heard, what=lambda: str(len(told(ears[1]))))
    assert not told(ears[0])
    assert not ears[2].packets
    for bus in buses:
        await bus.stop()


def test_a_packet_says_what_it_is_and_unknown_hints_are_left_out() -> None:
    data = hints.encode("chat", "a", [Entered(user_id="u"), Spent(rate="m", user_id="u", count=1)])
    told = json.loads(data)
    assert (told["project"], told["version"], told["chat"]) == ("talkbot-tui", 1, "chat")
    told["hints"].append({"hint": "from the future"})
    told["hints"].append({"hint": "moved", "conversationId": "no id!", "seq": 1})
    told["hints"].append({"hint": "moved", "conversationId": "c", "seq": 2**70})
    packet = hints.decode(json.dumps(told).encode(), "chat")
    assert packet is not None
    assert [type(hint) for hint in packet.hints] == [Entered, Spent]
    assert packet.unknown == 3
    assert hints.decode(data, "another") is None
    assert hints.decode(b"x" * (hints.BYTES_MAX + 1), "chat") is None
    for wrong in (b"", b"null", b"{}", data.replace(b":1", b":2", 1), b"\x80\x04K\x01."):
        assert hints.decode(wrong, "chat") is None


async def test_forged_hints_store_and_show_nothing_durable(url: str, redis: RedisServer) -> None:
    async with two(url, redis) as (made, ana, bruno):
        room = ana.rooms["general"]
        forger = RedisBus(place(redis))
        await _started(forger, "forger", made.servers[0].epoch)
        await until(lambda: forger.up)
        typing = TypingEvent(conversation_id=room, user_id=ana.user_id, on=True)
        forger.send(Moved(conversation_id=room, seq=2**40))
        forger.send(Moved(conversation_id="nowhere", seq=5))
        forger.send(Entered(user_id=bruno.user_id))
        forger.send(Told(conversation_id="elsewhere", after=0, typing=typing))
        forger.send(Told(conversation_id=room, after=2**40, typing=typing))
        await ana.post(room, "um")
        await until(lambda: texts(bruno, room) == ["um"])
        await ana.post(room, "dois")
        await until(lambda: texts(bruno, room) == ["um", "dois"])
        assert not bruno.got("typing")
        await forger.stop()


async def test_servers_in_one_process_over_the_double(url: str) -> None:
    hub = MemoryHub()
    async with world(url) as made:
        for _ in range(2):
            await made.start(hub.bus())
        ana = await made.person(made.servers[0], "ana")
        bruno = await made.person(made.servers[1], "bruno")
        room = ana.rooms["general"]
        await ana.post(room, "um")
        await until(lambda: texts(bruno, room) == ["um"], 1.0)
        hub.lost = True
        assert not up(made.servers[0])
        await ana.post(room, "dois")
        await until(lambda: texts(bruno, room) == ["um", "dois"], 5.0)
