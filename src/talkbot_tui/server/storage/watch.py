"""Cuts connections whose server says nothing for too long.

A server's own time-outs do not help when the server itself stands still, and the operating
system goes on confirming what it receives for it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import Any

import sqlalchemy as sa

LOOK_SECONDS = 0.5


class Watch:
    """One thread for all connections of a store."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: how long one statement or commit may go unanswered."""
        self._seconds = seconds
        self._until: dict[int, tuple[float, Any]] = {}
        self._turn = threading.Lock()
        self._end = threading.Event()
        self.cut = 0
        threading.Thread(target=self._run, name="store-watch", daemon=True).start()

    def over(self, engine: sa.Engine) -> None:
        """Look after every connection of that engine from now on."""

        def asked(connection: sa.Connection, *_rest: object) -> None:
            if not connection.invalidated:
                self.begin(connection.connection.driver_connection)

        for moment in ("before_cursor_execute", "commit", "rollback"):
            sa.event.listen(engine, moment, asked)
        sa.event.listen(engine, "checkin", lambda driver, _record: self.end(driver))
        sa.event.listen(engine, "close", lambda driver, _record: self.end(driver))

    def begin(self, driver: Any) -> None:
        """Something was asked over that connection; its time begins anew."""
        self._until[id(driver)] = (time.monotonic() + self._seconds, driver)

    def end(self, driver: Any) -> None:
        """Nothing is asked over that connection for now."""
        with self._turn:
            self._until.pop(id(driver), None)

    def close(self) -> None:
        """End the thread."""
        self._end.set()

    def _run(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            now = time.monotonic()
            with self._turn:
                for key, (until, driver) in tuple(self._until.items()):
                    if until <= now:
                        self._until.pop(key, None)
                        self._cut(driver)

    def _cut(self, driver: Any) -> None:
        """Whoever waits for an answer is told that there comes none."""
        with contextlib.suppress(OSError, ValueError):
            # Closing would free its number for another file while somebody waits on it.
            mine = socket.socket(fileno=os.dup(driver.fileno()))
            with mine:
                mine.shutdown(socket.SHUT_RDWR)
            self.cut += 1
