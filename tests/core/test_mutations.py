from __future__ import annotations

import itertools
from dataclasses import replace

from talkbot_tui.core.model import (
    Message,
    MessageDeleted,
    MessageEdited,
    Outcome,
    Reaction,
    ReactionsChanged,
)
from talkbot_tui.core.mutations import Mutation, apply, extend, merge
from tests.core.people import BRUNO, message

ID = "m-c1-1"


def edited(seq: int, revision: int, text: str = "") -> MessageEdited:
    return MessageEdited("c1", seq, seq, BRUNO, ID, text or f"text r{revision}", revision)


def deleted(seq: int) -> MessageDeleted:
    return MessageDeleted("c1", seq, seq, BRUNO, ID)


def reactions(seq: int, emoji: str) -> ReactionsChanged:
    return ReactionsChanged("c1", seq, seq, BRUNO, ID, (Reaction(emoji, ("u-bruno",)),))


def facts(value: Message) -> tuple[object, ...]:
    return value.text, value.revision, value.reactions, value.deleted


def test_mutations_give_the_same_in_any_order() -> None:
    events: tuple[Mutation, ...] = (
        edited(2, 1),
        reactions(3, "👍"),
        edited(5, 2),
        reactions(7, "❤"),
    )
    ends = set()
    for order in itertools.permutations(events):
        value = message(1)
        for event in order:
            value = apply(value, event)
        ends.add(facts(value))
        assert value.changed_seq == 7
    assert ends == {("text r2", 2, (Reaction("❤", ("u-bruno",)),), False)}


def test_a_deletion_wins_wherever_it_comes() -> None:
    events: tuple[Mutation, ...] = (edited(2, 1), deleted(3), reactions(4, "👍"))
    for order in itertools.permutations(events):
        value = message(1)
        for event in order:
            value = apply(value, event)
        assert value.deleted
        assert (value.text, value.reactions) == ("", ())


def test_twice_changes_nothing() -> None:
    for event in (edited(2, 1), deleted(3), reactions(4, "👍")):
        once = apply(message(1), event)
        assert apply(once, event) is once


def test_what_a_copy_contains_already_is_old() -> None:
    served = replace(message(1), text="now", revision=2, changed_seq=6)
    assert apply(served, edited(4, 1)) is served
    assert apply(served, reactions(5, "👍")) is served
    assert apply(served, reactions(7, "👍")).reactions


def test_an_older_reaction_still_counts_after_a_newer_edit() -> None:
    value = apply(apply(message(1), edited(9, 1)), reactions(5, "👍"))
    assert value.reactions == (Reaction("👍", ("u-bruno",)),)
    assert apply(value, reactions(4, "❤")) is value


def test_a_copy_brings_what_it_knows_and_takes_back_nothing() -> None:
    held = apply(message(1), edited(9, 2, "newest"))
    copy = replace(
        message(1), text="older", revision=1, changed_seq=6, reactions=(Reaction("👍", ("u",)),)
    )
    both = merge(held, copy)
    assert (both.text, both.revision, both.reactions) == ("newest", 2, copy.reactions)
    assert merge(both, copy) is both
    assert merge(copy, held).text == "newest"


def test_a_copy_of_a_deleted_message_buries_it_and_is_never_unburied() -> None:
    gone = replace(message(1), text="", deleted=True, changed_seq=4)
    assert merge(message(1), gone).deleted
    buried = merge(message(1), gone)
    assert merge(buried, message(1)) is buried


def test_the_servers_text_wins_over_what_we_typed() -> None:
    typed = replace(message(1), text="a\x1bb", key="mine")
    assert merge(typed, replace(message(1), text="a\ufffdb")).text == "a\ufffdb"
    assert merge(typed, message(1)).key == "mine"


# --- streams ------------------------------------------------------------------------

STREAMING = replace(message(1), text="one", streaming=True)


def test_a_piece_goes_where_it_belongs() -> None:
    longer = extend(STREAMING, 3, " two")
    assert longer is not None
    assert longer.text == "one two"


def test_a_piece_after_a_lost_one_does_not_fit() -> None:
    assert extend(STREAMING, 7, "three") is None
    assert extend(STREAMING, 1, "other") is None


def test_a_piece_that_is_known_changes_nothing_and_a_longer_one_adds_its_end() -> None:
    assert extend(STREAMING, 1, "ne") is STREAMING
    longer = extend(STREAMING, 1, "ne more")
    assert longer is not None
    assert longer.text == "one more"


def test_offsets_count_what_was_sent_not_what_is_shown() -> None:
    first = extend(STREAMING, 3, "    x", size=2)
    assert first is not None
    assert (first.text, first.size) == ("one    x", 5)
    second = extend(first, 5, "y")
    assert second is not None
    assert (second.text, second.size) == ("one    xy", 6)
    assert extend(first, 3, "    x", size=2) is None


def test_marks_split_over_pieces_do_not_add_up() -> None:
    value = STREAMING
    for offset in range(3, 13):
        longer = extend(value, offset, "\u0301")
        assert longer is not None
        value = longer
    assert value.text == "one" + "\u0301" * 4


def test_an_older_copy_does_not_shorten_a_stream() -> None:
    longer = extend(STREAMING, 3, " two")
    assert longer is not None
    assert merge(longer, STREAMING) is longer
    ahead = replace(STREAMING, text="one two three")
    assert merge(longer, ahead).text == "one two three"


def test_the_final_edit_ends_a_stream() -> None:
    end = MessageEdited("c1", 5, 5, BRUNO, ID, "all of it", 1, outcome=Outcome.COMPLETE)
    done = apply(STREAMING, end)
    assert (done.text, done.streaming, done.outcome) == ("all of it", False, Outcome.COMPLETE)
    assert merge(done, STREAMING) is done
