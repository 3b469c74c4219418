"""What a program wrote to its terminal, as the set of things that a terminal would obey."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"\x1b\[(?P<private>[<=>?]*)(?P<numbers>[0-9;:]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\x1b(?P<string>[\]PX^_])(?P<body>[^\x07\x1b\x9c]*)(?:\x07|\x1b\\)"
    r"|\x1b(?P<short>[ -/]*[0-~])"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
    r"|(?P<confusing>[\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff\U000e0000-\U000e007f])"
)
_UNFINISHED = re.compile(
    rb"(?:\x1b(?:\[[<=>?]*[0-9;:]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)"
    rb"|[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z"
)
_WITH_NUMBERS = "hltn"
_TITLE = re.compile(r"2;[@\w ()·✗↑!…]*talkbot-tui\Z")
_LINK = re.compile(r"8;(?:id=[\w.-]*)?;(?:(?:https?://|mailto:)[!-~]+)?\Z")


def obeyed(written: bytes) -> frozenset[str]:
    """The kinds of sequences and lone controls in `written`.

    Numbers count where they choose what is done (modes, reports), not where they say
    where or in which colour. Of titles and links the form counts: one that the program
    would not write itself is a kind of its own.
    """
    text = written.decode("utf-8", errors="surrogateescape")
    return frozenset(_kind(found) for found in _SEQUENCE.finditer(text))


def whole(written: bytes) -> bytes:
    """Without a sequence or a character at the end whose rest was still to come."""
    return _UNFINISHED.sub(b"", written)


def _kind(found: re.Match[str]) -> str:
    if final := found["final"]:
        numbers = found["numbers"] if final in _WITH_NUMBERS else ""
        return f"CSI {found['private']}{numbers}{found['between']}{final}"
    if found["string"]:
        body = found["body"]
        if found["string"] == "]":
            for name, form in (("title", _TITLE), ("link", _LINK)):
                if form.match(body):
                    return name
        return f"{found['string']} {body[:40]!r}"
    return ascii(found["short"] or found["control"] or found["confusing"])


def harmless(text: str) -> str:
    """The twin of a hostile text: of the same length, with nothing that could be obeyed."""
    return re.sub(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff"
        "\U000e0000-\U000e007f]",
        "\ufffd",
        text,
    )
