"""Dice: `roll 2d6`."""

from __future__ import annotations

import re
from collections.abc import Callable

from talkbot_tui import i18n

_ = i18n.Domain("bots")

DICE_MAX, SIDES_MAX = 100, 1000


def roll(rest: str, language: str, draw: Callable[[int, int], int]) -> str:
    """The dice that `rest` asks for; `draw(low, high)` gives one number, both ends included."""
    found = re.fullmatch(r"(\d{1,4})?d(\d{1,5})(?:\s*([+-])\s*(\d{1,5}))?", rest.strip().lower())
    if not rest.strip():
        found = re.fullmatch(r"(\d{1,4})?d(\d{1,5})(?:\s*([+-])\s*(\d{1,5}))?", "1d6")
    if not found:
        return _.translate(language, "I did not understand the dice; try: roll 2d6")
    count, sides = int(found[1] or 1), int(found[2])
    if not (1 <= count <= DICE_MAX and 2 <= sides <= SIDES_MAX):
        text = _.translate(
            language, "I have up to {dice} dice of 2 to {sides} sides; try: roll 2d6"
        )
        return text.format(dice=DICE_MAX, sides=SIDES_MAX)
    drawn = [draw(1, sides) for _number in range(count)]
    bonus = int(f"{found[3]}{found[4]}") if found[4] else 0
    total = sum(drawn) + bonus
    shown = " + ".join(map(str, drawn)) + (f" {found[3]} {found[4]}" if found[4] else "")
    return f"🎲 {total}" if shown == str(total) else f"🎲 {shown} = {total}"
