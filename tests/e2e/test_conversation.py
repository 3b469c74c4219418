"""Two people and TalkBot exchange the corpus; the server is restarted in the middle."""

from __future__ import annotations

import asyncio
import getpass
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e import secrets
from tests.e2e.terminal import Terminal
from tests.e2e.world import PASSWORD, World, free_port
from tests.proxy import Proxy, Upgrades
from tests.waiting import until_sync

CORPUS = [
    json.loads(line)
    for line in (Path(__file__).with_name("corpus.jsonl")).read_text(encoding="utf-8").splitlines()
]
NUMBER = re.compile(r"\[(\d{3})\]")
FAST = ("--messages-per-minute", "6000", "--message-burst", "500")


def numbers_on(screen: Terminal) -> list[int]:
    """The numbers of the messages on the screen; a quoted line belongs to its answer."""
    lines = [line for line in screen.lines() if "↱" not in line]
    return [int(found) for line in lines for found in NUMBER.findall(line)]


def showing(screen: Terminal, number: int) -> Callable[[], bool]:
    return lambda: number in numbers_on(screen)


def page_through(screen: Terminal, order: list[int]) -> None:
    """Page up from the newest message to the oldest: every screen is a piece of `order`."""
    place = {number: index for index, number in enumerate(order)}

    def piece() -> list[int]:
        """What is shown, once it is a piece without holes; a frame may be half drawn."""
        shown = numbers_on(screen)
        begin = place[shown[0]] if shown else 0
        return shown if shown and shown == order[begin : begin + len(shown)] else []

    screen.until(lambda: piece()[-1:] == order[-1:], 20, "the end of the conversation")
    missing = set(order)
    while missing:
        before = piece()
        missing -= set(before)
        if not missing:
            return
        screen.write("\x1b[5~")
        above = place[before[0]]
        screen.until(further_up(piece, place, above), 20, f"a page above {before}, in order")


def further_up(
    piece: Callable[[], list[int]], place: dict[int, int], above: int
) -> Callable[[], bool]:
    """Whether an older piece is shown that leaves nothing out before the one at `above`."""

    def condition() -> bool:
        now = piece()
        return bool(now) and place[now[0]] < above <= place[now[-1]] + 1

    return condition


def converse(world: World, screens: dict[str, Terminal]) -> None:
    """Send the corpus by turns, with the server away from message 95 to 105."""
    for screen in screens.values():
        screen.wait("#general")
        screen.wait("online")
    for message in CORPUS:
        number = message["n"]
        if number == 95:
            assert world.stop_server() == 0
        if number == 105:
            world.start_server()
        author = screens[message["from"]]
        author.send(f"[{number:03}] {message['text']}")
        author.until(showing(author, number), 20, f"own message {number}")
        if 95 <= number < 105:
            continue
        for screen in screens.values():
            screen.until(showing(screen, number), 40, f"message {number}")


def agree(world: World, screens: dict[str, Terminal]) -> None:
    """Both screens and the database hold the same messages in the same order."""
    events = world.log("ana", "general")
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    stored = [
        (int(found[1]), event["sender"]["name"], event["text"])
        for event in events
        if event["type"] == "message" and (found := NUMBER.match(event["text"]))
    ]
    expected = {m["n"]: (m["from"], f"[{m['n']:03}] {m['text']}") for m in CORPUS}
    assert len(stored) == len(CORPUS)
    assert {n: (who, text) for n, who, text in stored} == expected
    for person in screens:
        own = [n for n, who, _text in stored if who == person]
        assert own == sorted(own), f"{person}'s messages are out of order"
    answers = [e.get("text", "") for e in events if e["sender"]["name"] == "talkbot"]
    assert any(answer.startswith("🎲") for answer in answers), answers
    for screen in screens.values():
        page_through(screen, [number for number, _who, _text in stored])
    held = list(world.folder.rglob("secrets/*.json"))
    known = {"password": PASSWORD, **secrets.of_files(world.folder)}
    drawn = b"".join(bytes(screen.raw) for screen in screens.values())
    assert len(known) == 1 + 2 * len(screens)
    assert secrets.leaks(known, world.folder, but=held, seen=drawn) == []


@contextmanager
def world_with_two(folder: Path) -> Iterator[World]:
    with World(folder, options=FAST) as world:
        world.start_server()
        world.sign_up("ana")
        world.sign_up("bruno")
        yield world


def test_two_people_and_the_bot_over_a_restart(tmp_path: Path) -> None:
    with world_with_two(tmp_path) as world:
        screens = {name: world.open_app(name) for name in ("ana", "bruno")}
        converse(world, screens)
        agree(world, screens)


@contextmanager
def ssh_server(folder: Path) -> Iterator[list[str]]:
    """A real sshd on loopback for the user who runs the tests; yields the command to reach it."""
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    assert Path(sshd).exists(), "sshd is missing: .ci/system-packages installs it"
    port = free_port()
    for name in ("host", "client"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
        )
    keys = folder / "authorized_keys"
    keys.write_text((folder / "client.pub").read_text())
    keys.chmod(0o600)
    Path("/run/sshd").mkdir(exist_ok=True)
    config = folder / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {keys}\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        "AcceptEnv *\nPidFile none\n"
    )
    process = subprocess.Popen([sshd, "-D", "-e", "-f", str(config)], stderr=subprocess.PIPE)
    command = [
        "ssh", "-tt", "-p", str(port), "-i", str(folder / "client"), "-F", "none",
        "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={folder}/known",
        "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", f"{getpass.getuser()}@127.0.0.1",
    ]  # fmt: skip
    try:
        probe = [part for part in command if part != "-tt"]
        until_sync(
            lambda: subprocess.run([*probe, "true"], check=False, timeout=20).returncode == 0, 20
        )
        yield command
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stderr:
            process.stderr.close()


def test_one_person_behind_ssh(tmp_path: Path) -> None:
    with world_with_two(tmp_path) as world, ssh_server(tmp_path) as ssh:
        remote = [*ssh, "env", *(f"{k}={v}" for k, v in world.env("bruno").items())]
        screens = {
            "ana": world.open_app("ana"),
            "bruno": world.open_app("bruno", command=remote),
        }
        converse(world, screens)
        agree(world, screens)


@contextmanager
def without_websockets(url: str) -> Iterator[str]:
    """A way to the server on which every request for a WebSocket is forbidden; yields its URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    proxy = Proxy(url)
    proxy.upgrades = Upgrades.FORBID
    try:
        asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(10)
        yield proxy.url
        assert proxy.websockets, "nobody tried a WebSocket, so nothing was forbidden"
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_one_person_has_long_polling_only(tmp_path: Path) -> None:
    with World(tmp_path, options=FAST) as world, without_websockets(world.url) as url:
        world.start_server()
        world.sign_up("ana")
        world.sign_up("bruno", url)
        screens = {name: world.open_app(name) for name in ("ana", "bruno")}
        converse(world, screens)
        agree(world, screens)
