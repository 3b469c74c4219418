"""What argparse itself says, in the interface's language.

argparse looks its words up in gettext's current domain, so ours is made that one; the words
are marked here, since they stand in the standard library and not in our sources.
"""

from __future__ import annotations

import gettext
import os

from talkbot_tui import i18n

N_ = i18n.N_

WORDS = (
    N_("usage: "),
    N_("positional arguments"),
    N_("options"),
    N_("show this help message and exit"),
    N_("show program's version number and exit"),
    N_("the following arguments are required: %s"),
    N_("unrecognized arguments: %s"),
    N_("expected one argument"),
    N_("expected at least one argument"),
    N_("expected at most one argument"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
    N_("invalid %(type)s value: %(value)r"),
    N_("not allowed with argument %s"),
    N_("ignored explicit argument %r"),
    N_("ambiguous option: %(option)s could match %(matches)s"),
    N_("one of the arguments %s is required"),
)


def speak(language: str) -> None:
    """Have argparse speak `language`, one of `i18n.LANGUAGES`."""
    if language != i18n.ENGLISH:
        gettext.bindtextdomain("cli", str(i18n.FOLDER))
        gettext.textdomain("cli")
        # The library asks the environment; what was asked for on the command line counts more.
        os.environ["LANGUAGE"] = language
