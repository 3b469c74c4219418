"""Access tokens, and the look-ups whose words go into questions to the database."""

from __future__ import annotations

import hmac
import json
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from talkbot_tui.server import service_messages, service_reading, service_rooms
from talkbot_tui.server.outcome import Actor
from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.database import Database, open_database
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.server.tokens import Signer
from talkbot_tui.wire.client_events import Conversations, Members, Search, SendMessage, Users
from talkbot_tui.wire.codec import convert_client
from talkbot_tui.wire.errors import Refused
from tests.fuzz.draw import Draw

KEY = b"k" * 32
SIGNER = Signer(KEY, 10**9)
NUMBERS = (None, 0, 1, -1, 2**31, 2**53, 2**63, 2**64, 2**200, -(2**63) - 1)
PAGES: tuple[Callable[[str], str | None], ...] = (
    lambda _text: None,
    lambda text: text,
    lambda text: urlsafe_b64encode(text.encode("utf-8", "replace")).decode(),
    lambda text: urlsafe_b64encode(json.dumps(text).encode()).decode(),
)


def token(data: bytes) -> None:
    """Only a token that we signed is taken, whatever is done to its letters."""
    text = data.decode("latin-1")
    with suppress(Refused):
        SIGNER.verify(text)
        signed, _, signature = text.rpartition(".")
        made = hmac.digest(KEY, signed.encode(), "sha256")
        assert urlsafe_b64encode(made).rstrip(b"=").decode() == signature


def search(data: bytes) -> None:
    """Words and page marks are never syntax, nor too much for the database."""
    draw = Draw(data)
    kind, ask = draw.of(
        (
            (Search, service_reading.search),
            (Conversations, service_reading.conversations),
            (Users, service_reading.users),
            (Members, service_reading.members),
        )
    )
    store, actor, room = _stage()
    text = draw.text()
    page = draw.of(PAGES)(draw.text())
    asked: dict[str, Any] = {"limit": 1 + draw.below(3)}
    if kind is Search:
        asked |= {"query": text, "page": page}
        asked |= {"before": draw.of(NUMBERS), "after": draw.of(NUMBERS)}
    elif kind is Members:
        asked |= {"conversationId": room, "after": page}
    else:
        asked |= {"prefix": text, "after": page}
    with suppress(Refused):
        payload = convert_client(asked, kind)
        store.ask(lambda tx: ask(tx, actor, payload))


@cache
def _stage() -> tuple[Database, Actor, str]:
    """A small server's database, in a temporary folder: the runner's goes with the run."""
    folder = Path(tempfile.mkdtemp(prefix="talkbot-fuzz-"))
    store = open_database(folder)

    def begin(tx: Tx) -> tuple[Actor, str]:
        room = service_rooms.create_default(tx, "general")
        for name in ("ana", "bia"):
            person = people.add_person(tx, name, None)
            service_rooms.welcome(tx, person, "")
        actor = Actor(person)
        for number, text in enumerate(("ol\u00e1 mundo a b c", 'a "quoted" AND (x)', "漢字 ①")):
            said = SendMessage(conversation_id=room, text=text, client_msg_id=f"m{number}")
            service_messages.post(tx, actor, said)
        return actor, room

    (made,) = store.append([begin])
    if isinstance(made, Exception):
        raise made
    return store, *made
