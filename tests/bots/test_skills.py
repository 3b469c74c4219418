from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import available_timezones

import pytest

from talkbot_tui.bots.ids import derived
from talkbot_tui.bots.memory import Poll, Vote
from talkbot_tui.bots.replies import PIECES_MAX, fitting, pieces_of
from talkbot_tui.bots.skills import clock, dice, finding, helping, polls, reminders
from talkbot_tui.core.model import Reaction
from talkbot_tui.wire.server_events import LogEvent, MemberEvent, MessageEvent, UserInfo

POLL = Poll("m1", "c1", "Where?", ("pizza", "sushi", "soup"), "en")


def drawing(*numbers: int) -> Iterator[int]:
    return iter(numbers)


def test_dice_are_added_up() -> None:
    drawn = drawing(3, 5)
    assert dice.roll("2d6", "en", lambda low, high: next(drawn)) == "🎲 3 + 5 = 8"


def test_a_bonus_counts_once() -> None:
    assert dice.roll("1d20 + 4", "en", lambda low, high: high) == "🎲 20 + 4 = 24"


def test_dice_are_drawn_between_one_and_their_sides() -> None:
    asked: list[tuple[int, int]] = []

    def draw(low: int, high: int) -> int:
        asked.append((low, high))
        return low

    dice.roll("3d8", "en", draw)
    assert asked == [(1, 8)] * 3


@pytest.mark.parametrize("rest", ["101d6", "0d6", "2d1", "2d1001", "2x6", "d", "99999d9"])
def test_impossible_dice_are_turned_away_with_an_example(rest: str) -> None:
    answer = dice.roll(rest, "en", lambda low, high: pytest.fail("nothing may be drawn"))
    assert "try: roll 2d6" in answer


@pytest.mark.parametrize(
    ("rest", "shown"),
    [
        ("", "14:00 · 2026-11-23 · UTC"),
        ("America/Sao_Paulo", "11:00 · 2026-11-23 · America/Sao_Paulo"),
        ("são paulo", "11:00 · 2026-11-23 · America/Sao_Paulo"),
        ("in Tokyo?", "23:00 · 2026-11-23 · Asia/Tokyo"),
        ("em Lisbon", "14:00 · 2026-11-23 · Europe/Lisbon"),
        ("em Lisboa?", "14:00 · 2026-11-23 · Europe/Lisbon"),
        ("em Nova York", "09:00 · 2026-11-23 · America/New_York"),
        ("no Rio de Janeiro", "11:00 · 2026-11-23 · America/Sao_Paulo"),
    ],
)
def test_the_time_in_a_zone(rest: str, shown: str) -> None:
    assert clock.tell(rest, "en", 1_795_442_400_000).endswith(shown)


@pytest.mark.parametrize("zone", sorted(set(clock.HERE.values())))
def test_the_zones_of_named_cities_exist(zone: str) -> None:
    assert zone in available_timezones()


def test_an_unknown_zone_is_told() -> None:
    assert "“Atlantis”" in clock.tell("Atlantis", "en", 0)


@pytest.mark.parametrize(
    ("rest", "seconds", "text"),
    [
        ("me in 10m tea is ready", 600, "tea is ready"),
        ("me in 2 hours to call ana", 7200, "call ana"),
        ("em 45 segundos de ligar", 45, "ligar"),
        ("daqui a 3 dias pagar a conta", 259_200, "pagar a conta"),
        ("me 1d backup\nand test it", 86_400, "backup\nand test it"),
    ],
)
def test_a_reminder_is_understood(rest: str, seconds: int, text: str) -> None:
    assert reminders.parse(rest) == reminders.Asked(seconds, text)


@pytest.mark.parametrize(
    "rest",
    ["", "me", "me in 10m", "me tomorrow tea", "me in 0m x", "me in 400d x", "in 5 apples x"],
)
def test_what_is_no_reminder_is_not_guessed(rest: str) -> None:
    assert reminders.parse(rest) is None


@pytest.mark.parametrize(
    ("seconds", "shown"), [(45, "45 s"), (600, "10 min"), (5400, "90 min"), (86_400, "1 d")]
)
def test_a_span_is_shown_in_its_largest_whole_unit(seconds: int, shown: str) -> None:
    assert reminders.span(seconds) == shown


def test_a_poll_takes_quotes_of_both_kinds() -> None:
    assert polls.parse('"Where to?" pizza “the new place”') == (
        "Where to?",
        ("pizza", "the new place"),
    )


