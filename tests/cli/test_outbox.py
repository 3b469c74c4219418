"""`outbox`: what is unsent is listed, sent again, given up."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from talkbot_tui.cli import exit_codes
from talkbot_tui.client.ids import uuid7
from talkbot_tui.client.outbox_file import MayHaveArrived, drop, read
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.client.store import StoreError
from talkbot_tui.core.effects import SaveLocal, UpdateLocal
from talkbot_tui.core.model import Message, SendState, User
from talkbot_tui.core.patience import ASK_AFTER_MS, EXPIRE_AFTER_MS
from tests.cli.people import Person, ServerProcess
from tests.client.test_unwritten import locked

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of the test's own, which it may stop."""
    process = ServerProcess(tmp_path / "server")
    process.start()
    yield process
    process.stop()


@pytest.fixture
def eva(own: ServerProcess, tmp_path: Path) -> Person:
    person = Person(tmp_path, "eva")
    person.sign_up(own.url)
    person.ok("send", "general", "hello")
    return person


def profile(person: Person) -> Path:
    """The folder of the app's cache; the commands' own is in it."""
    (path,) = person.home.rglob("headless")
    return path.parent


def listed(person: Person) -> list[dict[str, object]]:
    return [json.loads(line) for line in person.ok("outbox", "ls", "--json").splitlines()]


async def put(folder: Path, *messages: Message) -> None:
    store = SqliteStore(folder)
    await store.open()
    await store.apply([SaveLocal(message) for message in messages])
    await store.apply([UpdateLocal(message) for message in messages])
    await store.close()


def written(person: Person, text: str, state: SendState, ago_ms: int = 0) -> Message:
    general = next(room for room in person.rooms() if room["name"] == "general")
    name = uuid7()
    return Message(
        key=name,
        conversation_id=general["conversationId"],
        sender=User("", "eva"),
        text=text,
        ts=int(time.time() * 1000) - ago_ms,
        client_msg_id=name,
        state=state,
        error="archived: The room is archived." if state is SendState.FAILED else "",
    )


def test_nothing_unsent_is_no_line(eva: Person) -> None:
    assert eva.ok("outbox", "ls") == ""


def test_what_waits_is_listed_without_a_server_and_sent_with_one(
    own: ServerProcess, eva: Person
) -> None:
    own.stop()
    assert eva.run("send", "general", "later").returncode == exit_codes.UNANSWERED
    (line,) = eva.ok("outbox", "ls").splitlines()
    assert "#general" in line
    assert "queued" in line
    assert line.endswith("later")
    assert [one["state"] for one in listed(eva)] == ["queued"]
    assert eva.run("outbox", "retry").returncode == exit_codes.UNREACHABLE
    own.start()
    assert eva.ok("outbox", "retry") == "1 message was sent\n"
    assert eva.ok("outbox", "ls") == ""
    with eva.following("general", "--json", "--since", "1") as tail:
        assert "later" in [tail.event().get("text") for _ in range(4)]


def test_the_apps_failed_messages_are_sent_again_by_the_end_of_their_id(eva: Person) -> None:
    failed = [written(eva, text, SendState.FAILED) for text in ("one", "two")]
    asyncio.run(put(profile(eva), *failed))
    lines = eva.ok("outbox", "ls").splitlines()
    assert all("failed (archived: The room is archived.)" in line for line in lines)
    short = lines[1].split()[0]
    assert failed[1].client_msg_id.endswith(short)
    assert eva.ok("outbox", "retry", short) == "1 message was sent\n"
    assert [one["text"] for one in listed(eva)] == ["one"]


def test_giving_up_needs_to_be_said(eva: Person) -> None:
    asyncio.run(put(profile(eva), *(written(eva, text, SendState.FAILED) for text in "ab")))
    done = eva.run("outbox", "drop")
    assert done.returncode == exit_codes.USAGE
    assert "--all" in done.stderr
    gone = str(listed(eva)[0]["clientMsgId"])
    assert eva.ok("outbox", "drop", gone) == "1 message was given up\n"
    assert [one["text"] for one in listed(eva)] == ["b"]
    assert eva.ok("outbox", "drop", "--all") == "1 message was given up\n"
    assert listed(eva) == []


def test_what_may_have_arrived_is_not_given_up(eva: Person) -> None:
    message = replace(written(eva, "perhaps", SendState.QUEUED), attempted=True)
    asyncio.run(put(profile(eva), message))
    done = eva.run("outbox", "drop", "--all")
    assert done.returncode == exit_codes.FAILURE
    assert "may have arrived already" in done.stderr
    assert [one["text"] for one in listed(eva)] == ["perhaps"]


def test_a_wrong_id_is_one_line(eva: Person) -> None:
    done = eva.run("outbox", "drop", "nobody")
    assert done.returncode == exit_codes.NOT_FOUND
    assert done.stderr.count("\n") == 1


