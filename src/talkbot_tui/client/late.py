"""The network's libraries come late: in a thread, when the first connection is wanted.

They take longer to import than everything else together (some 180 modules), and a
screen that shows what the cache holds needs none of them.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

from talkbot_tui.client.transport import Connector, TokenSource, Transport

SWITCH_S = 0.001
"""While the thread imports, whoever answers keys waits no longer than this for its turn."""

_one_at_a_time = threading.Lock()


UNUSED = ("redis", "valkey")
"""What the Socket.IO library imports for servers of several nodes, where it is installed."""


async def module(name: str, *, without: Sequence[str] = ()) -> ModuleType:
    """The module of that name, imported in a thread where that was not done yet.

    without: modules that are not to be had meanwhile; for what can do without them.
    """
    known = sys.modules.get(name)
    if known is not None and not getattr(known.__spec__, "_initializing", False):
        return known
    return await asyncio.to_thread(_import, name, without)


def _import(name: str, without: Sequence[str]) -> ModuleType:
    with _one_at_a_time, _hidden(without):
        usual, collects = sys.getswitchinterval(), gc.isenabled()
        sys.setswitchinterval(SWITCH_S)
        # Nothing that a module makes is garbage: looking for some would double the time.
        gc.disable()
        try:
            return importlib.import_module(name)
        finally:
            sys.setswitchinterval(usual)
            if collects:
                gc.freeze()
                gc.enable()


@contextmanager
def _hidden(names: Sequence[str]) -> Iterator[None]:
    """These cannot be imported, unless they have been."""
    hidden = [name for name in names if name not in sys.modules]
    # The way of the import system's documentation: None raises ModuleNotFoundError.
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]  # it may be
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


class LateConnector:
    """A connector that is made when it is first used, and not before `begin` is set."""

    def __init__(
        self,
        begin: asyncio.Event | None,
        tokens: TokenSource,
        make: Callable[[ModuleType], Connector],
        name: str = "talkbot_tui.client.connector",
    ) -> None:
        """`make` is given the module of that name.

        begin: None where the process is not an app's alone, and may begin at once.
        """
        self._begin = begin
        self._tokens = tokens
        self._make = make
        self._name = name
        self._made: Connector | None = None

    @property
    def tokens(self) -> TokenSource:
        """Where this connector takes its tokens from."""
        return self._tokens

    async def connect(self) -> Transport:
        """As the connector that is made does."""
        if self._made is None:
            if self._begin is not None:
                await self._begin.wait()
            without = UNUSED if self._begin is not None else ()
            self._made = self._make(await module(self._name, without=without))
        return await self._made.connect()
