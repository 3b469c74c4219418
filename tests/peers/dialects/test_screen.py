"""The app in a real terminal on a server of another house."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.terminal import Terminal
from tests.e2e.world import PROGRAM, World
from tests.peers.dialects.world import person, server
from tests.waiting import until


def screen(world: World, who: str, url: str, *options: str) -> Terminal:
    command = [*PROGRAM, "connect", url, *options, "--as", who]
    return Terminal(command, env=world.env(who))


async def test_two_people_in_terminals_and_what_is_not_known_is_marked(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with (
        server("socketio-chat") as there,
        person(there.url, "socketio-chat", "bruno") as bruno,
    ):
        with screen(world, "ana", there.url, "--dialect", "socketio-chat") as ana:
            await until(lambda: ana.shows("online"), what=ana.text)
            await until(lambda: ana.shows("history begins here"), what=ana.text)
            ana.send("olá 🦉")
            await bruno.sees("olá 🦉")
            await until(lambda: ana.shows("? sent?"), what=ana.text)
            bruno.say("oi ana")
            await until(lambda: ana.shows("oi ana"), what=ana.text)
            assert ana.shows("bruno")
            ana.write("\x11")
            await until(lambda: ana.ended, what=ana.text)
            assert ana.exit_code == 0


async def test_another_room_by_a_command(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with server("talkbot-mvp") as there:
        with screen(world, "ana", there.url, "--dialect", "talkbot-mvp") as ana:
            await until(lambda: ana.shows("online"), what=ana.text)
            ana.send("/join Team")
            await until(lambda: ana.shows("# Team"), what=ana.text)
            ana.send("hello")
            await until(lambda: ana.shows("✓ sent"), what=ana.text)
            assert there.heard()[-1][1][0]["conversationId"] == "Team"
            ana.send("/edit other words")
            await until(lambda: ana.shows("this server does not offer that"), what=ana.text)
            ana.send("/leave")
            await until(lambda: not ana.shows("# Team"), what=ana.text)


async def test_an_ack_is_a_check_mark_and_a_server_that_dies_is_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with server("talkbot-mvp") as there:
        options = ("--dialect", "talkbot-mvp", "--room", "team")
        ana = screen(world, "ana", there.url, *options)
        await until(lambda: ana.shows("online"), what=ana.text)
        ana.send("with an ack")
        await until(lambda: ana.shows("✓ sent"), what=ana.text)
    with ana:
        await until(lambda: ana.shows("offline"), what=ana.text)
        ana.send("into the void")
        await until(lambda: ana.shows("◌ queued"), what=ana.text)
        ana.write("\x11")
        await until(lambda: ana.shows("will be lost"), what=ana.text)
        ana.write("\x11")
        await until(lambda: ana.ended, what=ana.text)
        assert ana.exit_code == 0
        assert "1 message was not sent" in ana.raw.decode("utf-8", "replace")
