"""What a function that touches the store is given: a connection and the time."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction. `now` (ms) is the same for everything that it stores."""

    sql: sa.Connection
    now: int
