"""Whether the log beside a cache is whole: SQLite passes over what is not, without a word.

SQLite reads its log up to the first frame whose checksum is wrong, for that is how a
transaction ends that the machine did not get to write. Each of ours is synced before the
next begins, so at most one can be half written: where two or more commits lie behind the
place at which SQLite stops, something that was there has been harmed. (Harm in the last
one or two looks like that half one, and is not told apart from it.) The layout is that of
https://www.sqlite.org/walformat.html.
"""

from __future__ import annotations

import struct
import sys
from contextlib import suppress
from pathlib import Path

HEADER, FRAME_HEADER = 32, 24
MAGICS = {0x377F0682: "<", 0x377F0683: ">"}
VALID_FRAMES_AT = 16
"""Where the index beside the log says how many frames SQLite takes for valid."""


def harm(path: Path) -> str:
    """What is wrong with the log of the database at `path`, open at this moment; "" for nothing."""
    with suppress(FileNotFoundError), path.with_name(path.name + "-wal").open("rb") as log:
        header = log.read(HEADER)
        if len(header) < HEADER or not log.read(1):
            return ""
        if not _header_is_right(header):
            return "the header of its log is wrong"
        index = path.with_name(path.name + "-shm").read_bytes()
        valid = int.from_bytes(index[VALID_FRAMES_AT : VALID_FRAMES_AT + 4], sys.byteorder)
        page = int.from_bytes(header[8:12], "big")
        salts, commits = header[16:24], 0
        log.seek(HEADER + valid * (FRAME_HEADER + page))
        while len(frame := log.read(FRAME_HEADER + page)) == FRAME_HEADER + page:
            commits += frame[8:16] == salts and frame[4:8] != bytes(4)
        if commits > 1:
            return f"its log is wrong after frame {valid}"
    return ""


def _header_is_right(header: bytes) -> bool:
    order = MAGICS.get(int.from_bytes(header[:4], "big"))
    if order is None:
        return False
    one = two = 0
    numbers = struct.unpack(f"{order}6I", header[:24])
    for at in range(0, 6, 2):
        one = (one + numbers[at] + two) & 0xFFFFFFFF
        two = (two + numbers[at + 1] + one) & 0xFFFFFFFF
    return header[24:32] == struct.pack(">2I", one, two)
