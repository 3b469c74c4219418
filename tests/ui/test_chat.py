from __future__ import annotations

from typing import cast

import pytest
from textual import events

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.model import SendState
from tests.ui.scenes import (
    ANA,
    DEPLOYS,
    GENERAL,
    NOW,
    WITH_BRUNO,
    make_app,
    make_engine,
    said,
)
from tests.ui.seen import chat, hides, lines, shows, text
from tests.waiting import until

WIDE = (120, 40)


def sent(engine: object) -> list[e.Compose]:
    return [event for event in engine.events if isinstance(event, e.Compose)]  # type: ignore[attr-defined] # the scripted engine


async def test_what_is_typed_is_sent_and_shown_with_its_state() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"hi *you*", "enter")
        await shows(pilot, "hi you")
        await shows(pilot, "↑ sending")
        assert [(m.conversation_id, m.text) for m in sent(engine)] == [(GENERAL, "hi *you*")]
        assert chat(pilot).composer.text == ""
        engine.feed(a.MessageAcked("own-1", "s12", 12, NOW))
        await hides(pilot, "↑ sending")
        assert any("hi you" in line and "✓ sent" in line for line in lines(pilot))
        engine.feed(a.ReadHint(GENERAL, ANA.user_id, 12))
        await until(lambda: any("hi you" in x and "✓✓ read" in x for x in lines(pilot)))


async def test_keys_right_after_enter_belong_to_the_next_message() -> None:
    engine = make_engine()
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        for key in ("a", "enter", "b", "enter", "c"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(lambda: chat(pilot).composer.text == "c")
        assert [message.text for message in sent(engine)] == ["a", "b"]


async def test_keys_right_after_the_switcher_go_into_it_and_never_into_a_room() -> None:
    engine = make_engine()
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        for key in ("ctrl+k", "d", "e", "p", "enter"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(lambda: engine.session.open_id == DEPLOYS, what=lambda: text(pilot))
        assert sent(engine) == []
        assert chat(pilot).composer.room_id == DEPLOYS


async def test_letters_act_on_a_message_only_while_one_has_the_focus() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press("r")
        assert chat(pilot).composer.text == "r"
        await pilot.press("backspace", "shift+tab", "up", "r")
        await shows(pilot, "Replying to ana")
        assert chat(pilot).composer.text == ""
        await pilot.press(*"yes", "enter")
        assert sent(engine)[0].reply_to == "s10"
        await hides(pilot, "Replying to ana")


async def test_letters_typed_right_after_reply_are_text() -> None:
    engine = make_engine()
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("shift+tab", "up")
        for key in ("r", "d", "e", "x"):
            app.post_message(events.Key(key, key))
        await until(lambda: chat(pilot).composer.text == "dex")
        assert engine.session.timeline(GENERAL).find("s10") is not None
        assert not engine.emitted(f.SendDelete)


async def test_a_failed_message_says_why_and_can_be_tried_again_or_discarded() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"one", "enter")
        engine.feed(a.MessageRefused("own-1", "archived", "archived", False))
        await shows(pilot, "✗ failed: the room is archived")
        await pilot.press("shift+tab", "t")
        await hides(pilot, "✗ failed")
        engine.feed(a.MessageRefused("own-1", "archived", "archived", False))
        await shows(pilot, "✗ failed")
        await pilot.press("escape", *"/discard", "enter")
        await hides(pilot, "✗ failed")
        assert engine.session.timeline(GENERAL).find("own-1") is None


async def test_a_failed_message_is_edited_in_the_composer() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"one", "enter")
        engine.feed(a.MessageRefused("own-1", "archived", "archived", False))
        await shows(pilot, "✗ failed")
        await pilot.press("shift+tab", "e")
        await until(lambda: chat(pilot).composer.text == "one")
        assert engine.session.timeline(GENERAL).find("own-1") is None


async def test_deleting_by_key_asks_once() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press("shift+tab")
        while chat(pilot).pane.selected != "s8":
            await pilot.press("up")
        await pilot.press("d")
        await shows(pilot, "Press d again")
        assert not engine.emitted(f.SendDelete)
        await pilot.press("d")
        assert [cast(f.SendDelete, x).server_msg_id for x in engine.emitted(f.SendDelete)] == ["s8"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("/hepl", "Did you mean /help?"),
        ("/zzz me", "There is no command /zzz"),
        ("/usr/bin/env", "There is no command /usr/bin/env"),
        ("   ", "There is nothing to send"),
        ("/join", "Something is missing: /join <room>"),
    ],
)
async def test_what_cannot_be_sent_is_told_in_one_line_and_stays(typed: str, told: str) -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*typed, "enter")
        await shows(pilot, told)
        assert chat(pilot).composer.text == typed
        assert sent(engine) == []


