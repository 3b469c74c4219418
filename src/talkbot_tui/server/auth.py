"""Accounts and sign-ins: who one is, and for how long that holds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from talkbot_tui.server import outside, service_rooms
from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.fanout import Fanout
from talkbot_tui.server.limits import Failures
from talkbot_tui.server.names import skeleton
from talkbot_tui.server.outcome import Actor, Delivery, EndSessions, Outcome
from talkbot_tui.server.outside import OutsideClaims
from talkbot_tui.server.passwords import Hasher
from talkbot_tui.server.storage import identities, people, sessions
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.sessions import Grant
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.server.tokens import Signer
from talkbot_tui.wire.errors import Code, Refused
from talkbot_tui.wire.http import (
    LoginRequest,
    PasswordRequest,
    PersonalToken,
    RegisterRequest,
    TokenRequest,
    Tokens,
)
from talkbot_tui.wire.server_events import UserInfo

TOKEN_DAYS = 365
"""How long a personal token lasts where nobody says; at most ten years."""

BOT_TOKEN_DAYS = 3650


@dataclass(frozen=True, slots=True)
class _SignedIn:
    user: UserInfo
    session_id: str
    refresh_token: str
    deliveries: tuple[Delivery, ...] = ()


class Accounts:
    """Sign-up, sign-in, and what ends them.

    Attributes:
        handed_out: how often tokens were given to a person since the start.
        tell_failed: is told the look and the address of each sign-in in vain.
    """

    def __init__(
        self, config: ServerConfig, database: Database, fanout: Fanout, signer: Signer
    ) -> None:
        """Share the server's parts."""
        self._config = config
        self._db = database
        self._fanout = fanout
        self._signer = signer
        self.handed_out = 0
        self.tell_failed: Callable[[str, str], None] | None = None
        self.hasher = Hasher(config.password_memory_kib, config.password_rounds)
        self._failures = Failures(config.failures_max, config.failures_seconds)
        self._address_failures = Failures(config.address_failures_max, config.failures_seconds)

    async def register(
        self, asked: RegisterRequest, client: str, *, invited: bool = False
    ) -> Tokens:
        """Make an account and sign it in; `invited` asks for an invite in any case.

        Raises `Refused`: registration_closed, invite_invalid, name_taken, name_invalid,
        password_weak, busy.
        """
        if self._config.registration == "closed":
            raise Refused(Code.REGISTRATION_CLOSED, "This server takes no new accounts.")
        needs_invite = invited or self._config.registration == "invite"
        if needs_invite and not asked.invite:
            raise Refused(Code.INVITE_INVALID, "An invite is needed.", field="invite")
        hashed = await self.hasher.hash(asked.password)

        def unit(tx: Tx) -> _SignedIn:
            if asked.invite and needs_invite:
                sessions.use_invite(tx, asked.invite)
            person = people.add_person(tx, asked.username, hashed)
            follows = service_rooms.welcome(tx, person, self._config.greeter)
            session_id, refresh = sessions.begin(
                tx, person.user_id, client, self._config.refresh_days
            )
            return _SignedIn(person, session_id, refresh, follows)

        done = await self._db.write(unit, lambda made: self._fanout.deliver(made.deliveries))
        return self._tokens(done.user, done.session_id, done.refresh_token)

    async def login(self, asked: LoginRequest, address: str, client: str) -> Tokens:
        """Sign in; raises `Refused`: bad_credentials, rate_limited, busy."""
        key = (skeleton(asked.username[:64]), address)
        self._check_failures(key)
        account = await self._db.read(lambda tx: people.by_name(tx, asked.username))
        usable = account is not None and not account.disabled
        stored = account.password_hash if account and usable else None
        if not await self._matches(stored, asked.password, key) or account is None:
            raise Refused(Code.BAD_CREDENTIALS, "The name or the password is wrong.")
        self._failures.succeeded(key)
        fresh = (
            await self.hasher.hash(asked.password)
            if stored and self.hasher.outdated(stored)
            else None
        )
        user = account.info

        def unit(tx: Tx) -> tuple[str, str] | None:
            now = people.by_id(tx, user.user_id)
            if now is None or now.disabled or now.password_hash != stored:
                return None
            if fresh:
                people.set_password(tx, user.user_id, fresh)
            return sessions.begin(tx, user.user_id, client, self._config.refresh_days)

        begun = await self._db.write(unit)
        if begun is None:
            # The password was changed while this one was looked at; it has ended with the sessions.
            return await self.login(asked, address, client)
        return self._tokens(user, *begun)

    async def refresh(self, token: str) -> Tokens:
        """Change a refresh token; raises `Refused`: token_invalid, session_revoked, …."""
        done = await self._db.write(
            lambda tx: sessions.rotate(tx, token, self._config.refresh_days)
        )
        if isinstance(done, Refused):
            raise done
        return self._tokens(*done)

    def _check_failures(self, key: tuple[str, str]) -> None:
        """Raise `Refused` (rate_limited): many passwords for one name, or many names."""
        self._failures.check(key)
        self._address_failures.check(key[1])

    async def _matches(self, stored: str | None, password: str, key: tuple[str, str]) -> bool:
        """Whether it is the password; a failure is counted before the next one is looked at."""
        if await self.hasher.verify(stored, password, lambda: self._check_failures(key)):
            return True
        self.count_failure(*key)
        if self.tell_failed is not None:
            self.tell_failed(*key)
        return False

    def count_failure(self, look: str, address: str) -> None:
        """A sign-in in vain, here or on another server; `look` is the name's skeleton."""
        self._failures.failed((look, address))
        self._address_failures.failed(address)

    def _tokens(self, user: UserInfo, session_id: str, refresh: str) -> Tokens:
        access, expires_at = self._signer.make(user.user_id, session_id)
        self.handed_out += 1
        return Tokens(access_token=access, refresh_token=refresh, expires_at=expires_at, user=user)

    async def check(self, token: str) -> Grant:
        """Whom an access token or personal token belongs to.

        Raises `Refused`: token_invalid, token_expired, session_revoked.
        """
        if token.startswith(sessions.PERSONAL_PREFIX):
            found = await self._db.read(lambda tx: sessions.check_personal(tx, token))
            if isinstance(found, Refused):
                raise found
            return found
        provider = self._config.outside
        if provider is not None and outside.issued_by(token, provider):
            return await self._check_outside(outside.verify(token, provider))
        claims = self._signer.verify(token)
        found = await self._db.read(lambda tx: sessions.check(tx, claims.session_id))
        if isinstance(found, Refused):
            raise found
        if found.user.user_id != claims.user_id:
            raise Refused(Code.TOKEN_INVALID, "The token is not valid.")
        return Grant(found.user, found.session_id, claims.expires_at)

    async def _check_outside(self, claims: OutsideClaims) -> Grant:
        """The account of an outside identity, made when it is first seen."""
        found = await self._db.read(lambda tx: sessions.check(tx, claims.session_id))
        if isinstance(found, Refused) and found.code is Code.SESSION_REVOKED:
            raise found
        if isinstance(found, Refused) or found.expires_at < claims.expires_at:
            found, _ = await self._db.write(
                lambda tx: self._open_outside(tx, claims),
                lambda made: self._fanout.deliver(made[1]),
            )
        if isinstance(found, Refused):
            raise found
        return Grant(found.user, found.session_id, claims.expires_at)

    def _open_outside(
        self, tx: Tx, claims: OutsideClaims
    ) -> tuple[Grant | Refused, tuple[Delivery, ...]]:
        person = identities.known(tx, claims.issuer, claims.subject)
        follows: tuple[Delivery, ...] = ()
        if person is None:
            person = identities.add(tx, claims.issuer, claims.subject, claims.wanted_name)
            follows = service_rooms.welcome(tx, person, self._config.greeter)
        identities.open_session(
            tx, person.user_id, claims.session_id, client_label(claims.issuer), claims.expires_at
        )
        return sessions.check(tx, claims.session_id), follows

    async def end_session(self, actor: Actor, session_id: str) -> None:
        """End one session or personal token of the actor's; its connections close."""
        user_id = actor.user_id

        def unit(tx: Tx) -> Outcome:
            sessions.revoke(tx, user_id, session_id)
            return Outcome(deliveries=(EndSessions(user_id, session_id),))

        await self._db.write(unit, self._fanout.settle)

    async def change_password(self, actor: Actor, asked: PasswordRequest, address: str) -> None:
        """Change the password; every other session ends.

        Raises `Refused`: bad_credentials, rate_limited, password_weak, busy.
        """
        key = (skeleton(actor.user.name), address)
        self._check_failures(key)
        account = await self._db.read(lambda tx: people.by_id(tx, actor.user_id))
        stored = account.password_hash if account else None
        if not await self._matches(stored, asked.current_password, key):
            raise Refused(
                Code.BAD_CREDENTIALS, "The current password is wrong.", field="currentPassword"
            )
        hashed = await self.hasher.hash(asked.new_password)
        user_id, keep = actor.user_id, actor.session_id

        def unit(tx: Tx) -> Outcome:
            people.set_password(tx, user_id, hashed)
            sessions.revoke(tx, user_id, keep=keep)
            return Outcome()

        await self._db.write(unit)
        await self.recheck(user_id)
        if self._fanout.elsewhere:
            self._fanout.elsewhere.revoked()

    async def recheck(self, user_id: str, session_id: str | None = None) -> None:
        """Close a user's connections whose session or personal token the store refuses.

        session_id: look at the connections of that one only.
        """
        live = {connection.actor.session_id for connection in self._fanout.of_user(user_id)}
        asked = live if session_id is None else live & {session_id}
        if not asked:
            return
        ended = await self._db.read(
            lambda tx: [one for one in asked if isinstance(sessions.check_id(tx, one), Refused)]
        )
        for one in ended:
            self._fanout.end_sessions(user_id, one)

    async def make_token(self, actor: Actor, asked: TokenRequest) -> PersonalToken:
        """Make a personal token."""
        days = asked.expires_in_days or TOKEN_DAYS
        return await self._db.write(
            lambda tx: sessions.add_personal(tx, actor.user_id, asked.name, days)
        )

    async def ensure_bot(self, name: str, display_name: str) -> str:
        """Make sure that a bot has an account; returns a fresh personal token for it.

        Earlier tokens of the same purpose end.
        """

        def unit(tx: Tx) -> tuple[str, tuple[Delivery, ...]]:
            account = people.by_name(tx, name)
            follows: tuple[Delivery, ...] = ()
            if account is None:
                bot = people.add_person(tx, name, None, bot=True, display_name=display_name)
                follows = service_rooms.welcome(tx, bot, "")
                if name == self._config.greeter:
                    follows += service_rooms.introduce(tx, bot)
            elif account.info.bot:
                bot = account.info
            else:
                raise Refused(Code.NAME_TAKEN, "A person has the bot's name.")
            sessions.revoke_all(tx, bot.user_id)
            made = sessions.add_personal(tx, bot.user_id, "server", BOT_TOKEN_DAYS)
            return str(made.token), follows

        token, _ = await self._db.write(unit, lambda made: self._fanout.deliver(made[1]))
        return token


def client_label(agent: str) -> str:
    """How a session is listed: the program that made it."""
    return "".join(char for char in agent if char.isprintable())[:128] or sys.platform
