"""A password in a file, as container engines and service managers hand it over."""

from __future__ import annotations

import stat
from pathlib import Path

SECRET_MAX = 4096


def secret_in(variable: str, file: str) -> str:
    """What the file holds, without the blanks around it.

    Raises `ValueError`: one line that names the variable, and repeats nothing of the file.
    """
    path = Path(file)
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > SECRET_MAX:
            raise ValueError(f"{variable}: {file}: is no file with a password")
        secret = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError(f"{variable}: {file}: is not written in UTF-8") from None
    except OSError as error:
        raise ValueError(f"{variable}: {file}: {error.strerror}") from None
    if not secret:
        raise ValueError(f"{variable}: {file}: is empty")
    return secret
