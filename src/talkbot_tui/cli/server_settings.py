"""What a server's commands are told by the environment and by a file `.env` beside them."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talkbot_tui import i18n
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_ = i18n.Domain("cli")

FILE = ".env"
FILE_BYTES_MAX = 64 * 1024
_OURS = "TALKBOT_"
_LIBRARY = ("PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY")
"""Read by PostgreSQL's client library itself."""


def load(environ: MutableMapping[str, str] = os.environ) -> dict[str, str]:
    """Add to `environ` what the file says and it does not; where each of our settings is from.

    Raises `Problem` for a file that is not to be trusted or that nobody could have meant.
    """
    from talkbot_tui.server.storage.place import FAMILIAR, URL

    def ours(name: str) -> bool:
        return name.startswith(_OURS) or name in FAMILIAR or name in _LIBRARY

    sources = {name: "environment" for name in environ if ours(name)}
    for name, value in _file_settings(Path(FILE)):
        if ours(name) and name not in environ:
            environ[name] = value
            sources[name] = FILE
    if environ.get(URL):
        # The client library would take from them what the address leaves open.
        for name in FAMILIAR:
            environ.pop(name, None)
    return sources


def database(environ: Mapping[str, str], sources: Mapping[str, str]) -> dict[str, Any]:
    """The fields of `ServerConfig` that say which database is used, how, and with whom."""
    from talkbot_tui.server.nodes.place import BusProblem, redis_place
    from talkbot_tui.server.storage.faults import StoreProblem
    from talkbot_tui.server.storage.place import database_options, database_place

    try:
        place = database_place(environ, sources)
        options = database_options(environ)
        redis = redis_place(environ, sources)
    except (StoreProblem, BusProblem) as problem:
        raise Problem(str(problem), exit_codes.STORE) from None
    if redis is not None and not place.url:
        told = _(
            "TALKBOT_REDIS_URL is for several servers on one database: name it in"
            " TALKBOT_DATABASE_URL, or leave Redis out"
        )
        raise Problem(told, exit_codes.USAGE)
    return {
        "database_url": place.url,
        "database_told": place.told,
        "database": options,
        "redis": redis,
    }


def _file_settings(path: Path) -> Iterator[tuple[str, str]]:
    text = _read(path)
    if not text:
        return
    from dotenv.parser import parse_stream

    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            told = _("{file}, line {number}: is no setting; write NAME=VALUE")
            raise Problem(
                told.format(file=path.absolute(), number=binding.original.line), exit_codes.USAGE
            )
        if binding.key is not None and binding.value is not None:
            yield binding.key, binding.value


def _read(path: Path) -> str:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            return ""
        if facts.st_mode & stat.S_IWOTH:
            told = _("{file}: everybody may write to it; chmod o-w")
            raise Problem(told.format(file=path.absolute()), exit_codes.USAGE)
        if facts.st_size > FILE_BYTES_MAX:
            told = _("{file}: is too large for settings")
            raise Problem(told.format(file=path.absolute()), exit_codes.USAGE)
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        told = _("{file}: is not written in UTF-8")
        raise Problem(told.format(file=path.absolute()), exit_codes.USAGE) from None
    except OSError as error:
        raise Problem(f"{path.absolute()}: {error.strerror}", exit_codes.USAGE) from None
