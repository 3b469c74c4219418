"""Where our files live, and that nobody else can read them.

Folders are 0700 and files 0600 from their first instant, whatever the umask:
a cache of private conversations made under the usual umask would be readable
by everybody on the machine.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

APP = "talkbot-tui"


class UnsafeFolder(OSError):
    """A folder of ours is a symbolic link or belongs to somebody else."""


def config_file() -> Path:
    """The configuration file; `TALKBOT_CONFIG` names another."""
    import platformdirs

    named = os.environ.get("TALKBOT_CONFIG")
    return Path(named) if named else Path(platformdirs.user_config_dir(APP)) / "config.toml"


def data_folder() -> Path:
    """Caches, outboxes and drafts; `TALKBOT_HOME` names another."""
    import platformdirs

    named = os.environ.get("TALKBOT_HOME")
    return Path(named) if named else Path(platformdirs.user_data_dir(APP))


def runtime_folder() -> Path:
    """Files that live as long as the user's session, such as the demo's address."""
    import warnings

    import platformdirs

    named = os.environ.get("TALKBOT_RUNTIME")
    with warnings.catch_warnings():
        # Where the system has no such folder (containers, `su`) platformdirs takes one among the
        # temporary files and warns; on a terminal that is noise nobody can act on.
        warnings.simplefilter("ignore")
        return Path(named) if named else Path(platformdirs.user_runtime_dir(APP))


def private_folder(folder: Path) -> Path:
    """Make `folder` (0700) and its parents; return it.

    Raises `UnsafeFolder` when it is a symbolic link or not ours, `OSError` when
    it cannot be made.
    """
    for missing in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
        # Not by `parents=True`: parents made that way are open to everybody.
        missing.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    if stat.S_ISLNK(facts.st_mode):
        raise UnsafeFolder(f"{folder} is a symbolic link")
    if hasattr(os, "getuid") and facts.st_uid != os.getuid():
        raise UnsafeFolder(f"{folder} belongs to another user")
    if stat.S_IMODE(facts.st_mode) & 0o077:
        folder.chmod(0o700)
    return folder


def private_file(path: Path) -> Path:
    """Make `path` (0600, empty) when it is not there; return it."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    return path


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` by a 0600 file with `data`; a crash leaves the old or the new one whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