def test_while_the_app_runs_it_is_listed_and_left_alone(eva: Person) -> None:
    message = written(eva, "mine", SendState.FAILED)
    asyncio.run(put(profile(eva), message))

    async def beside() -> None:
        app = SqliteStore(profile(eva))
        await app.open()
        try:
            assert [one["text"] for one in listed(eva)] == ["mine"]
            done = eva.run("outbox", "drop", "--all")
            assert done.returncode == exit_codes.STORE
            assert "in use by another" in done.stderr
        finally:
            await app.close()

    asyncio.run(beside())
    assert [one["text"] for one in listed(eva)] == ["mine"]


def test_two_day_old_messages_are_not_sent_with_the_next_and_stay(eva: Person) -> None:
    old = written(eva, "stale", SendState.QUEUED, EXPIRE_AFTER_MS + 1000)
    asyncio.run(put(profile(eva) / "headless", old))
    done = eva.run("send", "general", "fresh")
    assert done.returncode == exit_codes.OK
    assert (
        done.stderr == "talkbot-tui: 1 earlier message was not sent; see: talkbot-tui outbox ls\n"
    )
    (left,) = listed(eva)
    assert (left["text"], str(left["error"]).split(":")[0]) == ("stale", "expired")
    assert eva.ok("outbox", "retry") == "1 message was sent\n"


def test_sending_one_again_sends_nothing_that_waits_for_an_answer(
    own: ServerProcess, eva: Person, tmp_path: Path
) -> None:
    bruno = Person(tmp_path, "bruno")
    bruno.sign_up(own.url)
    eva.ok("send", "@bruno", "just us")
    direct = next(room["conversationId"] for room in eva.rooms() if room["name"] == "bruno")
    waits = written(eva, "said long ago", SendState.QUEUED, ASK_AFTER_MS + 60_000)
    failed = replace(written(eva, "try me", SendState.FAILED), conversation_id=direct)
    asyncio.run(put(profile(eva), waits, failed))
    bruno.ok("send", "general", "the talk has moved on")
    assert eva.ok("outbox", "retry", failed.client_msg_id) == "1 message was sent\n"
    assert [one["text"] for one in listed(eva)] == ["said long ago"]
    assert eva.ok("outbox", "retry", waits.client_msg_id) == "1 message was sent\n"
    assert listed(eva) == []


def test_a_folder_that_was_never_used_has_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == ()


def unsent(name: str) -> Message:
    message = Message(name, "r", User("u", "eva"), f"text of {name}", 1, client_msg_id=name)
    return replace(message, state=SendState.QUEUED)


def ids(folder: Path) -> list[str]:
    return [one.message.client_msg_id for one in read(folder)]


async def test_what_was_sent_since_it_was_listed_is_not_given_up(tmp_path: Path) -> None:
    await put(tmp_path, unsent("a"), unsent("b"))
    await put(tmp_path / "headless", unsent("c"))
    listed_as_unsent = {tmp_path: ids(tmp_path), tmp_path / "headless": ["c"]}
    # Meanwhile an app ran: it was ended before it knew what became of the second.
    await put(tmp_path, replace(unsent("b"), attempted=True))
    with pytest.raises(MayHaveArrived) as refused:
        await drop(listed_as_unsent)
    assert refused.value.ids == ("b",)
    assert (ids(tmp_path), ids(tmp_path / "headless")) == (["a", "b"], ["c"])


async def test_only_what_is_still_unsent_counts_as_given_up(tmp_path: Path) -> None:
    await put(tmp_path, unsent("a"), unsent("b"))
    assert await drop({tmp_path: ["a", "delivered meanwhile"]}) == ("a",)
    assert ids(tmp_path) == ["b"]


async def test_nothing_counts_as_given_up_that_could_not_be_written(tmp_path: Path) -> None:
    await put(tmp_path, unsent("a"))
    with locked(tmp_path), pytest.raises(StoreError):
        await drop({tmp_path: ["a"]})
    assert ids(tmp_path) == ["a"]


async def test_reading_does_not_touch_the_file(tmp_path: Path) -> None:
    message = Message("a", "r", User("u", "eva"), "text", 1, client_msg_id="a")
    await put(tmp_path, replace(message, state=SendState.QUEUED))
    before = (tmp_path / "cache.db").read_bytes()
    assert [one.message.text for one in read(tmp_path)] == ["text"]
    assert (tmp_path / "cache.db").read_bytes() == before


def test_signing_out_tells_what_stays_unsent(own: ServerProcess, eva: Person) -> None:
    own.stop()
    assert eva.run("send", "general", "for later").returncode == exit_codes.UNANSWERED
    assert "1 message is unsent" in eva.ok("logout")