@pytest.mark.parametrize("rest", ["", "one", '"Q?" a', "q " + "x " * 10])
def test_a_poll_needs_two_to_nine_choices(rest: str) -> None:
    assert polls.parse(rest) is None


def test_a_poll_shows_its_counts() -> None:
    shown = polls.show(POLL, {"u1": Vote(1, False), "u2": Vote(1, True)})
    assert "sushi: 2 ▪▪" in shown
    assert "pizza: 0\n" in shown


def test_the_new_one_of_two_reactions_counts() -> None:
    votes = {"u1": Vote(0, by_reaction=True)}
    reactions = [Reaction(polls.digit(0), ("u1",)), Reaction(polls.digit(2), ("u1",))]
    assert polls.from_reactions(POLL, reactions, votes, "u1") == (True, Vote(2, True))


def test_somebody_else_s_reaction_changes_no_vote_of_ours() -> None:
    votes = {"u1": Vote(1, by_reaction=False)}
    reactions = [Reaction(polls.digit(0), ("u1",)), Reaction(polls.digit(2), ("u2",))]
    assert polls.from_reactions(POLL, reactions, votes, "u2") == (True, Vote(2, True))


def test_a_reaction_taken_back_is_a_vote_taken_back() -> None:
    votes = {"u1": Vote(0, by_reaction=True), "u2": Vote(1, by_reaction=False)}
    assert polls.from_reactions(POLL, [], votes, "u1") == (True, None)
    assert polls.from_reactions(POLL, [], votes, "u2") == (False, votes["u2"])


def test_the_same_reactions_again_change_nothing() -> None:
    votes = {"u1": Vote(0, by_reaction=True)}
    reactions = [Reaction(polls.digit(0), ("u1",))]
    assert polls.from_reactions(POLL, reactions, votes, "u1") == (False, votes["u1"])


def test_other_reactions_are_no_votes() -> None:
    reactions = [Reaction("🎉", ("u1",)), Reaction(polls.digit(8), ("u1",))]
    assert polls.from_reactions(POLL, reactions, {}, "u1") == (False, None)


def test_pieces_add_up_to_the_text() -> None:
    text = helping.help_text("pt_BR", "talkbot") + "\n\nwith  two blanks"
    pieces = pieces_of(text)
    assert "".join(pieces) == text
    assert 1 < len(pieces) <= PIECES_MAX


def test_the_same_reason_gives_the_same_id() -> None:
    assert derived("answer", "m1") == derived("answer", "m1")
    assert derived("answer", "m1") != derived("answer", "m2")
    assert derived("a", "bc") != derived("ab", "c")


@pytest.mark.parametrize(("language", "word"), [("en", "Hello ana!"), ("pt_BR", "Olá, ana!")])
def test_the_greeting_shows_three_keys(language: str, word: str) -> None:
    text = helping.greeting(language, "ana")
    assert text.startswith(word)
    assert all(key in text for key in ("Enter", "Ctrl+K", "F1"))


def test_a_text_is_cut_only_where_it_is_too_long() -> None:
    assert fitting("abcde", 5) == "abcde"
    assert fitting("abcdef", 5) == "abcd…"


def wrote(seq: int, user_id: str, *mentions: str) -> MessageEvent:
    sender = UserInfo(user_id=user_id, name=user_id)
    return MessageEvent(
        conversation_id="c1",
        seq=seq,
        ts=seq,
        sender=sender,
        server_msg_id=f"m{seq}",
        client_msg_id=f"n{seq}",
        text="words",
        mentions=list(mentions),
    )


def test_the_last_sign_of_a_person_is_what_they_wrote_but_not_to_the_bot() -> None:
    events: list[LogEvent] = [wrote(1, "ana"), wrote(2, "bruno", "ana"), wrote(3, "ana", "bot")]
    assert finding.last_sign(events, "ana", "bot") == 1
    assert finding.last_sign(events, "carla", "bot") == 0


def test_who_wrote_nothing_misses_nothing_from_before_they_joined() -> None:
    ana = UserInfo(user_id="ana", name="ana")
    joined = MemberEvent(conversation_id="c1", seq=2, ts=2, sender=ana, user=ana, change="joined")
    assert finding.last_sign([wrote(1, "bruno"), joined, wrote(3, "bruno")], "ana", "bot") == 2