async def test_two_slashes_send_one() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"//help", "enter")
        await until(lambda: sent(engine))
        assert sent(engine)[0].text == "/help"


async def test_a_text_that_is_too_long_stays() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        chat(pilot).composer.set_text("x" * 8_001)
        await pilot.press("enter")
        await shows(pilot, "Too long: 8001 of at most 8000")
        assert len(chat(pilot).composer.text) == 8_001
        assert sent(engine) == []


async def test_a_paste_of_many_lines_never_sends() -> None:
    engine = make_engine()
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        app.post_message(events.Paste("one\r\ntwo\nthree\n"))
        await until(lambda: chat(pilot).composer.text == "one\ntwo\nthree\n")
        assert sent(engine) == []
        await pilot.press("enter")
        assert sent(engine)[0].text == "one\ntwo\nthree\n"


@pytest.mark.parametrize("key", ["alt+enter", "ctrl+j", "shift+enter"])
async def test_a_new_line_has_its_keys(key: str) -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press("a", key, "b")
        assert chat(pilot).composer.text == "a\nb"
        assert sent(engine) == []


async def test_a_text_stays_with_the_room_it_was_begun_in() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"for general", "alt+a")
        await until(lambda: engine.session.open_id != GENERAL)
        assert engine.session.open_id == DEPLOYS
        assert chat(pilot).composer.text == ""
        await pilot.press(*"for deploys", "enter")
        assert [(m.conversation_id, m.text) for m in sent(engine)] == [(DEPLOYS, "for deploys")]
        await shows(pilot, "✎")
        chat(pilot).open_room(GENERAL)
        await until(lambda: chat(pilot).composer.text == "for general")


async def test_a_message_that_cannot_be_saved_comes_back_with_the_reason() -> None:
    engine = make_engine()
    engine.full = "storage_full"
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"keep me", "enter")
        await until(lambda: chat(pilot).composer.text == "keep me")
        await shows(pilot, "Not sent, your text is back")


async def test_what_was_sent_comes_back_by_the_arrow_keys() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"one", "enter", *"two", "enter", "up")
        assert chat(pilot).composer.text == "two"
        await pilot.press("up")
        assert chat(pilot).composer.text == "one"
        await pilot.press("down", "down")
        assert chat(pilot).composer.text == ""
        await pilot.press(*"dr", "ctrl+up")
        assert chat(pilot).composer.text == "two"
        await pilot.press("ctrl+down")
        assert chat(pilot).composer.text == "dr"


async def test_tab_completes_names_rooms_and_commands_and_cycles() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        composer = chat(pilot).composer
        await pilot.press(*"@br", "tab")
        assert composer.text == "@bruno "
        await pilot.press(*"#dep", "tab")
        assert composer.text == "@bruno #deploys "
        composer.set_text("")
        await pilot.press(*"/re", "tab")
        first = composer.text
        await pilot.press("tab")
        assert first.startswith("/re")
        assert composer.text.startswith("/re")
        assert composer.text != first


async def test_ctrl_k_kills_to_the_end_of_the_line_where_there_is_something() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"abc", "left", "left", "ctrl+k")
        assert chat(pilot).composer.text == "a"
        await pilot.press("ctrl+k")
        await shows(pilot, "Go to a room")


async def test_the_palette_lists_the_commands_and_runs_one() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press("ctrl+p")
        await shows(pilot, "show keys and commands")
        await pilot.press(*"/topic", "enter")
        await shows(pilot, "the team's talk")
        await pilot.press("ctrl+p", *"/invite", "enter")
        await until(lambda: chat(pilot).composer.text == "/invite ")


async def test_ctrl_c_clears_and_twice_leaves() -> None:
    engine = make_engine()
    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(*"abc", "ctrl+c")
        assert chat(pilot).composer.text == ""
        await shows(pilot, "Ctrl+C again quits")
        await pilot.press("x", "backspace", "ctrl+c")
        assert app.is_running
        await pilot.press("ctrl+c")
        await until(lambda: app.return_code == 0)


async def test_only_what_is_looked_at_is_marked_read() -> None:
    engine = make_engine()

    def read() -> list[int]:
        return [event.seq for event in engine.events if isinstance(event, e.ReadUpTo)]

    app = make_app(engine)
    async with app.run_test(size=WIDE) as pilot:
        await until(lambda: read() == [11])
        app.post_message(events.AppBlur())
        await until(lambda: not app.app_focus)
        engine.feed(a.LogArrived((said(12, ANA, "while away", 0),)))
        await shows(pilot, "while away")
        await pilot.pause()
        assert read() == [11]
        app.post_message(events.AppFocus())
        await until(lambda: read() == [11, 12])


