"""Secrets and people that the tests' jobs are full of, and what collects the output that is searched for them.

`python -m tests.canaries` runs tests and searches. Each kind of secret has its own token, so that a hit tells its way.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

DATABASE_PASSWORD = "Db-Marabou-6e02d7"
SOURCE_KEY = "Src-Jabiru-19f3a8"
TARGET_PASSWORD = "Pw-Osprey-7c41e9"
LEDGER_KEY = "Key-Shoebill-b9a354"
SECRETS: Mapping[str, str] = {
    "database password": DATABASE_PASSWORD,
    "source key": SOURCE_KEY,
    "target password": TARGET_PASSWORD,
    "ledger key": LEDGER_KEY,
}
EMAILS = tuple(f"{name}@canaries.example" for name in ("anhinga", "bittern", "caracara", "dunnock", "egret"))

SEARCHED = "ROLLCALL_TEST_CANARIES"


def is_searched() -> bool:
    """Whether a search is under way."""
    return bool(os.environ.get(SEARCHED))


def keep(*contents: str | bytes) -> None:
    """Keep what a test has seen, or is about to destroy, for the search; nothing, unless one is under way."""
    if is_searched():
        folder = os.environ[SEARCHED]
        with (Path(folder) / f"{uuid.uuid4()}.kept").open("wb") as file:
            for content in contents:
                file.write(content if isinstance(content, bytes) else content.encode(errors="surrogateescape"))
