"""`serve` told of an identity provider by its environment, and a program with its token."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from talkbot_tui.cli import exit_codes
from tests.server.provider import AUDIENCE, ISSUER, jwk, jwks, signed
from tests.server.test_commands import PROGRAM, environment, ready

GOOD = {
    "TALKBOT_OIDC_ISSUER": ISSUER,
    "TALKBOT_OIDC_AUDIENCE": AUDIENCE,
    "TALKBOT_OIDC_KEYS": "keys.json",
}


def serve(folder: Path, settings: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, "serve", "--no-bot", "--port", "0", "--data-dir", str(folder / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment(folder) | settings,
    )


def test_a_program_talks_with_the_providers_token(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(jwks(jwk("ES256", kid="a")))
    token = signed("ES256", headers={"kid": "a"})
    with serve(tmp_path, GOOD) as process:
        try:
            url = ready(process)
            for command in (["send", "#general", "oi"], ["rooms"]):
                done = subprocess.run(
                    [*PROGRAM, *command, "--server", url],
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=60,
                    env=environment(tmp_path) | {"TALKBOT_TOKEN": token},
                )
                assert (done.returncode, done.stderr) == (0, "")
            assert "general" in done.stdout
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"TALKBOT_OIDC_AUDIENCE": ""}, "TALKBOT_OIDC_AUDIENCE is missing; TALKBOT_OIDC_ISSUER,"),
        ({"TALKBOT_OIDC_KEYS": ""}, "TALKBOT_OIDC_KEYS is missing"),
        ({"TALKBOT_OIDC_KEYS": "nowhere"}, "TALKBOT_OIDC_KEYS: nowhere: No such file"),
        ({"TALKBOT_OIDC_KEYS": "."}, "TALKBOT_OIDC_KEYS: .: Is a directory"),
        ({"TALKBOT_OIDC_KEYS": "empty"}, "TALKBOT_OIDC_KEYS: empty: is neither PEM nor JSON"),
    ],
)
def test_half_a_setting_or_a_bad_file_is_one_line(
    tmp_path: Path, changes: dict[str, str], told: str
) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "keys.json").write_text(jwks(jwk("ES256")))
    with serve(tmp_path, GOOD | changes) as process:
        out, error = process.communicate(timeout=60)
    assert process.returncode == exit_codes.USAGE
    assert out == ""
    assert error.count("\n") == 1
    assert told in error
