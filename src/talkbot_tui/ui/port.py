"""What the screens need of an engine; the engine has it, and so have the doubles in tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from talkbot_tui.client.wiretap import Wire
from talkbot_tui.core.changes import Change
from talkbot_tui.core.events import UserEvent
from talkbot_tui.core.model import Conversation, Message, User
from talkbot_tui.core.search import Ask, Found
from talkbot_tui.core.session import Session

Listener = Callable[[tuple[Change, ...]], None]


class LookupsPort(Protocol):
    """Questions to the server that are answered once; each may raise `LookupFailed`."""

    async def users(self, prefix: str) -> Sequence[User]:
        """People whose name begins like this."""
        ...

    async def channels(self, prefix: str) -> Sequence[Conversation]:
        """Public channels whose name begins like this."""
        ...

    async def search(
        self, query: str, conversation_id: str | None = None, limit: int = 20
    ) -> Sequence[Message]:
        """Messages with these words, newest first."""
        ...

    async def open_direct(self, user_id: str) -> Conversation:
        """The conversation with one person."""
        ...

    async def create_channel(
        self, name: str, topic: str = "", private: bool = False
    ) -> Conversation:
        """A new channel, of which we are the owner."""
        ...

    async def join(self, conversation_id: str) -> Conversation:
        """Become a member of a public channel."""
        ...

    async def leave(self, conversation_id: str) -> None:
        """Stop being a member."""
        ...

    async def invite(self, conversation_id: str, user_id: str) -> None:
        """Make somebody a member."""
        ...

    async def remove(self, conversation_id: str, user_id: str) -> None:
        """End somebody's membership."""
        ...

    async def update(
        self, conversation_id: str, *, topic: str | None = None, name: str | None = None
    ) -> None:
        """Change topic or name."""
        ...


class EnginePort(Protocol):
    """One user's engine."""

    @property
    def session(self) -> Session:
        """What is known; only to be read here."""
        ...

    @property
    def lookups(self) -> LookupsPort:
        """Questions to the server."""
        ...

    @property
    def wire(self) -> Wire:
        """What goes over its connections."""
        ...

    async def start(self) -> None:
        """Read the cache, then keep the link; raises `client.store.StoreError`."""
        ...

    async def stop(self) -> None:
        """Write what is unwritten and close."""
        ...

    def dispatch(self, event: UserEvent) -> None:
        """Something the user did."""
        ...

    def send(self, conversation_id: str, text: str, *, reply_to: str = "", format: str = "") -> str:
        """A new message; its `client_msg_id`."""
        ...

    def edit(self, conversation_id: str, server_msg_id: str, text: str) -> None:
        """Other words for a message of ours."""
        ...

    def delete(self, conversation_id: str, server_msg_id: str) -> None:
        """Take a message away, for everybody."""
        ...

    def react(self, conversation_id: str, server_msg_id: str, emoji: str, on: bool) -> None:
        """Put an emoji under a message, or take ours away."""
        ...

    async def search(self, ask: Ask) -> Found:
        """Messages of the cache, newest first."""
        ...

    async def seq_at(self, conversation_id: str, ts: int) -> int:
        """The first cached event at or after `ts` (ms), 0 for none."""
        ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear of changes, at most once a turn of the loop; the result ends it."""
        ...


@dataclass(frozen=True, slots=True)
class SignInForm:
    """What the login screen asks; `in_file`: a 0600 file will do where there is no keyring."""

    server: str
    user: str
    password: str = field(repr=False)
    register: bool = False
    in_file: bool = False


SignIn = Callable[[SignInForm], Awaitable[EnginePort]]
"""A new engine, not yet started; raises `SignInFailed`."""


class SignInFailed(Exception):
    """The sign-in came to nothing; the text is one line for the user."""
