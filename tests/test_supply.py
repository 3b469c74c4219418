"""What we install: pinned by hash, from no index in particular, nothing with a known weakness."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
RULES = tomllib.loads((ROOT / "security" / "minimums.toml").read_text(encoding="utf-8"))
MINIMUMS = {name.lower(): Version(rule["minimum"]) for name, rule in RULES["packages"].items()}
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)")


def pins(lock: Path) -> dict[str, Version]:
    found = map(PINNED.match, lock.read_text(encoding="utf-8").splitlines())
    return {match[1].lower(): Version(match[2]) for match in found if match}


def too_old(have: dict[str, Version]) -> list[str]:
    return [
        f"{name} {have[name]} < {least}"
        for name, least in MINIMUMS.items()
        if name in have and have[name] < least
    ]


def test_nothing_is_older_than_its_last_known_weakness() -> None:
    installed = {
        dist.metadata["Name"].lower(): Version(dist.version) for dist in metadata.distributions()
    }
    assert too_old(installed) == []
    for lock in LOCKS:
        assert too_old(pins(lock)) == [], lock.name
    assert set(MINIMUMS) <= set(pins(ROOT / "requirements" / "run.txt"))
    assert not set(RULES["refused"]["packages"]) & set(installed)


def test_what_pip_may_choose_is_not_older_either() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in project["dependencies"]:
        asked = Requirement(line)
        least = MINIMUMS.get(asked.name.lower())
        if least is not None:
            assert any(Version(spec.version) >= least for spec in asked.specifier), line


def test_an_old_one_is_found() -> None:
    assert too_old({"aiohttp": Version("3.14.2")}) == ["aiohttp 3.14.2 < 3.14.5"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_is_pinned_by_hash_and_names_no_index(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    entries = re.split(
        r"\n(?=\S)",
        "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")).strip(),
    )
    assert len(entries) > 3
    for entry in entries:
        assert PINNED.match(entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
    assert not re.search(r"https?://|--(?:extra-)?index-url|--find-links", text)


def test_everything_is_installed_from_these_locks() -> None:
    for name in ("Makefile", ".ci/wheel"):
        text = (ROOT / name).read_text(encoding="utf-8")
        installs = [line for line in text.splitlines() if re.search(r"(?i)pip.* install ", line)]
        assert installs, name
        for line in installs:
            assert "--require-hashes" in line or "--no-deps" in line, line
