"""Run a check within its share of the time: prints its seconds, fails when it took too long.

Usage: budget.py NAME SECONDS -- COMMAND [ARG ...]
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time


def main(arguments: list[str]) -> int:
    """Return the command's exit code, or 124 when the budget is used up."""
    name, seconds, dashes, *command = arguments
    if dashes != "--" or not command:
        sys.stderr.write("usage: budget.py NAME SECONDS -- COMMAND [ARG ...]\n")
        return 2
    began = time.monotonic()
    process = subprocess.Popen(command, start_new_session=True)
    try:
        code = process.wait(timeout=float(seconds))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        code = 124
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGINT)
        code = process.wait()
    spent = time.monotonic() - began
    verdict = "over its budget" if code == 124 else f"exit {code}"
    print(f"== {name}: {spent:.1f} s of {float(seconds):.0f} s, {verdict}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
