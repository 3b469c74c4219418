"""What a database's error means for a transaction, and what its callers are told."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import sqlalchemy as sa

from talkbot_tui.wire.errors import Code, Refused

FULL_MS = 30_000
BUSY_MS = 2_000


class StoreProblem(Exception):
    """The store cannot be used; the text is one complete line."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One error, judged.

    refusal: what a caller is told. lost: the connection is gone, and with it whatever was
    not committed. again: the same may succeed at once. alone: only the unit that met it is
    concerned, its transaction may go on.
    """

    refusal: Exception
    lost: bool = False
    again: bool = False
    alone: bool = False


def of_sqlite(error: Exception) -> Fault:
    """Judge an error of SQLite's, or of the disk."""
    reason = getattr(error, "orig", error)
    name = getattr(reason, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL") or isinstance(reason, OSError):
        return Fault(full())
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR")):
        return Fault(busy())
    if isinstance(reason, sqlite3.OperationalError):
        return Fault(Refused(Code.BUSY, "The store cannot be written now.", retry_after_ms=5_000))
    return Fault(error, alone=True)


# SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
_AGAIN = {"40001", "40P01"}
_RACED = {"23505", "23P01"}
_LATE = {"55P03", "57014"}
_FULL = {"53100"}
_SHUT = {"57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25006"}
"""Ended by the server or its operator; or what was the primary takes no writes any more."""
_SHORT = ("53", "58")


def of_postgres(error: Exception) -> Fault:
    """Judge an error of PostgreSQL's, of its driver, or of the way there."""
    if isinstance(error, (StoreProblem, OSError, sa.exc.TimeoutError)):
        return Fault(busy(), lost=True)
    if not isinstance(error, sa.exc.DBAPIError):
        return Fault(error, alone=True)
    state = getattr(error.orig, "sqlstate", None) or ""
    if error.connection_invalidated or state in _SHUT or state.startswith("08"):
        return Fault(busy(), lost=True)
    if state in _FULL:
        return Fault(full())
    if state in _AGAIN:
        return Fault(busy(), again=True)
    if state in _RACED:
        return Fault(error, again=True, alone=True)
    if state in _LATE:
        return Fault(busy(), alone=True)
    if state.startswith(_SHORT):
        return Fault(busy())
    # Without a code it comes from the driver: it could not connect, or was cut off.
    if not state and isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError)):
        return Fault(busy(), lost=True)
    return Fault(error, alone=True)


def busy() -> Refused:
    """The store does not answer, or is in use; a client tries again."""
    return Refused(Code.BUSY, "The store is busy.", retry_after_ms=BUSY_MS)


def full() -> Refused:
    """There is no room to store anything."""
    return Refused(Code.STORAGE_FULL, "The server's disk is full.", retry_after_ms=FULL_MS)
