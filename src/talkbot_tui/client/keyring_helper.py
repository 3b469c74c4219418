"""One keyring operation in a process of its own, which can be killed when the keyring hangs.

A request comes as a line of JSON on standard input, the answer leaves on
standard output; nothing secret is ever in the command line or the environment.
Only the systems' own keyrings are used, whatever is installed or configured:
other back ends store in clear, or nowhere, without saying so.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

ALLOWED = frozenset(
    {
        ("keyring.backends.macOS", "Keyring"),
        ("keyring.backends.Windows", "WinVaultKeyring"),
        ("keyring.backends.SecretService", "Keyring"),
        ("keyring.backends.libsecret", "Keyring"),
        ("keyring.backends.kwallet", "DBusKeyring"),
        ("keyring.backends.kwallet", "DBusKeyringKWallet4"),
    }
)


class NoBackend(Exception):
    """There is no keyring that we would use."""


def allowed(backend: object) -> bool:
    """Whether `backend` is one of the systems' keyrings: by its class, not by what it claims."""
    return (type(backend).__module__, type(backend).__name__) in ALLOWED


def choose() -> Any:
    """The keyring to use; raises `NoBackend`.

    A configuration may choose among the allowed ones or choose none; it cannot
    choose another.
    """
    import keyring
    import keyring.backend

    chosen = keyring.get_keyring()
    if allowed(chosen):
        return chosen
    if os.environ.get("PYTHON_KEYRING_BACKEND"):
        raise NoBackend(f"{type(chosen).__module__}.{type(chosen).__name__}")
    found = [backend for backend in keyring.backend.get_all_keyring() if allowed(backend)]
    if not found:
        raise NoBackend("none")
    return max(found, key=lambda backend: float(backend.priority))


def perform(request: dict[str, Any]) -> dict[str, Any]:
    """Carry out one request; the answer says `ok`, and `secret` or `error`."""
    try:
        backend = choose()
        service, name = request["service"], request["name"]
        answer: dict[str, Any] = {"ok": True, "backend": type(backend).__module__.split(".")[-1]}
        match request["op"]:
            case "get":
                answer["secret"] = backend.get_password(service, name)
            case "set":
                backend.set_password(service, name, request["secret"])
            case "delete":
                if backend.get_password(service, name) is not None:
                    backend.delete_password(service, name)
            case _:
                pass
    except NoBackend as error:
        return {"ok": False, "error": "no_keyring", "detail": str(error)}
    except Exception as error:
        # Back ends raise what they like; none of it is worth a traceback on a terminal.
        return {"ok": False, "error": "keyring_failed", "detail": type(error).__name__}
    return answer


def main() -> int:
    """Read one request, write one answer."""
    answer = perform(json.loads(sys.stdin.readline()))
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    # A back end's threads and its D-Bus connection must not hold the process.
    os._exit(0)


if __name__ == "__main__":
    main()
