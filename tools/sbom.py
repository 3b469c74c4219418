"""The bill of materials of what is installed to run, in CycloneDX's form: dist/sbom.json.

Made from requirements/run.txt, checked against CycloneDX's schema and against that file.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "run.txt"
TARGET = ROOT / "dist" / "sbom.json"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)")


def main() -> int:
    """Return 1 where it is not complete."""
    TARGET.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(LOCK)]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application"]
    # No time and no random number: the same lock gives the same bytes.
    command += ["--output-reproducible", "--validate", "--of", "JSON", "-o", str(TARGET)]
    subprocess.run(command, check=True)
    missing = missing_in(TARGET)
    print(f"{TARGET.relative_to(ROOT)}: {len(pins())} packages, {len(missing)} missing")
    return 1 if missing else 0


def missing_in(bill: Path) -> set[tuple[str, str]]:
    """What the lock has and the bill has not, with a hash of each."""
    made = json.loads(bill.read_text(encoding="utf-8"))
    have = {
        (part["name"].lower(), part["version"])
        for part in made["components"]
        if any(place.get("hashes") for place in part.get("externalReferences", ()))
    }
    return pins() - have


def pins() -> set[tuple[str, str]]:
    """Name and version of every package in the lock."""
    found = map(PINNED.match, LOCK.read_text(encoding="utf-8").splitlines())
    return {(match[1].lower(), match[2]) for match in found if match}


if __name__ == "__main__":
    sys.exit(main())
