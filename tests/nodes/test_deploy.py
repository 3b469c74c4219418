"""What deploy/ ships is what its programs accept, and names what there is."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.loopback import Missing, Topology, program

from talkbot_tui.cli import build_parser
from talkbot_tui.server.storage.place import FAMILIAR, LIMITS, option_name

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PACKAGE = ROOT / "src" / "talkbot_tui"
VARIABLE = re.compile(r"\b(?:TALKBOT|PG)_?[A-Z][A-Z_]*[A-Z]\b")
OF_CLIENTS = {
    "TALKBOT_CA_FILE", "TALKBOT_CONFIG", "TALKBOT_DEMO_IDLE", "TALKBOT_HOME", "TALKBOT_RUNTIME",
    "TALKBOT_TOKEN",
}  # fmt: skip


@pytest.fixture
def topology() -> Iterator[Topology]:
    made = Topology()
    made._certificate()
    yield made
    made.stop()


def _accepted(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_nginx_accepts_its_configuration(topology: Topology) -> None:
    said = _accepted(program("nginx"), "-t", "-c", str(topology._nginx()))
    assert "warn" not in said, said


def test_haproxy_accepts_its_configuration(topology: Topology) -> None:
    said = _accepted(program("haproxy"), "-c", "-f", str(topology._haproxy()))
    assert "WARNING" not in said, said


def test_a_configuration_that_is_not_accepted_is_found(topology: Topology) -> None:
    for name, found in (("nginx", topology._nginx()), ("haproxy", topology._haproxy())):
        found.write_text(found.read_text(encoding="utf-8") + "\nnonsense nonsense;\n")
        command = {"nginx": ["-t", "-c"], "haproxy": ["-c", "-f"]}[name]
        with pytest.raises(AssertionError, match="nonsense"):
            _accepted(program(name), *command, str(found))
    with pytest.raises(Missing, match="has no"):
        topology._changed("nginx.conf", {"gone": ""}, "server node{number}:3000", "server {place}")


# --- compose.yaml ----------------------------------------------------------------------

# Keys of the Compose Specification (services.md) that we use; anything else is a mistake of ours.
SERVICE_KEYS = {
    "build", "image", "command", "environment", "secrets", "depends_on", "healthcheck", "volumes",
    "stop_grace_period", "restart", "read_only", "tmpfs", "cap_drop", "security_opt", "networks",
    "ports",
}  # fmt: skip
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
DURATION = re.compile(r"^[0-9]+s$")


def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def test_the_compose_file_is_whole() -> None:
    compose = _compose()
    assert set(compose) == {"name", "x-node", "services", "networks", "volumes", "secrets"}
    services = compose["services"]
    assert set(services) == {"node1", "node2", "node3", "nginx", "postgres", "redis"}
    for name, service in services.items():
        assert set(service) <= SERVICE_KEYS, name
        health = service["healthcheck"]
        assert set(health) <= HEALTH_KEYS, name
        assert health["test"][0] in ("CMD", "CMD-SHELL"), name
        assert all(
            DURATION.match(health[key]) for key in HEALTH_KEYS & set(health) - {"test", "retries"}
        )
        assert set(service.get("secrets", ())) <= set(compose["secrets"]), name
        assert set(service["networks"]) <= set(compose["networks"]), name
        assert set(service.get("depends_on", ())) <= set(services), name
        for needed in service.get("depends_on", {}).values():
            assert needed == {"condition": "service_healthy"}
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists(), volume
        assert "ports" not in service or name == "nginx", (
            "only the balancer is reached from outside"
        )


def test_no_secret_is_in_the_compose_file_and_each_is_a_file() -> None:
    compose = _compose()
    used = {name for service in compose["services"].values() for name in service.get("secrets", ())}
    assert used == set(compose["secrets"])
    assert all(one["file"] == f"./secrets/{name}" for name, one in compose["secrets"].items())
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert not re.search(r"(?i)password: [^{]|://[^/@\s]*:[^/@\s]*@", text)


def test_the_command_of_the_servers_is_one_that_we_take() -> None:
    command = [
        part.replace("${REGISTRATION:-invite}", "invite")
        for part in _compose()["x-node"]["command"]
    ]
    assert build_parser().parse_args(command).registration == "invite"
    unit = _unit()
    assert unit["Service"]["ExecStart"].startswith("/opt/talkbot/bin/talkbot-tui ")
    words = shlex.split(unit["Service"]["ExecStart"].replace("%i", "3001"))
    assert build_parser().parse_args(words[1:]).port == 3001


def _unit() -> configparser.ConfigParser:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # as its documentation says
    unit.read(DEPLOY / "talkbot@.service", encoding="utf-8")
    return unit


def test_the_systemd_unit_is_whole() -> None:
    unit = _unit()
    assert unit.sections() == ["Unit", "Service", "Install"]
    service = unit["Service"]
    assert service["ExecStart"].endswith("--data-dir /var/lib/" + service["StateDirectory"])
    assert service["KillSignal"] == "SIGTERM"
    assert int(service["TimeoutStopSec"]) > 5


# --- .env.example ----------------------------------------------------------------------


def _known() -> set[str]:
    """Every variable that the server's code reads."""
    found = {option_name(name) for name in LIMITS} | set(FAMILIAR)
    for folder in ("server", "cli"):
        for path in (PACKAGE / folder).rglob("*.py"):
            found |= set(
                re.findall(r'"((?:TALKBOT|PGSSL)_?[A-Z_]+[A-Z])"', path.read_text(encoding="utf-8"))
            )
    return found - OF_CLIENTS - {"TALKBOT_DATABASE"}


def _told() -> dict[str, bool]:
    """Each variable of the file, and whether a comment stands above it or its group."""
    told: dict[str, bool] = {}
    explained = False
    for line in (DEPLOY / ".env.example").read_text(encoding="utf-8").splitlines():
        setting = re.match(r"^#?([A-Z_]+)=", line)
        if setting:
            told[setting[1]] = explained
        else:
            explained = line.startswith("# ") and not line.startswith("# ---")
    return told


def test_every_setting_is_in_the_example_and_every_one_there_is_known() -> None:
    compose = set(
        re.findall(r"\$\{([A-Z_]+):-", (DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    )
    assert set(_told()) == _known() | compose
    assert all(_told().values()), _told()


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [name for name in sorted(_known()) if not re.search(rf"\b{name}\b", page)] == []


def test_every_setting_of_the_compose_file_is_known() -> None:
    assert set(_compose()["x-node"]["environment"]) <= _known()


def test_the_image_is_made_of_what_there_is() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    for lock in re.findall(r"-r (\S+)", text):
        assert (ROOT / lock).exists(), lock
    for line in text.replace("\\\n", " ").splitlines():
        assert "pip install" not in line or "--require-hashes" in line or "--no-deps" in line
