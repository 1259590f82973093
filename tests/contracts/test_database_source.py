"""The database source keeps the contract of sources, on every kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.database_world import TableWorld
from tests.contracts.incremental import IncrementalContract, InOrderContract
from tests.contracts.source import ColumnContract, ResumeContract, SourceContract
from tests.contracts.world import World
from tests.server import Database


class TestTableByLastUpdate(ColumnContract, InOrderContract, IncrementalContract, SourceContract):
    """A table with last updates."""

    @pytest.fixture
    def world(self, database: Database, tmp_path: Path) -> World:
        """Give a table with a key and a last update."""
        return TableWorld(database, tmp_path, key="no", updated_at="changed")


class TestTableByKey(ColumnContract, ResumeContract, SourceContract):
    """A table without last updates."""

    @pytest.fixture
    def world(self, database: Database, tmp_path: Path) -> World:
        """Give a table with a key."""
        return TableWorld(database, tmp_path, key="no")


class TestTableBySeveralKeys(ColumnContract, InOrderContract, IncrementalContract, SourceContract):
    """A table whose lines are named by two columns together."""

    @pytest.fixture
    def world(self, database: Database, tmp_path: Path) -> World:
        """Give a table with a key of two columns and a last update."""
        return TableWorld(database, tmp_path, key=["branch", "no"], updated_at="changed")


class TestTableBySeveralKeysAlone(ColumnContract, ResumeContract, SourceContract):
    """A table whose lines are named by two columns together, without last updates."""

    @pytest.fixture
    def world(self, database: Database, tmp_path: Path) -> World:
        """Give a table with a key of two columns."""
        return TableWorld(database, tmp_path, key=["branch", "no"])
