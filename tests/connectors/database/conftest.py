"""A place to make sources over each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.database.table import Place
from tests.server import Database


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[Place]:
    """Make sources over each kind of database in turn."""
    made = Place(database, tmp_path)
    yield made
    made.close()
