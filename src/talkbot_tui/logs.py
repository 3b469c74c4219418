"""What a program of ours logs: one record a line, nothing that a terminal or a reader could obey.

Foreign text comes into logs by names, paths and errors; a line break in it would be a
forged line (CWE-117), an escape sequence would act on whoever looks at the log.
"""

from __future__ import annotations

import logging

from talkbot_tui.core.text import escaped


class LineFormatter(logging.Formatter):
    """Time, level, name and message on one line; a traceback follows, indented."""

    def __init__(self) -> None:
        """The format is fixed, so that other programs can rely on it."""
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The whole of a record; only our own line breaks are left in it."""
        lines = [f"{self.formatTime(record)} {record.levelname} {record.name}: {_message(record)}"]
        if record.exc_info:
            lines += [f"  {line}" for line in self.formatException(record.exc_info).split("\n")]
        if record.stack_info:
            lines += [f"  {line}" for line in record.stack_info.split("\n")]
        return "\n".join(map(escaped, lines))


def configure(level: str) -> None:
    """Log to standard error from `level` on: debug, info, warning or error."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler])


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        # A wrong call must not cost the line, nor print a traceback of its own.
        return f"{record.msg} ({type(error).__name__} in the arguments)"
