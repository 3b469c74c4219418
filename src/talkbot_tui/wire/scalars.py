"""The small types of the contract: ids, seqs, times, texts, with their limits.

A client's payload is checked strictly against them; a server's leniently, so
that an older client survives a newer server.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

PROTOCOL = 1
NAMESPACE = "/chat"

TEXT_MAX = 8_000
TEXT_BYTES_MAX = 32 * 1024
FRAME_BYTES_MAX = 128 * 1024
ANSWER_BYTES_MAX = 256 * 1024
NAME_MAX = 64
USER_NAME_MAX = 32
PAGE_MAX = 200
WATCH_MAX = 200
SEQ_MAX = 2**53 - 1

# `$` also matches before a final newline in Python; the look-ahead refuses it
# and keeps the pattern valid for JSON Schema.
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)", description="an id")]
Seq = Annotated[int, Meta(ge=1, le=SEQ_MAX, description="dense number of an event")]
Cursor = Annotated[int, Meta(ge=0, le=SEQ_MAX, description="last seq held without a hole")]
Millis = Annotated[int, Meta(ge=0, le=SEQ_MAX, description="ms since 1970, UTC")]
Text = Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]
UserName = Annotated[str, Meta(min_length=1, max_length=USER_NAME_MAX)]
Topic = Annotated[str, Meta(max_length=500)]
StatusText = Annotated[str, Meta(max_length=100)]
Emoji = Annotated[str, Meta(min_length=1, max_length=32)]
Limit = Annotated[int, Meta(ge=1, le=PAGE_MAX)]
Count = Annotated[int, Meta(ge=0)]
Offset = Annotated[int, Meta(ge=0, le=TEXT_MAX, description="in code points")]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]


class ClientPayload(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Base of what a client sends: an unknown field is refused."""


class ServerPayload(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of what a server sends: unknown fields are ignored, defaults left out."""
