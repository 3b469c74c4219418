"""`admin`: accounts and invites, on the server's store, also while it runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from talkbot_tui import i18n
from talkbot_tui.cli import exit_codes, migrate_store, server_settings, wording
from talkbot_tui.cli.problems import Problem
from talkbot_tui.cli.serve import BOT, server_folder

if TYPE_CHECKING:
    from talkbot_tui.server.config import ServerConfig
    from talkbot_tui.server.storage.tx import Tx

T = TypeVar("T")

_ = i18n.Domain("cli")

HELP = i18n.N_("manage a server's accounts and invites")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`user add|passwd|disable NAME`, `invite add`, keys and `migrate-store`."""
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--data-dir", type=Path, metavar="DIR", help=_("folder of the database"))
    parts = parser.add_subparsers(
        dest="part", required=True, metavar="user|invite|rotate-key|adopt-key|migrate-store"
    )
    user = parts.add_parser("user", help=_("accounts"))
    actions = user.add_subparsers(dest="action", required=True, metavar="add|passwd|disable")
    for name, help_text in (
        ("add", _("make an account")),
        ("passwd", _("set a password; every session ends")),
        ("disable", _("close an account; every session ends")),
    ):
        action = actions.add_parser(name, help=help_text, parents=[where])
        action.add_argument("name", metavar="NAME")
        if name != "disable":
            action.add_argument(
                "--password-stdin",
                action="store_true",
                required=True,
                help=_("read the password from standard input"),
            )
    invite = parts.add_parser("invite", help=_("invites"))
    invites = invite.add_subparsers(dest="action", required=True, metavar="add")
    add = invites.add_parser("add", help=_("make an invite and print it"), parents=[where])
    add.add_argument("--uses", type=_count, default=1, metavar="N", help=_("how many people"))
    add.add_argument("--days", type=_count, default=7, metavar="N", help=_("how long it is valid"))
    parts.add_parser("rotate-key", help=_("make another signing key"), parents=[where])
    parts.add_parser(
        "adopt-key", help=_("make this node's signing key the database's"), parents=[where]
    )
    migrate_store.add_arguments(
        parts.add_parser("migrate-store", help=_("move a server from SQLite to PostgreSQL"))
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(_("must be a number from 1 up"))
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Carry it out; prints one line."""
    from talkbot_tui.server.config import ServerConfig
    from talkbot_tui.server.storage.database import FILE

    sources = server_settings.load()
    if args.part == "migrate-store":
        return migrate_store.run(args.source, args.target, sources)
    config = ServerConfig(
        data_dir=server_folder(args.data_dir),
        language=i18n.language(),
        **server_settings.database(os.environ, sources),
    )
    first = args.part == "user" and args.action == "add"
    if not first and not config.database_url and not (config.data_dir / FILE).exists():
        # A slip in the folder's name would make a server that nobody runs.
        text = _("{folder}: there is no server's data; start it there first: talkbot-tui serve")
        raise Problem(text.format(folder=config.data_dir), exit_codes.STORE)
    if args.part == "rotate-key":
        return _rotate_key(config)
    if args.part == "adopt-key":
        return _adopt_key(config)
    if args.part == "invite":
        return _add_invite(config, args)
    if args.action == "add":
        return _add_user(config, args.name)
    if args.action == "passwd":
        return _set_password(config, args.name)
    return _disable(config, args.name)


def _add_user(config: ServerConfig, name: str) -> int:
    from talkbot_tui.server import service_rooms
    from talkbot_tui.server.storage import people

    hashed = _hash(config)

    def unit(tx: Tx) -> str:
        service_rooms.prepare(tx, config)
        person = people.add_person(tx, name, hashed)
        service_rooms.welcome(tx, person, BOT)
        return person.name

    made = _write(config, unit)
    print(_("account {name} made").format(name=made))
    return exit_codes.OK


def _set_password(config: ServerConfig, name: str) -> int:
    from talkbot_tui.server.storage import people, sessions

    hashed = _hash(config)

    def unit(tx: Tx) -> bool:
        account = people.by_name(tx, name)
        if account is None:
            return False
        people.set_password(tx, account.info.user_id, hashed)
        sessions.revoke_all(tx, account.info.user_id)
        return True

    return _told(_write(config, unit), name, _("password of {name} set").format(name=name))


def _disable(config: ServerConfig, name: str) -> int:
    from talkbot_tui.server.storage import people, sessions

    def unit(tx: Tx) -> bool:
        account = people.by_name(tx, name)
        if account is None:
            return False
        people.disable(tx, account.info.user_id)
        sessions.revoke_all(tx, account.info.user_id)
        return True

    return _told(_write(config, unit), name, _("account {name} disabled").format(name=name))


def _add_invite(config: ServerConfig, args: argparse.Namespace) -> int:
    from talkbot_tui.server.storage import sessions

    print(_write(config, lambda tx: sessions.add_invite(tx, args.uses, args.days)))
    return exit_codes.OK


def _rotate_key(config: ServerConfig) -> int:
    from talkbot_tui.server.tokens import rotate_key

    for name in ("TALKBOT_SECRET", "TALKBOT_SECRET_FILE"):
        if os.environ.get(name):
            text = _("{name} holds the key; change it there, and keep the old one in {previous}")
            told = text.format(name=name, previous="TALKBOT_SECRET_PREVIOUS")
            raise Problem(told, exit_codes.USAGE)
    try:
        path = rotate_key(config.data_dir)
    except OSError as error:
        raise Problem(f"{error.filename}: {error.strerror}", exit_codes.STORE) from None
    print(_("{path} is new; restart the server, nobody is signed out").format(path=path))
    return exit_codes.OK


def _adopt_key(config: ServerConfig) -> int:
    from talkbot_tui.server.key_agreement import adopt_key
    from talkbot_tui.server.tokens import Signer, load_key

    if not config.database_url:
        raise Problem(_("the key of a server on SQLite is its own"), exit_codes.USAGE)
    try:
        signer = Signer(load_key(config.data_dir), config.access_seconds)
    except ValueError as error:
        raise Problem(str(error), exit_codes.USAGE) from None
    except OSError as error:
        raise Problem(f"{error.filename}: {error.strerror}", exit_codes.STORE) from None
    _write(config, lambda tx: adopt_key(tx, signer.fingerprints[0]))
    print(_("this key counts; restart every server that has another"))
    return exit_codes.OK


def _told(found: bool, name: str, text: str) -> int:
    if not found:
        raise Problem(_("no account is called {name}").format(name=name), exit_codes.NOT_FOUND)
    print(text)
    return exit_codes.OK


def _hash(config: ServerConfig) -> str:
    from talkbot_tui.server.passwords import Hasher
    from talkbot_tui.wire.errors import Refused

    password = sys.stdin.readline().rstrip("\r\n")
    hasher = Hasher(config.password_memory_kib, config.password_rounds)
    try:
        return hasher.hash_now(password)
    except Refused as error:
        told = wording.refused(error.code, error.message, _place(config))
        raise Problem(str(told), exit_codes.USAGE) from None
    finally:
        hasher.close()


def _write(config: ServerConfig, unit: Callable[[Tx], T]) -> T:
    """Run a unit in the store, whether a server runs on it or not."""
    from talkbot_tui.server.storage.database import StoreProblem, open_database
    from talkbot_tui.wire.errors import Refused

    try:
        database = open_database(config.data_dir, config.database_url, config.database)
    except StoreProblem as problem:
        raise Problem(str(problem), exit_codes.STORE) from None
    try:
        result: T | Exception = database.append([unit])[0]
    finally:
        database.close()
    if isinstance(result, Refused):
        raise wording.refused(result.code, result.message, _place(config))
    if isinstance(result, Exception):
        raise Problem(f"{_place(config)}: {result}", exit_codes.STORE)
    return result


def _place(config: ServerConfig) -> str:
    return config.database_told or str(config.data_dir)
