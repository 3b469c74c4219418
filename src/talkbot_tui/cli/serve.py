"""`serve`: the server, and TalkBot in the same process as an ordinary client of it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talkbot_tui import i18n, paths
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.argument_types import seconds
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.server.app import RunningServer
    from talkbot_tui.server.config import ServerConfig
    from talkbot_tui.server.outside import OutsideProvider

_ = i18n.Domain("cli")

HELP = i18n.N_("run a server")
BOT = "talkbot"
BOT_DISPLAY_NAME = "TalkBot"
FIRST_VISIT_SECONDS = 60.0
LEVELS = ("debug", "info", "warning", "error")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where it listens, where it keeps its data, and whom it takes."""
    parser.usage = f"{parser.prog} [options]"
    parser.add_argument("--host", default="127.0.0.1", help=_("address to listen on"))
    parser.add_argument("--port", type=_port, default=3000, help=_("port; 0 takes a free one"))
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help=_("folder of the database"))
    parser.add_argument(
        "--default-channel", default="", metavar="NAME", help=_("the channel everybody is in")
    )
    parser.add_argument(
        "--registration",
        choices=("open", "invite", "closed"),
        default="open",
        help=_("who may make an account"),
    )
    parser.add_argument(
        "--tls", nargs="+", type=Path, metavar=("CERT", "KEY"), help=_("speak TLS (PEM files)")
    )
    parser.add_argument("--no-bot", action="store_true", help=_("without TalkBot"))
    parser.add_argument(
        "--exit-when-idle",
        type=seconds,
        metavar="SECONDS",
        help=_("end so long after the last person has left"),
    )
    # For `demo` alone: the folder that goes when the server does, and no other store than in it.
    parser.add_argument("--remove-at-end", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--own-file", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "--messages-per-minute",
        type=_positive,
        default=100,
        metavar="N",
        help=_("how many messages a person may send, in the long run"),
    )
    parser.add_argument(
        "--message-burst",
        type=_positive,
        default=20,
        metavar="N",
        help=_("how many of them at once"),
    )
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=N",
        help=_("another limit (docs/operations.md)"),
    )
    parser.add_argument("--log-level", choices=LEVELS, default="warning", help=_("what to log"))


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(_("a port is a number from 0 to 65535"))
    return int(text)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(_("a number from 1"))
    return int(text)


def server_folder(given: Path | None) -> Path:
    """The folder of the server's data; `--data-dir` names another."""
    return given if given is not None else paths.data_folder() / "server"


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM, SIGINT, or until idle."""
    import asyncio

    from talkbot_tui import logs
    from talkbot_tui.cli import serve_limits, server_settings
    from talkbot_tui.server.config import ServerConfig
    from talkbot_tui.wire.acks import Limits

    logs.configure(args.log_level)
    # A demo's store is its own, whatever the environment names.
    sources = {} if args.own_file else server_settings.load()
    store = {} if args.own_file else server_settings.database(os.environ, sources)
    certificate, key = _tls_files(args.tls)
    limits: dict[str, Any] = serve_limits.read(args.limit)
    config = ServerConfig(
        data_dir=server_folder(args.data_dir),
        host=args.host,
        port=args.port,
        default_channel=args.default_channel,
        language=i18n.language(),
        registration=args.registration,
        outside=_outside(),
        tls_certificate=certificate,
        tls_key=key,
        origins=_listed("TALKBOT_ORIGINS"),
        trusted_proxies=_listed("TALKBOT_TRUSTED_PROXIES"),
        greeter="" if args.no_bot else BOT,
        limits=Limits(
            message_burst=args.message_burst, messages_per_minute=args.messages_per_minute
        ),
        **limits,
        **store,
    )
    try:
        return asyncio.run(_serve(config, args))
    finally:
        if args.remove_at_end is not None:
            shutil.rmtree(args.remove_at_end, ignore_errors=True)


def _tls_files(given: list[Path] | None) -> tuple[Path | None, Path | None]:
    """Certificate and key: the option's, else what the environment names."""
    named = (os.environ.get("TALKBOT_TLS_CERT", ""), os.environ.get("TALKBOT_TLS_KEY", ""))
    files = given or [Path(name) for name in named if name]
    if len(files) > 2:
        raise Problem(_("--tls takes a certificate and a key"), exit_codes.USAGE)
    if not given and named[1] and not named[0]:
        raise Problem(_("TALKBOT_TLS_KEY needs TALKBOT_TLS_CERT"), exit_codes.USAGE)
    return (*files, None, None)[:2]  # type: ignore[return-value]  # two of them, by the slice


def _outside() -> OutsideProvider | None:
    """The identity provider that the environment names; all of its three settings, or none."""
    from talkbot_tui.server.outside import OutsideProvider
    from talkbot_tui.server.outside_keys import key_file

    needed = ("TALKBOT_OIDC_ISSUER", "TALKBOT_OIDC_AUDIENCE", "TALKBOT_OIDC_KEYS")
    issuer, audience, keys = (os.environ.get(name, "").strip() for name in needed)
    if not issuer and not audience and not keys:
        return None
    for name, value in zip(needed, (issuer, audience, keys), strict=True):
        if not value:
            others = ", ".join(other for other in needed if other != name)
            raise Problem(
                _("{name} is missing; {others} need it").format(name=name, others=others),
                exit_codes.USAGE,
            )
    try:
        found = key_file(keys)
    except ValueError as error:
        raise Problem(f"TALKBOT_OIDC_KEYS: {error}", exit_codes.USAGE) from None
    claim = os.environ.get("TALKBOT_OIDC_NAME_CLAIM", "").strip()
    return OutsideProvider(issuer, audience, found, claim or "preferred_username")


