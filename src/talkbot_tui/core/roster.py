"""People: who is in which conversation, who is there now, who is writing."""

from __future__ import annotations

from collections.abc import Iterable

from talkbot_tui.core.model import (
    Member,
    MemberChanged,
    Presence,
    PresenceInfo,
    User,
)

TYPING_MS = 6_000
"""A typing hint dies by itself after this long."""

UNKNOWN = PresenceInfo(Presence.OFFLINE)


class Roster:
    """Everybody seen so far, and what is known of them."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._members: dict[str, dict[str, Member]] = {}
        self._presence: dict[str, PresenceInfo] = {}
        self._typing: dict[str, dict[str, int]] = {}

    # --- users -------------------------------------------------------------------

    def see(self, *users: User | None) -> None:
        """These people exist and are called like this now."""
        for user in users:
            if user is not None and user.user_id and self._users.get(user.user_id) is not user:
                self._users[user.user_id] = user

    def user(self, user_id: str) -> User | None:
        """Somebody seen before."""
        return self._users.get(user_id)

    # --- members -------------------------------------------------------------------

    def set_members(self, conversation_id: str, members: Iterable[Member], first: bool) -> None:
        """A page of members; the first page starts the list anew."""
        held = self._members.setdefault(conversation_id, {})
        if first:
            held.clear()
        for member in members:
            held[member.user.user_id] = member
            self.see(member.user)

    def member_changed(self, event: MemberChanged) -> bool:
        """Follow a live change; False when the members of that conversation are not known."""
        held = self._members.get(event.conversation_id)
        if held is None:
            return False
        if event.change in ("left", "removed"):
            held.pop(event.user.user_id, None)
        else:
            held[event.user.user_id] = Member(event.user, event.role)
        return True

    def members(self, conversation_id: str) -> tuple[Member, ...]:
        """Who is in the conversation, as far as it is known; by name."""
        held = self._members.get(conversation_id, {})
        return tuple(sorted(held.values(), key=lambda member: member.user.name.casefold()))

    def forget(self, conversation_id: str) -> None:
        """We are no member of it any more."""
        self._members.pop(conversation_id, None)
        self._typing.pop(conversation_id, None)

    # --- presence ------------------------------------------------------------------

    def set_presence(self, presence: Iterable[tuple[str, PresenceInfo]]) -> bool:
        """What is known now; True when it is news."""
        news = False
        for user_id, info in presence:
            news = news or self._presence.get(user_id, UNKNOWN) != info
            self._presence[user_id] = info
        return news

    def presence(self, user_id: str) -> PresenceInfo:
        """One person's presence; offline when nothing is known."""
        return self._presence.get(user_id, UNKNOWN)

    # --- typing ----------------------------------------------------------------------

    def set_typing(self, conversation_id: str, user_id: str, on: bool, now: int) -> bool:
        """Somebody writes or stopped; True when the set of writers changed."""
        held = self._typing.setdefault(conversation_id, {})
        news = (user_id in held) != on
        if on:
            held[user_id] = now + TYPING_MS
        else:
            held.pop(user_id, None)
        return news

    def expire_typing(self, now: int) -> list[str]:
        """Forget hints that died; the conversations that this changed."""
        changed = []
        for conversation_id, held in self._typing.items():
            dead = [user_id for user_id, ends in held.items() if ends <= now]
            for user_id in dead:
                del held[user_id]
            if dead:
                changed.append(conversation_id)
        return changed

    def typing_ends(self) -> int:
        """When the next typing hint dies, in ms; 0 when there is none."""
        return min((ends for held in self._typing.values() for ends in held.values()), default=0)

    def typing(self, conversation_id: str, without: str) -> tuple[User, ...]:
        """Who is writing there, except `without`, in the order they began."""
        return tuple(
            self._users.get(user_id) or User(user_id, user_id)
            for user_id in self._typing.get(conversation_id, {})
            if user_id != without
        )

    def link_lost(self) -> list[str]:
        """Typing and presence are unknown now; the conversations where somebody was writing."""
        changed = [conversation_id for conversation_id, held in self._typing.items() if held]
        self._typing.clear()
        self._presence.clear()
        return changed
