"""The inspector under keys: following, reading back, filters, copies, sending, recording."""

from __future__ import annotations

import contextvars
import json
import stat
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from talkbot_tui.client import recorder
from talkbot_tui.client.inspector.packets import KINDS, Packet, Way
from talkbot_tui.client.transport import LinkLost
from talkbot_tui.client.wiretap import Wire, Wiretap
from talkbot_tui.config import Settings
from talkbot_tui.ui import packet_words
from talkbot_tui.ui.inspector_app import InspectorApp
from talkbot_tui.ui.packet_view import PacketView
from talkbot_tui.ui.screens.chat import ChatScreen
from talkbot_tui.ui.screens.inspector import InspectorScreen
from tests.ui.scenes import NOW, ZONE, engine_of, make_app, make_engine
from tests.ui.seen import lines, shows, text
from tests.ui.wire_scene import MESSAGE, TOKEN, Clock, fill
from tests.waiting import until

WIDE = (120, 40)


class Line:
    """A connection on which events are noted instead of sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[object], bool]] = []
        self.lost = False

    async def emit_by_hand(self, event: str, arguments: list[object], ack: bool) -> None:
        if self.lost:
            raise LinkLost()
        self.sent.append((event, arguments, ack))

    def standing(self) -> dict[str, object]:
        return {"transport": "websocket", "pingInterval": 1000, "pingTimeout": 800}


def make(live: bool = True, line: Line | None = None, scene: bool = True) -> InspectorApp:
    clock = Clock(float(NOW))
    tap = Wiretap(clock)
    if scene:
        fill(tap, clock)
    wire = Wire(tap, lambda: line, "https://chat.example.org", namespace="/chat")
    environ = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
    return InspectorApp(wire, Settings(), live=live, environ=environ, zone=ZONE, clock=lambda: NOW)


def screen_of(pilot: Pilot[int]) -> InspectorScreen:
    screen = pilot.app.screen
    assert isinstance(screen, InspectorScreen)
    return screen


def flood(tap: Wiretap, count: int) -> None:
    for number in range(count):
        tap.packet(Way.IN, "websocket", MESSAGE, f'2["tick",{{"n":{number}}}]')


async def test_f12_opens_it_over_the_chat_and_closes_it() -> None:
    app = make_app(make_engine())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert not engine_of(pilot).wire.tap.on
        await pilot.press("f12")
        await until(lambda: isinstance(app.screen, InspectorScreen))
        assert engine_of(pilot).wire.tap.on
        engine_of(pilot).wire.tap.packet(Way.IN, "websocket", MESSAGE, '2/chat,["typing",{}]')
        await until(lambda: "typing" in text(pilot))
        await pilot.press("f12")
        await until(lambda: isinstance(app.screen, ChatScreen))
        await pilot.press("f12")
        await until(lambda: "typing" in text(pilot))
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, ChatScreen))


async def test_foreign_text_is_literal_and_cleaned_and_no_secret_is_drawn() -> None:
    async with make().run_test(size=WIDE) as pilot:
        await pilot.pause()
        screen = screen_of(pilot)
        for packet in screen.view.shown:
            screen.view.select(packet.number)
            screen.show()
            await pilot.pause()
            seen = text(pilot)
            assert "\x1b" not in seen
            assert TOKEN.rpartition(".")[2] not in seen
            assert "k3Jd9" not in seen
            if packet.event == "message" and packet.way is Way.IN:
                assert "[b]red[/b]" in seen


async def test_what_could_act_on_the_terminal_is_drawn_as_something_else() -> None:
    async with make(scene=False).run_test(size=WIDE) as pilot:
        tap = screen_of(pilot).wire.tap
        evil = "a\x1b]0;title\x07\u202e\x9b31m[/b][red]"
        for packet in (f'2["{evil}","{evil}"]', f"2{evil}", f'4/{evil},{{"message":"{evil}"}}'):
            tap.packet(Way.IN, "websocket", MESSAGE, packet)
            await shows(pilot, "[/b][red]")
            assert not set(text(pilot)) & set("\x1b\x07\u202e\x9b")
        tap.note("failed", evil, evil)
        await shows(pilot, "#4 failed")
        assert not set(text(pilot)) & set("\x1b\x07\u202e\x9b")


async def test_the_list_follows_and_keeps_its_place_while_one_reads_back() -> None:
    async with make(scene=False).run_test(size=WIDE) as pilot:
        screen = screen_of(pilot)
        tap = screen.wire.tap
        flood(tap, 200)
        await until(lambda: '{"n":199}' in text(pilot))
        await pilot.press("pageup", "pageup", *["down"] * 5)
        await pilot.pause()
        before = lines(pilot)[1:30]
        assert before[5].startswith("▸")
        assert "End follows" in text(pilot)
        flood(tap, 300)
        await until(lambda: "500 packets" in text(pilot))
        assert lines(pilot)[1:30] == before
        await pilot.press("end")
        await until(lambda: '{"n":299}' in text(pilot))
        flood(tap, 10)
        await until(lambda: "510 packets" in text(pilot))
        assert screen.view.follows


async def test_the_place_is_kept_even_when_older_packets_are_forgotten() -> None:
    tap = Wiretap(lambda: 0.0, rows_max=100)
    tap.on = True
    view = PacketView(tap)
    flood(tap, 100)
    view.pull()
    view.select(50)
    flood(tap, 30)
    view.pull()
    assert (view.selected, view.shown[0].number, len(view.shown)) == (50, 31, 100)
    flood(tap, 40)
    view.pull()
    assert (view.selected, view.follows) == (71, False)


async def test_packets_of_a_task_that_knows_no_app_are_shown_as_they_come() -> None:
    async with make(scene=False).run_test(size=WIDE) as pilot:
        tap = screen_of(pilot).wire.tap
        for count in (1, 2, 3):
            # As in a connection's task, which began before the app.
            contextvars.Context().run(flood, tap, 1)
            await shows(pilot, f"{count} packet")


async def test_a_pause_stands_still_and_loses_nothing() -> None:
    async with make(scene=False).run_test(size=WIDE) as pilot:
        screen = screen_of(pilot)
        flood(screen.wire.tap, 5)
        await until(lambda: '{"n":4}' in text(pilot))
        await pilot.press("p")
        flood(screen.wire.tap, 7)
        await until(lambda: "paused, 7 waiting" in text(pilot))
        assert '{"n":6}' not in text(pilot)
        await pilot.press("p")
        await until(lambda: '{"n":6}' in text(pilot))
        assert len(screen.view.shown) == 12


async def test_a_filter_narrows_as_one_types_and_a_wrong_term_is_explained() -> None:
    async with make().run_test(size=WIDE) as pilot:
        await pilot.pause()
        screen = screen_of(pilot)
        count = len(screen.view.shown)
        await pilot.press("slash", *"kind:ack")
        await until(lambda: len(screen.view.shown) == 2)
        await pilot.press(*" dir:up")
        await until(lambda: "dir:up is not understood" in text(pilot))
        await pilot.press("enter")
        await pilot.pause()
        assert pilot.app.screen is not screen
        await pilot.press(*["backspace"] * 7, "enter")
        await until(lambda: pilot.app.screen is screen)
        assert "2 shown" in text(pilot)
        await pilot.press("slash", "escape")
        await until(lambda: pilot.app.screen is screen)
        assert len(screen.view.shown) == 2
        await pilot.press("slash", *["backspace"] * 8, "enter")
        await until(lambda: len(screen.view.shown) == count)


async def test_a_search_goes_from_one_to_the_next() -> None:
    async with make().run_test(size=WIDE) as pilot:
        await pilot.pause()
        screen = screen_of(pilot)
        await pilot.press("s", *"event:message", "enter")
        await until(lambda: pilot.app.screen is screen)
        await pilot.press("n")
        await pilot.pause()
        first = screen.view.current
        await pilot.press("n")
        await pilot.pause()
        assert first
        assert screen.view.current
        assert first.event == screen.view.current.event == "message"
        assert first is not screen.view.current


@pytest.mark.parametrize(
    ("downs", "held"),
    [(0, '"kind": "event"'), (2, "curl -s"), (3, "socket.emit("), (4, "client.call(")],
)
async def test_a_packet_is_copied_in_any_form(downs: int, held: str) -> None:
    async with make().run_test(size=WIDE) as pilot:
        await pilot.pause()
        screen = screen_of(pilot)
        screen.view.find("event:message dir:out", -1)
        await pilot.press("y", *["down"] * downs, "enter")
        await until(lambda: held in pilot.app.clipboard)
        assert TOKEN not in pilot.app.clipboard
        assert "<TOKEN>" in pilot.app.clipboard or downs == 0


async def test_a_replay_asks_first_and_sends_the_same() -> None:
    line = Line()
    async with make(line=line).run_test(size=WIDE) as pilot:
        await pilot.pause()
        screen = screen_of(pilot)
        await pilot.press("r")
        await until(lambda: "Only an event that was sent" in text(pilot))
        screen.view.find("event:message dir:out", -1)
        await pilot.press("r", "enter")
        await until(lambda: pilot.app.screen is screen)
        assert line.sent == []
        await pilot.press("r", "down", "enter")
        told = {"conversationId": "c-general", "text": "good morning!"}
        await until(lambda: line.sent == [("message", [told], True)])
        line.lost = True
        await pilot.press("r", "down", "enter")
        await until(lambda: "Not sent" in text(pilot))


async def test_an_event_is_emitted_by_hand_with_completion() -> None:
    line = Line()
    async with make(line=line).run_test(size=WIDE) as pilot:
        await pilot.pause()
        await pilot.press("e", *"mess")
        await until(lambda: "message" in text(pilot))
        await pilot.press("tab")
        await until(lambda: "good morning!" in text(pilot))
        await pilot.press("end", *', {"a": ', "enter")
        await until(lambda: "This is no JSON" in text(pilot))
        await pilot.press(*"1}", "tab", "space", "enter")
        told = {"conversationId": "c-general", "text": "good morning!"}
        await until(lambda: line.sent == [("message", [told, {"a": 1}], False)])


async def test_events_of_our_contract_are_offered_before_any_was_seen() -> None:
    async with make(line=Line(), scene=False).run_test(size=WIDE) as pilot:
        await pilot.pause()
        await pilot.press("e", *"createC")
        await until(lambda: "createConversation" in text(pilot))


async def test_a_recording_is_private_never_overwrites_and_opens_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with make().run_test(size=WIDE) as pilot:
        await pilot.pause()
        screen = screen_of(pilot)
        kept = list(screen.wire.tap.rows)
        await pilot.press("w", "enter")
        await until(lambda: "recording to" in text(pilot))
        assert screen.wire.recorder is not None
        path = tmp_path / screen.wire.recorder.path
        flood(screen.wire.tap, 3)
        await pilot.press("w")
        await until(lambda: "Recorded to" in text(pilot))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        server, packets = recorder.read(str(path))
        assert server == "https://chat.example.org"
        assert len(packets) == len(kept) + 3
        assert TOKEN.rpartition(".")[2] not in path.read_text()
        await pilot.press("w", "enter")
        await until(lambda: "is there already" in text(pilot))


async def test_on_a_recording_nothing_can_be_sent() -> None:
    async with make(live=False).run_test(size=WIDE) as pilot:
        await pilot.pause()
        await pilot.press("e")
        await until(lambda: "This is a recording" in text(pilot))


async def test_a_row_is_explained_in_a_sentence(language: str) -> None:
    async with make().run_test(size=WIDE) as pilot:
        await pilot.pause()
        screen_of(pilot).view.find("kind:open", 1)
        await pilot.press("question_mark")
        wanted = {"en": "the handshake", "pt_BR": "o aperto de mão"}[language]
        await until(lambda: wanted in text(pilot))


def test_every_kind_has_its_sentence(language: str) -> None:
    told = set()
    for kind in KINDS:
        packet = Packet(1, 0.0, Way.IN, "", kind, ack_id=3)
        sentence = packet_words.explained(packet)
        assert sentence
        told.add(sentence)
    assert len(told) == len(KINDS)


async def test_ten_thousand_packets_and_a_huge_one_leave_the_screen_quick() -> None:
    async with make(scene=False).run_test(size=WIDE) as pilot:
        screen = screen_of(pilot)
        flood(screen.wire.tap, 10_000)
        big = json.dumps(["big", [{"n": n, "text": "x" * 200} for n in range(200_000)]])
        screen.wire.tap.packet(Way.IN, "websocket", MESSAGE, "2" + big)
        await until(lambda: "10000 packets" in text(pilot))
        began = time.process_time()
        for _ in range(20):
            screen.action_move(-1)
            screen.packets.render_lines(screen.packets.size.region)
        assert time.process_time() - began < 2.0
