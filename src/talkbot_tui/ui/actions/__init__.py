"""What each command does: one function per command, from its id.

A function gets the chat screen and what was written after the command; one that
must ask the server is a coroutine, run by the screen, and may raise
`LookupFailed`.
"""

from __future__ import annotations

from talkbot_tui.ui.actions import finding, general, messages, moving, rooms
from talkbot_tui.ui.actions.kinds import Handler

HANDLERS: dict[str, Handler] = {
    **general.HANDLERS,
    **moving.HANDLERS,
    **finding.HANDLERS,
    **messages.HANDLERS,
    **rooms.HANDLERS,
}
"""By command id; a test sees that every command has one."""
