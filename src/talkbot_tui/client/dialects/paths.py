"""The two small languages of a dialect's file: paths into what comes, templates of what goes.

A path reads a value out of an event: `$` is its first argument, `$1` the second, `@` the
element of a list that is being gone through; `.name`, `['any name']` and `[0]` lead into it.
A template is any TOML value; `{name}` in its texts stands for something that we know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ROOT = re.compile(r"(?:\$(\d{0,2})|@)")
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d{1,6})\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
_NAME = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
STEPS_MAX = 16

Known = Mapping[str, object]
"""What the names in a template stand for; one that is missing is not known yet."""


class BadExpression(ValueError):
    """A path or template that cannot be read; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Path:
    """A way into the arguments of an event.

    Attributes:
        argument: which argument, from 0; -1 for the element of a list.
        steps: names of members and places in lists.
    """

    argument: int
    steps: tuple[str | int, ...]

    def find(self, arguments: Sequence[object], element: object = None) -> object:
        """The value there, None where there is none."""
        value: object
        if self.argument < 0:
            value = element
        else:
            value = arguments[self.argument] if self.argument < len(arguments) else None
        for step in self.steps:
            if isinstance(step, str):
                value = value.get(step) if isinstance(value, dict) else None
            else:
                inside = isinstance(value, list) and step < len(value)
                value = value[step] if inside and isinstance(value, list) else None
        return value


@dataclass(frozen=True, slots=True)
class Template:
    """A value to be sent, with names in it.

    Attributes:
        value: as it was written.
        names: what is used in it.
    """

    value: Any
    names: frozenset[str]

    def fill(self, known: Known) -> object:
        """The value with everything put in.

        A member of a table whose name is not known is left out, and None elsewhere.
        """
        return _fill(self.value, known)


Reading = tuple[Path | Template, ...]
"""Ways to a value; the first that leads to one counts."""


def path(written: str) -> Path:
    """The path that somebody wrote; raises `BadExpression`."""
    root = _ROOT.match(written)
    if root is None:
        raise BadExpression(f"a path begins with $ or @, and {written!r} does not")
    steps: list[str | int] = []
    place = root.end()
    while place < len(written):
        found = _STEP.match(written, place)
        if found is None:
            raise BadExpression(f"{written!r} cannot be read from {written[place:]!r} on")
        name, index, quoted, doubly = found.groups()
        steps.append(int(index) if index is not None else name or quoted or doubly or "")
        place = found.end()
    if len(steps) > STEPS_MAX:
        raise BadExpression(f"{written!r} has more than {STEPS_MAX} steps")
    argument = -1 if written[0] == "@" else int(root[1] or 0)
    return Path(argument, tuple(steps))


def template(written: object, allowed: frozenset[str]) -> Template:
    """The template that somebody wrote, with no other names than these; raises `BadExpression`."""
    names: set[str] = set()
    _collect(written, names)
    for name in sorted(names - allowed):
        known = ", ".join(f"{{{name}}}" for name in sorted(allowed)) or "none"
        raise BadExpression(f"{{{name}}} means nothing here; known are {known}")
    return Template(written, frozenset(names))


def reading(written: object, allowed: frozenset[str]) -> Reading:
    """One way to a value, or a list of them; texts that are no paths are templates."""
    several = written if isinstance(written, list) else [written]
    if not several:
        raise BadExpression("an empty list leads nowhere")
    return tuple(
        path(one) if isinstance(one, str) and one.startswith(("$", "@")) else template(one, allowed)
        for one in several
    )


def read(
    ways: Reading, arguments: Sequence[object], known: Known, element: object = None
) -> object:
    """What the first way that leads somewhere leads to, else None."""
    for way in ways:
        value = way.find(arguments, element) if isinstance(way, Path) else way.fill(known)
        if value is not None:
            return value
    return None


def _collect(value: object, names: set[str]) -> None:
    if isinstance(value, str):
        for found in _NAME.finditer(value):
            if found[0] in ("{", "}"):
                raise BadExpression(f"a brace in {value!r} stands alone; write it twice")
            if found[1] is not None:
                names.add(found[1])
    elif isinstance(value, dict):
        for item in value.values():
            _collect(item, names)
    elif isinstance(value, list):
        for item in value:
            _collect(item, names)


def _fill(value: object, known: Known) -> object:
    if isinstance(value, str):
        return _fill_text(value, known)
    if isinstance(value, dict):
        filled = {key: _fill(item, known) for key, item in value.items()}
        return {key: item for key, item in filled.items() if item is not None}
    if isinstance(value, list):
        return [_fill(item, known) for item in value]
    return value


def _fill_text(text: str, known: Known) -> object:
    """A text that is one name alone keeps the kind of what it stands for."""
    whole = _NAME.fullmatch(text)
    if whole is not None and whole[1] is not None:
        return known.get(whole[1])
    missing = False

    def put(found: re.Match[str]) -> str:
        nonlocal missing
        if found[1] is None:
            return found[0][0]
        value = known.get(found[1])
        missing = missing or value is None
        return str(value)

    filled = _NAME.sub(put, text)
    return None if missing else filled
