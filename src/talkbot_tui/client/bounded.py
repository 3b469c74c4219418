"""What a server answers over HTTP, read up to a bound: an answer of any length fills nothing.

aiohttp reads and inflates the whole body of an answer, however long: 100 kB of
gzip can be 100 MB in memory (CWE-409).
"""

from __future__ import annotations

import aiohttp

ANSWER_MAX = 3 * 1024 * 1024
"""Bytes of one answer after inflating, and of one WebSocket frame; 64 MiB when taken apart.

Ours have 256 KiB, or what the rooms of a sync take.
"""


class BoundedResponse(aiohttp.ClientResponse):
    """Give this class to a session, and no body in it grows beyond `ANSWER_MAX`."""

    most = ANSWER_MAX

    async def read(self) -> bytes:
        """The whole body; raises `ClientPayloadError` when it is longer than `most`."""
        if self._body is not None:
            return await super().read()
        held = bytearray()
        try:
            async for chunk in self.content.iter_any():
                held += chunk
                if len(held) > self.most:
                    raise aiohttp.ClientPayloadError("an answer that is too long")
        except BaseException:
            self.close()
            raise
        # What `text` and `json` of the class below look at.
        self._body = bytes(held)
        return self._body