async def test_the_pane_stays_where_one_reads_while_messages_come() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=(80, 14)) as pilot:
        await shows(pilot, "Yesterday in three")
        await pilot.press("pageup")
        await hides(pilot, "Yesterday in three")
        before = [line[24:] for line in lines(pilot)[2:10]]
        engine.feed(a.LogArrived(tuple(said(n, ANA, f"new {n}", 0) for n in range(12, 30))))
        await until(lambda: engine.session.timeline(GENERAL).head == 29)
        await pilot.pause()
        await shows(pilot, "↓ 18 unread below")
        assert [line[24:] for line in lines(pilot)[2:10]] == before
        await pilot.press("escape")
        await shows(pilot, "new 29")


async def test_the_countdown_ticks_only_while_offline() -> None:
    engine = make_engine(online=False)
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await shows(pilot, "offline · next try in 12 s")
        assert chat(pilot).countdown is not None
        engine.feed(a.LinkConnecting(2))
        await shows(pilot, "connecting")
        assert chat(pilot).countdown is None


async def test_a_refused_link_says_why() -> None:
    engine = make_engine(online=False)
    async with make_app(engine).run_test(size=WIDE) as pilot:
        engine.feed(a.LinkRefused("session_revoked", "gone"))
        await shows(pilot, "refused: this session was ended; use /login")


async def test_foreign_text_is_never_markup() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        hostile = "[red]no[/red] [@click=app.quit]x[/] [b"
        engine.feed(a.LogArrived((said(12, ANA, hostile, 0),)))
        await shows(pilot, hostile)
        engine.feed(a.OperationRefused(GENERAL, "op", "odd_code", "[bold]why[/bold] [/"))
        await shows(pilot, "[bold]why[/bold] [/")


@pytest.mark.parametrize("dialog", [(), ("ctrl+k",), ("ctrl+f",), ("f1",)])
async def test_a_tiny_terminal_shows_one_line_and_recovers(dialog: tuple[str, ...]) -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await pilot.press(*"kept", *dialog)
        await until(lambda: bool(dialog) != (pilot.app.screen is chat(pilot)))
        await pilot.pause()
        focused = pilot.app.focused
        await pilot.resize_terminal(19, 4)
        await shows(pilot, "too small: 20×5")
        assert [line.strip() for line in lines(pilot) if line.strip()] == ["too small: 20×5"]
        await pilot.resize_terminal(80, 24)
        await hides(pilot, "too small")
        await until(lambda: pilot.app.focused is focused, what=lambda: str(pilot.app.focused))
        if dialog:
            await pilot.press("escape")
        await shows(pilot, "› #general kept")


@pytest.mark.parametrize(
    ("width", "rooms", "people"), [(100, True, True), (99, True, False), (59, False, False)]
)
async def test_the_width_decides_how_many_panes_and_keys_overrule_it(
    width: int, rooms: bool, people: bool
) -> None:
    async with make_app(make_engine()).run_test(size=(width, 24)) as pilot:
        await shows(pilot, "#general")
        await until(lambda: chat(pilot).rooms.display is rooms)
        await until(lambda: chat(pilot).people.display is people)
        await pilot.press("f8")
        await until(lambda: chat(pilot).people.display is not people)
        await pilot.press("f8", "f7")
        await until(lambda: chat(pilot).rooms.display is not rooms)


async def test_a_click_opens_a_room_and_selects_a_message() -> None:
    engine = make_engine()
    async with make_app(engine).run_test(size=WIDE) as pilot:
        await shows(pilot, "can you look")
        row = next(i for i, line in enumerate(lines(pilot)) if "can you look" in line)
        await pilot.click("#pane", offset=(30, row - 2))
        await until(lambda: chat(pilot).pane.selected == "s10")
        assert chat(pilot).on_message
        row = next(i for i, line in enumerate(lines(pilot)) if "@ bruno" in line)
        await pilot.click("#rooms", offset=(4, row - 1))
        await until(lambda: engine.session.open_id == WITH_BRUNO)


async def test_leaving_with_unsent_messages_is_said() -> None:
    from talkbot_tui.ui.words import farewell

    engine = make_engine(online=False)
    engine.send(GENERAL, "later")
    assert "1 message has not been sent yet" in farewell(engine.session.rooms())
    states = [row.state for row in engine.session.timeline(GENERAL).rows[-1:]]  # type: ignore[union-attr] # our echo
    assert states == [SendState.QUEUED]
    assert farewell(make_engine().session.rooms()) == ""
