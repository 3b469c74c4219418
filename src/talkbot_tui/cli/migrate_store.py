"""`admin migrate-store`: a server's data from SQLite to PostgreSQL, checked row by row."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from talkbot_tui import i18n
from talkbot_tui.cli import exit_codes, server_settings
from talkbot_tui.cli.problems import Problem

_ = i18n.Domain("cli")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """From where to where."""
    parser.add_argument(
        "source", type=Path, metavar="SOURCE", help=_("data folder of the server, or its server.db")
    )
    parser.add_argument(
        "target",
        metavar="TARGET",
        help=_("postgresql://USER:PASSWORD@HOST/DATABASE, or - for what the environment names"),
    )


def run(source: Path, target: str, sources: Mapping[str, str]) -> int:
    """Copy, tell how far it is on standard error, and compare at the end."""
    from talkbot_tui.server.storage.faults import StoreProblem
    from talkbot_tui.server.storage.place import DatabaseOptions, parse, shown
    from talkbot_tui.server.storage.transfer import Progress, transfer

    options = DatabaseOptions()
    if target == "-":
        named = server_settings.database(os.environ, sources)
        target, options = named["database_url"], named["database"]
        if not target:
            text = _("the environment names no database: TALKBOT_DATABASE_URL or PGDATABASE")
            raise Problem(text, exit_codes.USAGE)
    last = ""

    def tell(progress: Progress) -> None:
        nonlocal last
        text = _("{table}: {done} of {total} rows").format(
            table=progress.table, done=progress.done, total=progress.total
        )
        live = sys.stderr.isatty()
        if text != last and (live or progress.done == progress.total):
            sys.stderr.write(f"\r\x1b[K{text}" if live else f"{text}\n")
            if live and progress.done == progress.total:
                sys.stderr.write("\n")
            sys.stderr.flush()
            last = text

    try:
        moved = transfer(source, target, options, tell)
    except StoreProblem as problem:
        raise Problem(str(problem), exit_codes.STORE) from None
    print(
        _("{rows} rows are in {target}, each compared with its source").format(
            rows=moved, target=shown(parse(target))
        )
    )
    return exit_codes.OK
