"""Prints what a command has to say, whoever listens."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def whoever_listens() -> Iterator[None]:
    """Tell how a run ended; where nobody reads it any more, its exit code still does."""
    try:
        yield
        sys.stdout.flush()
    except (OSError, SystemExit):  # rich exits on a broken pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(value: dict[str, Any]) -> None:
    """Print the one JSON object of a command."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
