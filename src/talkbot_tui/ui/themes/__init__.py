"""The themes: night, day, and one of the terminal's own sixteen colours.

Every colour of text has a contrast of at least 4.5 to every background it can
stand on (WCAG 2 AA); a test computes it. The sixteen colours are the terminal's
owner's choice, so that theme uses few of them and marks with reverse video.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme

from talkbot_tui.ui.ink import COLOURS

NIGHT = {
    "muted": "#9aa4b2",
    "strong": "#ffffff",
    "good": "#7ddc8a",
    "warn": "#ffd166",
    "bad": "#ff8a80",
    "link": "#7cc4ff",
    "code": "#e6c08a",
    "mention": "#ffd166",
    "name-0": "#7cc4ff",
    "name-1": "#ffb86c",
    "name-2": "#a5e075",
    "name-3": "#ff9ac1",
    "name-4": "#c9a6ff",
    "name-5": "#6fe0d0",
    "raised": "#1f242c",
    "selected": "#2c3542",
    "rule": "#3a4350",
}
DAY = {
    "muted": "#55606e",
    "strong": "#000000",
    "good": "#1b6e2c",
    "warn": "#8a4a00",
    "bad": "#b3261e",
    "link": "#0b5cad",
    "code": "#7a3e00",
    "mention": "#8a4a00",
    "name-0": "#0b5cad",
    "name-1": "#8a4a00",
    "name-2": "#2f6b12",
    "name-3": "#a8205e",
    "name-4": "#6a3bb5",
    "name-5": "#006a6a",
    "raised": "#eceff3",
    "selected": "#d9e4f0",
    "rule": "#b6bec9",
}
ANSI = {
    "muted": "ansi_default",
    "strong": "ansi_default",
    "good": "ansi_green",
    "warn": "ansi_yellow",
    "bad": "ansi_red",
    "link": "ansi_cyan",
    "code": "ansi_yellow",
    "mention": "ansi_yellow",
    "name-0": "ansi_cyan",
    "name-1": "ansi_yellow",
    "name-2": "ansi_green",
    "name-3": "ansi_magenta",
    "name-4": "ansi_cyan",
    "name-5": "ansi_green",
    "raised": "ansi_default",
    "selected": "ansi_default",
    "rule": "ansi_default",
}


def _variables(colours: Mapping[str, str]) -> dict[str, str]:
    return {f"chat-{name}": value for name, value in colours.items()}


DEFAULTS = _variables(NIGHT)
"""For themes that do not know our names; without them their style sheets would not load."""

THEMES = (
    Theme(
        "night",
        primary="#7cc4ff",
        secondary="#9aa4b2",
        accent="#7cc4ff",
        warning=NIGHT["warn"],
        error=NIGHT["bad"],
        success=NIGHT["good"],
        foreground="#e6e6e6",
        background="#14171c",
        surface="#14171c",
        panel="#1f242c",
        variables={**_variables(NIGHT), "input-selection-background": "#2b5278"},
    ),
    Theme(
        "day",
        primary="#0b5cad",
        secondary="#55606e",
        accent="#0b5cad",
        warning=DAY["warn"],
        error=DAY["bad"],
        success=DAY["good"],
        foreground="#1b1f24",
        background="#fbfbf8",
        surface="#fbfbf8",
        panel="#eceff3",
        dark=False,
        variables={**_variables(DAY), "input-selection-background": "#b9d7f2"},
    ),
    Theme(
        "ansi",
        primary="ansi_default",
        secondary="ansi_default",
        accent="ansi_default",
        warning="ansi_yellow",
        error="ansi_red",
        success="ansi_green",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        ansi=True,
        variables={
            **_variables(ANSI),
            "input-cursor-background": "ansi_default",
            "input-cursor-foreground": "ansi_default",
            "input-cursor-text-style": "reverse",
            "ansi-background": "ansi_black",
            "ansi-foreground": "ansi_white",
        },
    ),
)
NAMES = tuple(theme.name for theme in THEMES)

assert all(set(COLOURS) <= set(colours) for colours in (NIGHT, DAY, ANSI))


def choose(wanted: str, environ: Mapping[str, str]) -> str:
    """The theme to begin with: the wanted one, else what the terminal can show.

    NO_COLOR and terminals of sixteen colours get `ansi`. A light background is
    known only where the terminal tells it in COLORFGBG.
    """
    if environ.get("NO_COLOR"):
        return "ansi"
    if wanted in NAMES:
        return wanted
    term = environ.get("TERM", "")
    rich = "256" in term or environ.get("COLORTERM") or "kitty" in term or "direct" in term
    if (
        term in ("linux", "ansi", "cons25")
        or term.startswith("vt")
        or (term.endswith("-16color") and not rich)
    ):
        return "ansi"
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return "day" if background in ("7", "15") else "night"
