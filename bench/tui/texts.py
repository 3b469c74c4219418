"""Made-up talk: mean 84 characters, median 67, at most 400; 5 % CJK, 5 % emoji."""

from __future__ import annotations

import random

TALK = (
    "the build is red again because somebody renamed a folder and nobody told the runner so please",
    "have a look when you are back from lunch maybe we can roll it out on monday after the review",
    "thanks that works now ticket deploy release latency cache index queue schema branch merge",
    "weekend coffee meeting moved later could you check which server answers first",
)
WORDS = " ".join(TALK).split()
CJK = "今日は良い天気ですね会議は三時からです请查看最新的构建日志谢谢안녕하세요반갑습니다"
EMOJI = "😀🚀✨👍🎉"
LONGEST = 400
NICKS = [f"nick{number:02d}" for number in range(12)]


def token(prefix: str, number: int) -> str:
    """A word that marks one message; it begins the message's text."""
    return f"{prefix}{number:06d}"


def talk(prefix: str, count: int, seed: int = 7, first: int = 0) -> list[str]:
    """`count` texts, each begun by its `token`; equal seeds give equal texts."""
    chance = random.Random(seed)
    made = []
    for number in range(first, first + count):
        words = max(1, min(90, int(chance.lognormvariate(2.3, 0.75))))
        text = " ".join(chance.choice(WORDS) for _ in range(words))
        kind = chance.random()
        if kind < 0.05:
            signs = "".join(chance.choice(CJK) for _ in range(chance.randint(5, 60)))
            text = f"{signs} {text[:80]}"
        elif kind < 0.10:
            text += " " + chance.choice(EMOJI)
        made.append(f"{token(prefix, number)} {text}"[:LONGEST])
    return made
