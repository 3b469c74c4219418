"""The kind of function that a command runs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.chat import ChatScreen

Handler = Callable[["ChatScreen", str], Coroutine[Any, Any, None] | None]
