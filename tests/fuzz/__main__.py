"""Every target in a process of its own: `python -m tests.fuzz --runs 2000000 --jobs 2`.

Exit code 1 where a target has a finding, could not run, or did next to nothing. A finding is
saved; `python -m tests.fuzz --replay TARGET FILE` shows it again, without atheris.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.runner import Run, Runner
from tests.fuzz.seeds import row_of
from tests.fuzz.targets import TARGETS

PLANTED_RUNS = 500_000
LEAST = 0.01
"""Of its share each target must get this much, however slow the machine: else nothing was shown."""


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000, help="executions, shared out")
    parser.add_argument("--seconds", type=float, default=0.0, help="stop then; 0 for never")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, default=1, help="0 for another one each time")
    parser.add_argument("--only", nargs="+", choices=TARGETS, default=list(TARGETS), metavar="NAME")
    parser.add_argument("--keep", type=Path, help="folder of the inputs that led further")
    parser.add_argument("--failed", type=Path, default=Path("fuzz-failed"), help="for findings")
    parser.add_argument("--replay", nargs=2, metavar=("TARGET", "FILE"), help="one input once more")
    asked = parser.parse_args()
    if asked.replay:
        return replay(asked.replay[0], Path(asked.replay[1]))
    if find_spec("atheris") is None:
        version = ".".join(map(str, sys.version_info[:2]))
        print(f"NOT EXECUTED: atheris is not installed; has it a wheel for Python {version} here?")
        return 1
    with tempfile.TemporaryDirectory(prefix="talkbot-fuzz-") as work:
        runner = Runner(Path(work), asked.failed, asked.keep, asked.seed)
        if not runner.one("planted", PLANTED_RUNS, 60).findings:
            print("FAILED: the planted bug was not found; the fuzzer is blind")
            return 1
        return told(runner.all(asked.only, asked.runs, asked.seconds, asked.jobs))


def told(runs: list[Run]) -> int:
    """Print what was done; 1 where something is wrong."""
    wrong = 0
    for run in runs:
        for found in run.findings:
            wrong += 1
            print(
                f"FINDING in {run.name}; replay: python -m tests.fuzz --replay {run.name} {found}"
            )
            print(f"   a row for tests/corpus/fuzz.jsonl: {row_of(run.name, found.read_bytes())}")
        if not run.findings and (run.code or run.done < run.asked * LEAST):
            wrong += 1
            print(f"FAILED: {run.name} did {run.done} of {run.asked}, exit {run.code}\n{run.log}")
    done = sum(run.done for run in runs)
    asked = sum(run.asked for run in runs)
    print(f"{done} executions of {asked} asked for: {wrong} findings or failures", flush=True)
    return 1 if wrong else 0


def replay(name: str, file: Path) -> int:
    """One input, without tracing."""
    try:
        TARGETS[name].take(file.read_bytes())
    except Exception:
        traceback.print_exc()
        return 1
    print("holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