def _listed(name: str) -> tuple[str, ...]:
    """What an environment variable lists, parted by commas."""
    return tuple(part.strip() for part in os.environ.get(name, "").split(",") if part.strip())


async def _serve(config: ServerConfig, args: argparse.Namespace) -> int:
    import asyncio
    import signal

    from talkbot_tui.cli import bot_turn
    from talkbot_tui.core.text import escaped

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = await _start(config)
    bots: Any = None
    try:
        if not args.no_bot and server.nodes is None:
            bots = await _start_bots(server)
        elif not args.no_bot and server.nodes is not None:
            bots = bot_turn.BotTurn(server.nodes.turn(BOT), lambda: _start_bots(server))
            await bots.start()
        if config.database_told:
            told = _("the store is PostgreSQL: {place}").format(place=config.database_told)
            sys.stderr.write(f"{escaped(told)}\n")
        if config.redis is not None:
            told = _("other servers are told over Redis: {place}").format(place=config.redis.told)
            sys.stderr.write(f"{escaped(told)}\n")
        sys.stderr.flush()
        sys.stdout.write(f"ready {server.url}\n")
        sys.stdout.flush()
        if args.exit_when_idle is None:
            await stopping.wait()
        else:
            await _until_idle(server, stopping, args.exit_when_idle)
    finally:
        if bots is not None:
            await bots.stop()
        await server.stop()
    return exit_codes.OK


async def _start(config: ServerConfig) -> RunningServer:
    from talkbot_tui.server.app import PortTaken, start_server
    from talkbot_tui.server.nodes.place import BusProblem
    from talkbot_tui.server.storage.database import StoreProblem
    from talkbot_tui.wire.errors import RETRYABLE, Refused

    try:
        return await start_server(config)
    except (StoreProblem, BusProblem) as problem:
        raise Problem(str(problem), exit_codes.STORE) from None
    except PortTaken:
        raise Problem(
            _("port {port} is taken; choose another with --port").format(port=config.port),
            exit_codes.PORT_TAKEN,
        ) from None
    except Refused as error:
        if error.code in RETRYABLE:
            raise Problem(error.message, exit_codes.STORE) from None
        raise Problem(f"--default-channel: {error.message}", exit_codes.USAGE) from None
    except ValueError as error:
        raise Problem(str(error), exit_codes.USAGE) from None
    except OSError as error:
        if error.filename:
            raise Problem(f"{error.filename}: {error.strerror}", exit_codes.FAILURE) from None
        text = _("nothing can listen at {host}:{port} ({why}); choose another with --host")
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        told = text.format(host=config.host, port=config.port, why=why or error)
        raise Problem(told, exit_codes.USAGE) from None


async def _start_bots(server: RunningServer) -> Any:
    """TalkBot, connected over loopback like anybody's bot."""
    import importlib
    import logging

    from talkbot_tui.server.bot_shelf import DatabaseShelf
    from talkbot_tui.server.tls import own_context

    token = await server.ensure_bot(BOT, BOT_DISPLAY_NAME)
    try:
        runner = importlib.import_module("talkbot_tui.bots.runner")
        certificate = server.config.tls_certificate
        return await runner.start_bots(
            _loopback(server),
            token,
            server.config.data_dir,
            trusting=own_context(certificate) if certificate else None,
            shelf=DatabaseShelf(server.database) if server.nodes is not None else None,
        )
    except Exception as error:
        # People can talk without it; the log says why it is not there.
        log = logging.getLogger("talkbot.server")
        log.error("TalkBot could not be started: %s", error)
        log.debug("because of", exc_info=error)
        return None


def _loopback(server: RunningServer) -> str:
    """Listening on every address, the bot uses the loopback one."""
    import ipaddress

    try:
        everywhere = ipaddress.ip_address(server.config.host).is_unspecified
    except ValueError:
        everywhere = False
    local = "[::1]" if ":" in server.config.host else "127.0.0.1"
    scheme = server.url.partition(":")[0]
    return f"{scheme}://{local}:{server.port}" if everywhere else server.url


async def _until_idle(server: RunningServer, stopping: Any, seconds: float) -> None:
    """Return on a signal, or when no person was there for `seconds`."""
    import asyncio

    loop = asyncio.get_running_loop()
    visits = 0
    alone_since = loop.time()
    while not stopping.is_set():
        if server.people_online() or server.visits != visits:
            visits = server.visits
            alone_since = loop.time()
        if loop.time() - alone_since > (seconds if visits else max(seconds, FIRST_VISIT_SECONDS)):
            return
        try:
            await asyncio.wait_for(stopping.wait(), 0.25)
        except TimeoutError:
            continue
