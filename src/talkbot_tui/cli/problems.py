"""How a command fails: one line that says what, why and what to do next."""

from __future__ import annotations

from talkbot_tui.cli import exit_codes


class Problem(Exception):
    """Ends a command with one line on stderr; `code` is from `cli.exit_codes`."""

    def __init__(self, text: str, code: int = exit_codes.FAILURE) -> None:
        """`text` is complete and translated."""
        super().__init__(text)
        self.code = code
