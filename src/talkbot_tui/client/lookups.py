"""Questions whose answers are not kept: people, channels, members, search; and joining."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from talkbot_tui.client import decode
from talkbot_tui.client.transport import LinkLost, NotOffered, TransportError, Unanswered
from talkbot_tui.core.model import Conversation, Member, Message, User
from talkbot_tui.wire import acks
from talkbot_tui.wire.codec import AckRefused, WireError, decode_ack

T = TypeVar("T", bound=msgspec.Struct)

PAGES_MAX = 20


class LookupFailed(Exception):
    """No answer: the server's code and words, or `offline`, `unanswered`, `malformed`."""

    def __init__(self, code: str, message: str = "") -> None:
        """`message` is the server's sentence, "" for our own codes."""
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Lookups:
    """Asks the server directly; every method raises `LookupFailed`."""

    request: Callable[[str, dict[str, Any]], Awaitable[object]]
    new_id: Callable[[], str]

    async def users(self, prefix: str = "", limit: int = 20) -> tuple[User, ...]:
        """People whose name begins with `prefix`."""
        told = await self._ask("users", {"prefix": prefix, "limit": limit}, acks.UsersAck)
        return tuple(decode.user(info) for info in told.items)

    async def channels(self, prefix: str = "", limit: int = 100) -> tuple[Conversation, ...]:
        """Public channels whose name begins with `prefix`, members or not."""
        payload = {"prefix": prefix, "limit": limit}
        told = await self._ask("conversations", payload, acks.ConversationsAck)
        return tuple(decode.conversation(info) for info in told.items)

    async def members(self, conversation_id: str) -> tuple[Member, ...]:
        """Everybody in a conversation."""
        found: list[Member] = []
        payload: dict[str, Any] = {"conversationId": conversation_id, "limit": 200}
        for _ in range(PAGES_MAX):
            told = await self._ask("members", payload, acks.MembersAck)
            found.extend(decode.member(info) for info in told.items)
            if not told.next:
                break
            payload = {**payload, "after": told.next}
        return tuple(found)

    async def search(
        self, query: str, conversation_id: str | None = None, limit: int = 20
    ) -> tuple[Message, ...]:
        """Messages with these words, newest first."""
        payload: dict[str, Any] = {"query": query, "limit": limit}
        if conversation_id:
            payload["conversationId"] = conversation_id
        told = await self._ask("search", payload, acks.SearchAck)
        return tuple(decode.message(hit, "") for hit in told.hits)

    async def open_direct(self, user_id: str) -> Conversation:
        """The one direct conversation with that person."""
        return await self._create({"kind": "direct", "members": [user_id]})

    async def create_channel(
        self, name: str, topic: str = "", private: bool = False
    ) -> Conversation:
        """A new channel; refused with `name_taken`, `name_invalid`."""
        payload: dict[str, Any] = {
            "kind": "channel",
            "name": name,
            "visibility": "private" if private else "public",
        }
        if topic:
            payload["topic"] = topic
        return await self._create(payload)

    async def join(self, conversation_id: str) -> Conversation:
        """Become a member of a public channel."""
        told = await self._ask("join", self._op(conversation_id), acks.JoinAck)
        return decode.conversation(told.conversation)

    async def leave(self, conversation_id: str) -> None:
        """Stop being a member."""
        await self._ask("leave", self._op(conversation_id), acks.EmptyAck)

    async def invite(self, conversation_id: str, user_id: str) -> None:
        """Make a person a member."""
        payload = {**self._op(conversation_id), "userId": user_id}
        await self._ask("invite", payload, acks.EmptyAck)

    async def remove(self, conversation_id: str, user_id: str) -> None:
        """End a person's membership."""
        payload = {**self._op(conversation_id), "userId": user_id}
        await self._ask("remove", payload, acks.EmptyAck)

    async def update(
        self, conversation_id: str, *, topic: str | None = None, name: str | None = None
    ) -> None:
        """Change a conversation's topic or name."""
        payload = self._op(conversation_id)
        if topic is not None:
            payload["topic"] = topic
        if name is not None:
            payload["name"] = name
        await self._ask("updateConversation", payload, acks.EmptyAck)

    async def _create(self, payload: dict[str, Any]) -> Conversation:
        payload = {**payload, "clientOpId": self.new_id()}
        told = await self._ask("createConversation", payload, acks.ConversationAck)
        return decode.conversation(told.conversation)

    def _op(self, conversation_id: str) -> dict[str, Any]:
        return {"conversationId": conversation_id, "clientOpId": self.new_id()}

    async def _ask(self, name: str, payload: dict[str, Any], kind: type[T]) -> T:
        try:
            return decode_ack(name, await self.request(name, payload), kind)
        except AckRefused as refused:
            raise LookupFailed(refused.body.code, refused.body.message) from None
        except NotOffered:
            raise LookupFailed("not_offered") from None
        except LinkLost:
            raise LookupFailed("offline") from None
        except (Unanswered, TransportError):
            raise LookupFailed("unanswered") from None
        except WireError as error:
            raise LookupFailed("malformed", str(error)) from None
