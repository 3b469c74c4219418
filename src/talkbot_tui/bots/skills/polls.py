"""Polls: their words, and who chose what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from talkbot_tui import i18n
from talkbot_tui.bots.memory import Poll, Vote
from talkbot_tui.bots.quotes import quoted
from talkbot_tui.core.model import Reaction

_ = i18n.Domain("bots")

OPTIONS_MAX = 9
KEYCAP = "\ufe0f\u20e3"


def parse(rest: str) -> tuple[str, tuple[str, ...]] | None:
    """Question and choices, each a word or in quotes; None without two to nine choices."""
    found = re.findall(r'"([^"]+)"|“([^”]+)”|(\S+)', rest)
    parts = [part for groups in found if (part := "".join(groups).strip())]
    if not 3 <= len(parts) <= OPTIONS_MAX + 1:
        return None
    return parts[0], tuple(parts[1:])


def digit(number: int) -> str:
    """The keycap emoji of a choice, counted from 0."""
    return f"{number + 1}{KEYCAP}"


def show(poll: Poll, votes: Mapping[str, Vote]) -> str:
    """The poll's message."""
    lines = [f"📊 {quoted(poll.question)}"]
    for number, option in enumerate(poll.options):
        count = sum(vote.choice == number for vote in votes.values())
        bar = " " + "▪" * min(count, 20) if count else ""
        lines.append(f"{digit(number)} {quoted(option)}: {count}{bar}")
    hint = _.translate(poll.language, "Vote with the reaction {first}, {second} … or: vote 2")
    lines.append(hint.format(first=digit(0), second=digit(1)))
    return "\n".join(lines)


def from_reactions(
    poll: Poll, reactions: Iterable[Reaction], votes: Mapping[str, Vote], person: str
) -> tuple[bool, Vote | None]:
    """Whether the vote of `person`, who has just reacted, is another one now, and which.

    One vote a person: of several reactions the one that is new counts. Nobody else's
    vote changes, whatever reactions they left there before.
    """
    numbers = {
        number
        for reaction in reactions
        if person in reaction.user_ids
        and (number := _choice(reaction.emoji)) is not None
        and number < len(poll.options)
    }
    before = votes.get(person)
    if not numbers:
        return (True, None) if before and before.by_reaction else (False, before)
    fresh = numbers - {before.choice} if before else numbers
    if not fresh:
        return False, before
    return True, Vote(min(fresh), by_reaction=True)


def _choice(emoji: str) -> int | None:
    found = re.fullmatch("([1-9])\ufe0f?\u20e3?", emoji)
    return int(found[1]) - 1 if found else None
