"""The targets: each takes bytes and asserts what must hold, whatever they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Target:
    """One door.

    place: module and function, imported by who needs it: some bring much with them.
    share: of the executions, beside the others'. longest: bytes of an input.
    seeds: examples to begin with, beside the rows of tests/corpus.
    """

    place: str
    share: int
    longest: int
    seeds: tuple[bytes | str, ...]

    @property
    def take(self) -> Callable[[bytes], None]:
        """The function."""
        module, _, name = self.place.partition(":")
        found: Callable[[bytes], None] = getattr(import_module(f"tests.fuzz.{module}"), name)
        return found


PLANTED = Target("planted:planted", 0, 16, ())
"""Every run begins with it: a fuzzer that finds nothing must be seen to be able to."""

TOKEN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjU0OTc1NTgxMzg4OCwiaWF0IjoxNzAwMDAwMDAwLCJ"
    "zdWIiOiJ1MSIsInNpZCI6InMxIiwianRpIjoiajEiLCJpc3MiOiJ0YWxrYm90LXR1aSIsImF1ZCI6InRhbGtib3Q"
    "tdHVpIiwidHlwIjoiYWNjZXNzIn0.HaCYxrZpMfRM-3oXGrSgvt3aJdY2KNyyHAM8_wgEbXw"
)
EVENT = '42/chat,9["message",{"conversationId":"c1","text":"hi","clientMsgId":"u1"}]'
JSON = '{"ok":true,"error":{"code":"busy","retryAfterMs":1e3},"x":[null,"\\ud83d\\u0000"]}'
MARKED = "**b** *i* _u_ `c` ``` ~~~ [l](https://x.y/z) http://a.b, @ana\n```py\nx = 1\n```\n"
CONFIG = (
    'server = "https://chat.example"\nuser = "ana"\nlanguage = "pt-BR"\ntheme = "night"\n'
    "typing = true\nascii = false\n[keys]\nswitcher = 'ctrl+k'\n"
)
ADDRESSES = ("localhost:3000", "https://chat.example/chat", "[::1]:80", "http://127.0.0.1:1/a?b")
SAID = (
    "remind me in 10 min to go",
    'poll "Where?" a b c',
    "roll 2d6 + 1",
    "/ajuda",
    "o que perdi?",
    "@talkbot, vote 2",
)

TARGETS: dict[str, Target] = {
    "frame": Target("wire_targets:frame", 80, 512, (EVENT, "40/chat,{}", "41/chat,")),
    "request": Target("wire_targets:request", 40, 256, (b"\0" * 16, b"\x03\x02\x09")),
    "event": Target("wire_targets:event", 100, 384, (b"\0" * 16, bytes(range(64)))),
    "answer": Target("wire_targets:answer", 40, 384, (b"\0" * 16, bytes(range(64)))),
    "refusal": Target("wire_targets:refusal", 60, 256, (JSON, '{"message":"busy","data":{}}')),
    "json": Target("wire_targets:json_text", 120, 512, (JSON, "1e999", "-0", "[[[[[]]]]]")),
    "text": Target("text_targets:cleaning", 40, 96, (MARKED, "e\u0301\u200d👩‍👩‍👧‍👦\u202e")),
    "markdown": Target("text_targets:markdown", 30, 128, (MARKED, "[a](javascript:x) <b>`a``b`")),
    "long": Target("text_targets:long_texts", 1, 64, ("\x08`a", "\x30me \x01x", "\x10``` \x01!")),
    "name": Target(
        "word_targets:names", 100, 96, ("Ana.Maria-2", "аdmin", "#geral", "@ana e @bia.")
    ),
    "config": Target(
        "word_targets:settings", 80, 2048, (CONFIG, "a = [[1], {b = 2}]\n[x.y]\nz = 1")
    ),
    "address": Target("word_targets:address", 130, 128, ADDRESSES),
    "slash": Target("word_targets:slash", 90, 96, ("/help", "/join #geral", "//text", "/?", "/w")),
    "bot": Target("word_targets:bot", 80, 160, SAID),
    "token": Target("account_targets:token", 90, 512, (TOKEN,)),
    "search": Target("account_targets:search", 20, 64, ("ol\u00e1 ana", 'a" OR b*', "c\0IjEi")),
}
