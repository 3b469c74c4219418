"""Reading a dialect's file; each mistake is told with file, line and key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from talkbot_tui.client.dialects import paths
from talkbot_tui.client.dialects.declared import (
    DIRECT,
    KINDS,
    MODES,
    OPENING,
    SENDING,
    STANDING,
    Ack,
    Connect,
    Declared,
    Emit,
    Receive,
    Send,
    Session,
    Step,
)
from talkbot_tui.client.dialects.document import Document, Table
from talkbot_tui.client.dialects.paths import BadExpression, Path, Reading, Template

VERSION = 1
T = TypeVar("T")


def parse(text: str, name: str) -> Declared:
    """The dialect in `text`; `name` is the file's. Raises `DialectError`."""
    top = Document(text, name).top
    version = top.value("dialect")
    if version != VERSION or isinstance(version, bool):
        raise top.wrong("dialect", f"must be {VERSION}, the version of this language")
    own, by_text = _own(top.table("me"))
    mode, room = _rooms(top.table("rooms"))
    typing_start, typing_stop = _typing(top.table("typing"))
    declared = Declared(
        name=top.text("name"),
        about=top.text("about", ""),
        connect=_connect(top.table("connect")),
        session=_session(top.table("session")),
        own=own,
        own_by_text=by_text,
        mode=mode,
        room=room,
        login=_step(top.table("login")),
        join=_step(top.table("join")),
        leave=_emit(top.table("leave"), STANDING),
        send=_public(top),
        direct=_send(top.table("direct"), DIRECT),
        typing_start=typing_start,
        typing_stop=typing_stop,
        ping=_emit(top.table("ping"), SENDING),
        receive=_receives(top),
    )
    top.done()
    _check_direct(top, declared)
    if declared.mode != "single" and declared.join is None:
        raise top.wrong("", 'join is missing; without rooms, write mode = "single" in [rooms]')
    return declared


def _check_direct(top: Table, declared: Declared) -> None:
    heard = any(r.kind == "direct" for rules in declared.receive.values() for r in rules)
    if heard and declared.direct is None:
        raise top.wrong("", "direct is missing; without it a direct message cannot be answered")


def _read(table: Table, name: str, make: Callable[[Any], T]) -> T:
    """What is made of the value at `name`; a mistake in it is told with its place."""
    try:
        return make(table.value(name))
    except BadExpression as error:
        raise table.wrong(name, str(error)) from None


def _path(table: Table, name: str) -> Path | None:
    if name not in table:
        table.value(name)
        return None
    written = table.text(name)
    return _read(table, name, lambda _value: paths.path(written))


def _template(table: Table, name: str, allowed: frozenset[str]) -> Template:
    """A table whose texts are templates."""
    if not isinstance(table.value(name) or {}, dict):
        raise table.wrong(name, "must be a table")
    return _read(table, name, lambda value: paths.template(value or {}, allowed))


def _connect(table: Table | None) -> Connect:
    if table is None:
        return Connect()
    namespace = table.text("namespace", "/")
    if not namespace.startswith("/") or "," in namespace:
        raise table.wrong("namespace", "begins with / and has no comma")
    path = table.text("path", "/socket.io")
    if not path.startswith("/"):
        raise table.wrong("path", "begins with /")
    auth = _read(table, "auth", lambda v: None if v is None else paths.template(v, OPENING))
    for name in ("headers", "query", "cookies"):
        table.texts(name)
    made = Connect(
        namespace,
        path,
        auth,
        _template(table, "headers", OPENING),
        _template(table, "query", OPENING),
        _template(table, "cookies", OPENING),
    )
    table.done()
    return made


def _session(table: Table | None) -> Session | None:
    if table is None:
        return None
    where = table.text("id")
    made = Session(table.text("event"), _read(table, "id", lambda _value: paths.path(where)))
    table.done()
    return made


def _own(table: Table | None) -> tuple[Reading, bool]:
    if table is None:
        return paths.reading("{me}", STANDING), False
    by_text = table.flag("by_text")
    if "is" not in table and not by_text:
        raise table.wrong("", "is is missing")
    written = table.value("is")
    ways = () if written is None else _read(table, "is", lambda v: paths.reading(v, STANDING))
    if any(isinstance(way, Path) for way in ways):
        raise table.wrong("is", "cannot be a path; it is {me}, {sid} or a text")
    table.done()
    return ways, by_text


