"""Names: folded, compared by look, and the people whom a text mentions.

Two names are the same when they look the same (Unicode Technical Standard 39):
`аna` with a Cyrillic а cannot pose as `ana`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from importlib import resources
from itertools import takewhile

from talkbot_tui.core.text import INVISIBLE, MARKS_MAX, clean_name
from talkbot_tui.wire.errors import Code, Refused
from talkbot_tui.wire.scalars import NAME_MAX, USER_NAME_MAX

_RESERVED = """
    admin administrator administrador system sistema server servidor moderator moderador
    support suporte everyone everybody todos here aqui all channel canal group grupo you your
    você voce vocês eu me null none nobody unknown anonymous deleted bot talkbot talkbot-tui
"""
BOT_NAMES = ("talkbot",)
_UNSEEN = re.compile(f"[{INVISIBLE}\u2800\U000e0000-\U000e0fff]")
_EMOJI_STYLE = "\ufe0f"
_MENTION = re.compile(r"(?<![\w.@/-])@(?=[\w.\-])")


def fold_user_name(text: str) -> str:
    """The handle that `text` asks for: NFKC, lower case.

    Raises `Refused` (name_invalid): only letters, digits and `_ . -`, at most 32, beginning
    with a letter or digit.
    """
    name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.strip()).casefold())
    if not 1 <= len(name) <= USER_NAME_MAX:
        raise Refused(
            Code.NAME_INVALID, f"A name has 1 to {USER_NAME_MAX} characters.", field="username"
        )
    if not name[0].isalnum() or not all(_allowed(char) for char in name):
        raise Refused(
            Code.NAME_INVALID,
            "A name has letters, digits, '_', '.' and '-', and begins with a letter or digit.",
            field="username",
        )
    _refuse_odd_marks(name)
    _refuse_unshown(name)
    return name


def fold_channel_name(text: str) -> str:
    """The channel name that `text` asks for, without `#`; raises `Refused` (name_invalid)."""
    name = unicodedata.normalize("NFKC", text.strip()).strip().removeprefix("#").strip()
    if not 1 <= len(name) <= NAME_MAX:
        raise Refused(Code.NAME_INVALID, f"A name has 1 to {NAME_MAX} characters.", field="name")
    if any(_hidden(char) for char in name) or "#" in name or name.startswith("@"):
        raise Refused(
            Code.NAME_INVALID, "A name has no '#', no '@' in front, and no control characters."
        )
    _refuse_odd_marks(name.replace(_EMOJI_STYLE, ""), field="name")
    _refuse_unshown(name, field="name")
    return name


def refuse_reserved(name: str, *, bot: bool = False) -> None:
    """Raise `Refused` for a name that would pass for the server's own or for everybody."""
    look = skeleton(name)
    if bot and look in {skeleton(known) for known in BOT_NAMES}:
        return
    if look in _reserved_looks():
        raise Refused(Code.NAME_INVALID, "That name is reserved.", field="username")


def skeleton(name: str) -> str:
    """What `name` looks like: two names with one skeleton may be taken for each other."""
    seen = _UNSEEN.sub("", name)
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", seen).casefold())
    table = _prototypes()
    text = "".join(table.get(char, char) for char in text)
    text = unicodedata.normalize("NFD", text).casefold()
    # A capital's prototype may be a small letter's look-alike; a second turn settles it.
    return unicodedata.normalize("NFD", "".join(table.get(char, char) for char in text)).casefold()


def mentioned(text: str) -> list[str]:
    """Skeletons of the names after `@` in `text`, longest reading first, without repeats."""
    found: dict[str, None] = {}
    for match in _MENTION.finditer(text):
        name = "".join(takewhile(_allowed, text[match.end() :][:USER_NAME_MAX]))
        found[skeleton(name)] = None
        # `@ana.` at the end of a sentence means ana.
        while name and name[-1] in "._-":
            name = name[:-1]
            if name:
                found[skeleton(name)] = None
    return list(found)


def _refuse_odd_marks(name: str, *, field: str = "username") -> None:
    """Raise `Refused` where marks make another name of the same look (UTS 39, 5.4)."""
    marks = 0
    before = ""
    for char in unicodedata.normalize("NFD", name):
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if _UNSEEN.match(char) or marks > MARKS_MAX or (marks > 1 and char == before):
            raise Refused(
                Code.NAME_INVALID,
                f"A name has nothing invisible, at most {MARKS_MAX} marks on a letter,"
                " and none of them twice.",
                field=field,
            )
        before = char


def _refuse_unshown(name: str, *, field: str = "username") -> None:
    """Raise `Refused` where a screen would leave out a part, so that two names look the same."""
    if clean_name(name) != name or not skeleton(name).strip():
        raise Refused(
            Code.NAME_INVALID, "A name is shown whole, and has something to see.", field=field
        )


def _allowed(char: str) -> bool:
    # Marks as well, which no \w matches: names in Hindi or Thai are written with them.
    return char in "_.-" or unicodedata.category(char)[0] in "LM" or char.isdigit()


def _hidden(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@cache
def _reserved_looks() -> frozenset[str]:
    return frozenset(skeleton(name) for name in _RESERVED.split())


@cache
def _prototypes() -> dict[str, str]:
    """One look for each group of look-alikes.

    The data links each character with its prototype in both directions; a
    prototype is the centre of its star, and of a lone pair the smaller one.
    """
    source = resources.files("confusable_homoglyphs").joinpath("confusables.json")
    data: dict[str, list[dict[str, str]]] = json.loads(source.read_text(encoding="utf-8"))
    links = {char: [entry["c"] for entry in entries] for char, entries in data.items()}
    table: dict[str, str] = {}
    for char, others in links.items():
        if len(char) != 1 or len(others) != 1:
            continue
        other = others[0]
        if len(links.get(other, [])) > 1 or (len(other), other) < (1, char):
            table[char] = other
    return table
