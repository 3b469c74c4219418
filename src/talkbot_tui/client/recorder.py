"""Recordings on disk: written by a thread, so that a slow disk holds nobody up; read at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from io import TextIOBase
from pathlib import Path
from queue import SimpleQueue

from talkbot_tui.client.inspector import recording
from talkbot_tui.client.inspector.packets import Packet

FILE_MAX = 512 * 1024 * 1024
"""A recording grows no further than this."""


class Recorder:
    """Writes packets to a file of its own: 0600, and never over one that is there.

    Attributes:
        path: of the file.
        problem: why nothing more is written, "" while all is well.
    """

    def __init__(self, path: str, server: str = "") -> None:
        """`server`: where it is recorded. Raises `OSError`."""
        self.path = path
        self.problem = ""
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._written = 0
        self._lines: SimpleQueue[str | Packet | None] = SimpleQueue()
        self._lines.put(recording.head(server))
        self._thread = threading.Thread(target=self._run, name="talkbot recorder", daemon=True)
        self._thread.start()

    def put(self, packet: Packet) -> None:
        """Write this one, too."""
        self._lines.put(packet)

    def close(self) -> None:
        """Wait until all is written."""
        self._lines.put(None)
        self._thread.join(5)

    def _run(self) -> None:
        while (one := self._lines.get()) is not None:
            if self.problem:
                continue
            line = one if isinstance(one, str) else recording.line(one)
            try:
                self._write(line.encode())
            except OSError as error:
                self.problem = error.strerror or str(error)
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        if self._written + len(data) > FILE_MAX:
            raise OSError(27, os.strerror(27))
        while data:
            count = os.write(self._file, data)
            self._written += count
            data = data[count:]


def read(path: str) -> tuple[str, list[Packet]]:
    """Where it was recorded, and the packets; raises `RecordingError`, `OSError`."""
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        return recording.read(_lines(file))


def _lines(file: TextIOBase) -> Iterator[str]:
    while line := file.readline(recording.LINE_MAX + 1):
        yield line
