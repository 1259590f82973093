"""The lock of the operating system that dies with a lease's owner; where it is, and how it is told from others."""

from __future__ import annotations

import hashlib
import socket
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine


class OwnerLock:
    """Tells a dead owner from one that is busy, on one machine: only the very lock that the owner took can tell."""

    def __init__(self, engine: Engine, job: str) -> None:
        # One for all threads: a lease may be given back by another than took it.
        self.file = FileLock(_lock_path(engine, job), mode=0o600, thread_local=False)

    def acquire(self) -> str:
        """Take the lock, if it is free; gives its name as the owner of a lease.

        Without it the name is empty: whoever finds the lock free one day must not think us dead.
        """
        if not self.file.is_locked:
            try:
                self.file.acquire(blocking=False)
            except (Timeout, OSError):  # OSError: the file is another user's, whose ledger on a server this is as well
                return ""
        return _identity(self.file.lock_file)

    def release(self) -> None:
        """Let go of the lock, if we have it."""
        self.file.release()


def _lock_path(engine: Engine, job: str) -> Path:
    """Name the lock file: beside a SQLite ledger, however that is spelled, else among the temporary files."""
    url = engine.url
    if url.get_backend_name() == "sqlite" and url.database:
        database = Path(url.database).resolve()
        return database.with_name(f"{database.name}.{_short(job)}.lock")
    return Path(tempfile.gettempdir()) / f"rollcall-{_short(url.render_as_string(hide_password=True), job)}.lock"


def _identity(path: str) -> str:
    """Name this very lock file: containers with one host name and a ledger on a server have a `/tmp` each."""
    found = Path(path).stat()
    try:
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        kernel = ""  # not Linux
    return f"{socket.gethostname()}:{kernel}:{found.st_dev}:{found.st_ino}"


def _short(*names: str) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
