"""What several commands take as arguments."""

from __future__ import annotations

import argparse

from talkbot_tui import i18n

_ = i18n.Domain("cli")

SECONDS_MAX = 86_400.0


def seconds(written: str) -> float:
    """A time in seconds, at most a day; raises `ArgumentTypeError` for anything else."""
    try:
        value = float(written)
    except ValueError:
        value = -1.0
    # Of what is no number, as `nan`, nothing is true.
    if not 0 <= value <= SECONDS_MAX:
        raise argparse.ArgumentTypeError(_("a time is a number of seconds up to 86400"))
    return value
