"""Starts the workers, shares executions and time out among them, and reads what they did."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.seeds import write_seeds
from tests.fuzz.targets import TARGETS

INPUT_SECONDS = 20
"""A single input that takes longer is a finding."""

MEMORY_MB = 1024
START_SECONDS = 120.0
_DONE = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVER = re.compile(r"cov: (\d+) ft: (\d+)")


@dataclass(frozen=True)
class Run:
    """What one worker did. `code` is its exit code; a finding is no error of its own."""

    name: str
    asked: int
    done: int
    seconds: float
    cover: str
    findings: tuple[Path, ...]
    code: int
    log: str

    def __str__(self) -> str:
        speed = self.done / self.seconds if self.seconds else 0.0
        return (
            f"{self.name:10} {self.done:>10} of {self.asked:>10} in {self.seconds:6.1f} s,"
            f" {speed:7.0f}/s, covers {self.cover}, {len(self.findings)} findings"
        )


class Runner:
    """Runs targets; everything temporary lies in `work`."""

    def __init__(self, work: Path, failed: Path, keep: Path | None, seed: int) -> None:
        self._work = work
        self._failed = failed
        self._keep = keep
        self._seed = seed
        self._lock = threading.Lock()

    def all(self, names: Sequence[str], runs: int, seconds: float, jobs: int) -> list[Run]:
        """Each target once, several at a time; those that come late get what time is left."""
        ends = time.monotonic() + seconds
        shares = sum(TARGETS[name].share for name in names)
        waiting = len(names)

        def one(name: str) -> Run:
            nonlocal waiting
            with self._lock:
                left = ends - time.monotonic()
                patience = max(2.0, min(left, left * jobs / waiting)) if seconds else 0.0
                waiting -= 1
            run = self.one(name, runs * TARGETS[name].share // shares, patience)
            print(run, flush=True)
            return run

        # The rare ones are rare since each of their executions takes long: they need the time.
        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(one, sorted(names, key=lambda name: TARGETS[name].share)))

    def one(self, name: str, runs: int, seconds: float) -> Run:
        """One target in a process of its own, at most so long; 0 seconds for no limit."""
        target = TARGETS.get(name)
        folder = self._work / name
        grown = (self._keep or self._work) / f"{name}-corpus"
        grown.mkdir(parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        options = [
            f"-runs={max(1, runs)}",
            f"-max_total_time={int(seconds)}",
            f"-max_len={target.longest if target else 16}",
            f"-seed={self._seed}",
            f"-timeout={INPUT_SECONDS}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-artifact_prefix={folder}/found-",
            "-print_final_stats=1",
            "-reload=0",
            str(grown),
        ]
        if target:
            write_seeds(name, folder / "seeds")
            options.append(str(folder / "seeds"))
        log = folder / "log"
        began = time.monotonic()
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.worker", name, *options],
                stdout=out,
                stderr=subprocess.STDOUT,
                # A worker ends without its exit handlers: its files go with our folder.
                env={**os.environ, "TMPDIR": str(folder)},
            )
            code = process.wait(seconds + START_SECONDS if seconds else None)
        spent = time.monotonic() - began
        text = log.read_text(encoding="utf-8", errors="replace")
        done = _DONE.findall(text)
        cover = _COVER.findall(text)
        findings = [self._saved(name, found) for found in sorted(folder.glob("found-*"))]
        return Run(
            name,
            runs,
            int(done[-1]) if done else 0,
            spent,
            " / ".join(cover[-1]) if cover else "nothing",
            tuple(findings),
            code,
            "" if code == 0 else text[-3000:],
        )

    def _saved(self, name: str, found: Path) -> Path:
        if name not in TARGETS:
            return found
        self._failed.mkdir(exist_ok=True)
        place = self._failed / f"{name}-{found.name.removeprefix('found-')}"
        place.write_bytes(found.read_bytes())
        return place
