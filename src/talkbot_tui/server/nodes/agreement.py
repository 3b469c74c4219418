"""What servers must agree on before they work together: the time, and how they talk."""

from __future__ import annotations

import logging

from talkbot_tui.server.ids import now_ms
from talkbot_tui.server.nodes.bus import Bus, NoBus
from talkbot_tui.server.nodes.place import BusProblem, RedisPlace
from talkbot_tui.server.storage import nodes
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.faults import StoreProblem
from talkbot_tui.wire.errors import Refused

log = logging.getLogger("talkbot.server")

SKEW_MS = 30_000
"""Tokens live for minutes: with more than this one server would refuse another's."""

NOTICED_MS = 2_000


def agree_on_time(database: Database) -> None:
    """Make sure that this machine's clock is about the database's; blocks.

    Raises `StoreProblem`.
    """
    try:
        before = now_ms()
        there = database.ask(nodes.clock)
        after = now_ms()
    except Refused as error:
        raise StoreProblem(f"the database does not answer: {error.message}") from None
    # Whatever the way there took is no skew.
    skew = before - there if there < before else min(0, after - there)
    if abs(skew) > SKEW_MS:
        ahead = "ahead of" if skew > 0 else "behind"
        raise StoreProblem(
            f"this machine's clock is {abs(skew) // 1000} s {ahead} the database's; set both by "
            "NTP, or sign-ins made on one server will not count on another"
        )
    if abs(skew) > NOTICED_MS:
        log.warning("this machine's clock differs by %.1f s from the database's", skew / 1000)


def bus_of(place: RedisPlace | None) -> Bus:
    """The bus that is configured.

    Raises `BusProblem`: it needs what is not installed.
    """
    if place is None:
        return NoBus()
    try:
        from talkbot_tui.server.nodes.redis_bus import RedisBus
    except ImportError:
        raise BusProblem(
            "TALKBOT_REDIS_URL: there is no driver for it here; pip install 'talkbot-tui[redis]'"
        ) from None
    return RedisBus(place)
