"""Handing an address to the desktop's browser: as one argument, never through a shell."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator

SAFE = re.compile("(?:https?://|mailto:)[!-~]+", re.IGNORECASE)
"""What may be handed over: of no other scheme, so nothing that could be an option or a file."""


def open_link(link: str) -> bool:
    """Start the browser on `link`; False where there is none, as in most SSH sessions."""
    if not SAFE.fullmatch(link):
        return False
    for command in _commands(link):
        if shutil.which(command[0]) is None:
            continue
        try:
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Ctrl+C in our terminal is not meant for it.
                start_new_session=True,
            )
        except OSError:
            continue
        return True
    return False


def _commands(link: str) -> Iterator[list[str]]:
    """What could open it: what BROWSER names (browsers parted by colons), then the desktop's."""
    for named in filter(None, os.environ.get("BROWSER", "").split(os.pathsep)):
        try:
            words = shlex.split(named)
        except ValueError:
            continue
        if words:
            filled = [word.replace("%s", link) for word in words]
            yield filled if filled != words else [*words, link]
    if sys.platform == "darwin":
        yield ["open", link]
    elif os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        yield ["xdg-open", link]
    # Windows' browser, from Linux on the same machine.
    yield ["wslview", link]
