"""The interface's language: English in the code, Brazilian Portuguese from catalogues.

Standard library only, so that every layer may use it. The `locale` module is
left alone: it changes process-wide state and fails where a locale is not
installed.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ENGLISH = "en"
PORTUGUESE = "pt_BR"
LANGUAGES = (ENGLISH, PORTUGUESE)

FOLDER = Path(__file__).with_name("locale")


class _Current:
    language = ENGLISH


def detect(environ: Mapping[str, str]) -> str:
    """The language the environment asks for: `pt_BR` for any Portuguese, else `en`.

    LANGUAGE, LC_ALL, LC_MESSAGES and LANG decide in that order; the first that
    is set and not empty wins. LANGUAGE may list several, separated by colons.
    """
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(name, "").split(":")[0].strip()
        if value:
            return normalize(value)
    return ENGLISH


def normalize(name: str) -> str:
    """`pt_BR` for a name of Portuguese (`pt`, `pt-BR`, `pt_PT.UTF-8`), else `en`."""
    return PORTUGUESE if name.lower().replace("-", "_").split("_")[0] == "pt" else ENGLISH


def knows(name: str) -> bool:
    """Whether `name` is one of a language that we speak, such as `en`, `pt` or `pt_BR.UTF-8`."""
    return name.lower().replace("-", "_").split("_")[0].split(".")[0] in ("en", "pt")


def set_language(language: str) -> None:
    """Choose the language of all domains for this process; one of `LANGUAGES`."""
    _Current.language = normalize(language)


def language() -> str:
    """The chosen language."""
    return _Current.language


@cache
def _catalogue(domain: str, chosen: str) -> gettext.NullTranslations:
    if chosen == ENGLISH:
        return gettext.NullTranslations()
    return gettext.translation(domain, FOLDER, languages=[chosen], fallback=True)


def N_(text: str) -> str:
    """Mark `text` for the catalogues where it is only written down; it is translated when shown."""
    return text


class Domain:
    """The texts of one part of the program: `app`, `cli` or `bots`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, text: str) -> str:
        """`text` in the chosen language; the language is looked up at each call."""
        return _catalogue(self._name, _Current.language).gettext(text)

    def plural(self, singular: str, plural: str, count: int) -> str:
        """The form for `count`, not yet filled in."""
        return _catalogue(self._name, _Current.language).ngettext(singular, plural, count)

    def translate(self, chosen: str, text: str) -> str:
        """`text` in a given language, whatever the process speaks."""
        return _catalogue(self._name, normalize(chosen)).gettext(text)

    def translate_plural(self, chosen: str, singular: str, plural: str, count: int) -> str:
        """The form for `count` in a given language."""
        return _catalogue(self._name, normalize(chosen)).ngettext(singular, plural, count)
