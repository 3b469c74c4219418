"""One target in a process of its own, traced by atheris: `python -m tests.fuzz.worker NAME …`.

What follows the name goes to libFuzzer.
"""

from __future__ import annotations

import sys

import atheris

TRACED = [
    "talkbot_tui",
    "tests.fuzz.draw",
    "tests.fuzz.planted",
    "tomllib",
    "ipaddress",
    "socketio.packet",
    "json",
]


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    name = sys.argv[1]
    # Only what is imported in here is traced.
    with atheris.instrument_imports(include=TRACED):
        from tests.fuzz.targets import PLANTED, TARGETS

        take = (TARGETS.get(name) or PLANTED).take
    atheris.Setup([sys.argv[0], *sys.argv[2:]], take)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
