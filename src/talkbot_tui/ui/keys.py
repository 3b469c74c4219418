"""Keys in the order in which they were pressed.

Textual runs a binding only after the key has bubbled up to the app, while the
next keys go to the focused widget already: text typed right after Enter would
be sent with what came before it, and letters typed right after a key that moves
the focus would act in the wrong place. So the widgets that have the focus run
the commands themselves, in their own queue, and hand on what reaches them late.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual import events
from textual.keys import _character_to_key
from textual.widget import Widget

from talkbot_tui.ui.commands import COMMANDS, Where, keys_of


def commands_by_key(where: Where, overrides: Mapping[str, str]) -> dict[str, str]:
    """Command ids by key, for one focus; keys in Textual's names."""
    return {
        _character_to_key(key) if len(key) == 1 else key: command.id
        for command in COMMANDS
        if command.where in (Where.SCREEN, where)
        for key in keys_of(command, overrides)
    }


def command_of(event: events.Key, commands: Mapping[str, str]) -> str:
    """The command that the key means here, "" for none."""
    for name in (event.key, *event.aliases):
        if name in commands:
            return commands[name]
    return ""


def hand_on(widget: Widget, event: events.Key) -> bool:
    """Give a key that came late to whoever has the focus now; False when that is `widget`."""
    screen = widget.app.screen
    focused = screen.focused
    if focused is widget:
        return False
    event.stop()
    event.prevent_default()
    # A fresh event: this one is marked as dealt with.
    again = events.Key(event.key, event.character)
    again._set_forwarded()
    (screen if focused is None else focused).post_message(again)
    return True