def _rooms(table: Table | None) -> tuple[str, str]:
    if table is None:
        return "one", ""
    made = table.choice("mode", MODES, "one"), table.text("default", "")
    table.done()
    return made


def _emit(table: Table | None, allowed: frozenset[str]) -> Emit | None:
    if table is None:
        return None
    made = _emit_in(table, allowed)
    table.done()
    return made


def _emit_in(table: Table, allowed: frozenset[str]) -> Emit:
    event = table.text("emit")
    if not isinstance(table.value("args") or [], list):
        raise table.wrong("args", "must be a list, with one element for each argument")

    def make(value: Any) -> tuple[Template, ...]:
        return tuple(paths.template(argument, allowed) for argument in value or [])

    return Emit(event, _read(table, "args", make))


def _ack(table: Table | None) -> Ack | None:
    if table is None:
        return None
    made = Ack(*(_path(table, name) for name in ("ok", "error", "id", "time")))
    table.done()
    return made


def _step(table: Table | None) -> Step | None:
    if table is None:
        return None
    made = Step(
        _emit_in(table, STANDING),
        table.text("answer", ""),
        table.text("refused", ""),
        _ack(table.table("ack")),
        table.flag("needed", default=True),
    )
    table.done()
    if made.answer and made.ack:
        raise table.wrong("answer", "there is an ack already; one of them tells that it is done")
    return made


def _public(top: Table) -> Send:
    send = _send(top.table("send"), SENDING)
    if send is None:
        raise top.wrong("", "send is missing")
    return send


def _send(table: Table | None, allowed: frozenset[str]) -> Send | None:
    if table is None:
        return None
    made = Send(
        _emit_in(table, allowed),
        _ack(table.table("ack")),
        table.flag("echo"),
        table.flag("once_per_id"),
    )
    table.done()
    if made.once_per_id and not any("id" in a.names for a in made.emit.arguments):
        raise table.wrong("once_per_id", "needs {id} in args, or the server cannot know it again")
    if made.once_per_id and made.ack is None:
        raise table.wrong("once_per_id", "needs an ack, or nobody knows what to send again")
    return made


def _typing(table: Table | None) -> tuple[Emit | None, Emit | None]:
    if table is None:
        return None, None
    made = _emit(table.table("start"), STANDING), _emit(table.table("stop"), STANDING)
    table.done()
    return made


def _receives(top: Table) -> dict[str, tuple[Receive, ...]]:
    found: dict[str, tuple[Receive, ...]] = {}
    for table in top.tables("receive"):
        receive = _receive(table)
        found[receive.event] = (*found.get(receive.event, ()), receive)
    if not any(r.kind == "message" for several in found.values() for r in several):
        raise top.wrong("receive", "no event is a message, so nothing would be shown")
    return found


def _receive(table: Table) -> Receive:
    event = table.text("event")
    kind = table.choice("is", tuple(KINDS))
    needed, possible = KINDS[kind]
    made = {}
    for name in sorted(needed | possible):
        if name in table:
            made[name] = _reading(table, name)
        else:
            table.value(name)
            if name in needed:
                raise table.wrong("", f"{name} is missing; {kind} needs it")
    receive = Receive(event, kind, made, _when(table))
    table.done()
    listed = "list" in needed
    for name, ways in made.items():
        elements = any(isinstance(way, Path) and way.argument < 0 for way in ways)
        if elements and (not listed or name == "list"):
            raise table.wrong(name, "@ is an element of a list, and there is none here")
    return receive


def _reading(table: Table, name: str) -> Reading:
    return _read(table, name, lambda value: paths.reading(value, STANDING))


def _when(table: Table) -> tuple[tuple[Path, object], ...]:
    if not isinstance(table.value("when") or {}, dict):
        raise table.wrong("when", "must be a table: { '$.type' = \"chat\" }")

    def make(value: Any) -> tuple[tuple[Path, object], ...]:
        return tuple((paths.path(where), wanted) for where, wanted in (value or {}).items())

    return _read(table, "when", make)
