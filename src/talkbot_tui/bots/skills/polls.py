"""Polls: their words, and who chose what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from talkbot_tui import i18n
from talkbot_tui.bots.memory import Poll, Vote
from talkbot_tui.core.model import Reaction

_ = i18n.Domain("bots")

OPTIONS_MAX = 9
KEYCAP = "\ufe0f\u20e3"


def parse(rest: str) -> tuple[str, tuple[str, ...]] | None:
    """Question and choices, each a word or in quotes; None without two to nine choices."""
    found = re.findall(r'"([^"]+)"|“([^”]+)”|(\S+)', rest)
    parts = [next(part for part in groups if part).strip() for groups in found]
    if not 3 <= len(parts) <= OPTIONS_MAX + 1:
        return None
    return parts[0], tuple(parts[1:])


def digit(number: int) -> str:
    """The keycap emoji of a choice, counted from 0."""
    return f"{number + 1}{KEYCAP}"


def show(poll: Poll, votes: Mapping[str, Vote]) -> str:
    """The poll's message."""
    lines = [f"📊 {poll.question}"]
    for number, option in enumerate(poll.options):
        count = sum(vote.choice == number for vote in votes.values())
        bar = " " + "▪" * min(count, 20) if count else ""
        lines.append(f"{digit(number)} {option}: {count}{bar}")
    hint = _.translate(poll.language, "Vote with the reaction {first}, {second} … or: vote 2")
    lines.append(hint.format(first=digit(0), second=digit(1)))
    return "\n".join(lines)


def from_reactions(
    poll: Poll, reactions: Iterable[Reaction], votes: Mapping[str, Vote], me: str
) -> dict[str, Vote | None]:
    """The votes that another set of reactions changes; None takes one back.

    One vote a person: of several reactions the one that is new counts.
    """
    chosen: dict[str, set[int]] = {}
    for reaction in reactions:
        number = _choice(reaction.emoji)
        if number is not None and number < len(poll.options):
            for user in reaction.user_ids:
                chosen.setdefault(user, set()).add(number)
    chosen.pop(me, None)
    changed: dict[str, Vote | None] = {}
    for user, numbers in chosen.items():
        before = votes.get(user)
        fresh = numbers - {before.choice} if before else numbers
        if before is None or (fresh and (before.by_reaction or before.choice not in numbers)):
            changed[user] = Vote(min(fresh or numbers), by_reaction=True)
    for user, vote in votes.items():
        if vote.by_reaction and user not in chosen:
            changed[user] = None
    return changed


def _choice(emoji: str) -> int | None:
    found = re.fullmatch("([1-9])\ufe0f?\u20e3?", emoji)
    return int(found[1]) - 1 if found else None
