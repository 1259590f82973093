"""The database source keeps the contract of sources, on every kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.database_world import OnlyPartWorld, TableWorld
from tests.contracts.divisible_source import DivisibleContract
from tests.contracts.incremental import IncrementalContract, InOrderContract
from tests.contracts.source import ColumnContract, ResumeContract, SourceContract
from tests.contracts.world import ColumnWorld, World
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


class TestDividedTableByLastUpdate(DivisibleContract):
    """A table with last updates, in parts."""

    @pytest.fixture
    def world(self, database: Database, tmp_path: Path) -> ColumnWorld:
        """Give a table with a key and a last update."""
        return TableWorld(database, tmp_path, key="no", updated_at="changed")


class TestDividedTableByKey(DivisibleContract):
    """A table without last updates, in parts."""

    @pytest.fixture
    def world(self, database: Database, tmp_path: Path) -> ColumnWorld:
        """Give a table with a key."""
        return TableWorld(database, tmp_path, key="no")


class TestDividedTableBySeveralKeys(DivisibleContract):
    """A table whose lines are named by two columns together, in parts."""

    @pytest.fixture
    def world(self, database: Database, tmp_path: Path) -> ColumnWorld:
        """Give a table with a key of two columns and a last update."""
        return TableWorld(database, tmp_path, key=["branch", "no"], updated_at="changed")


class TestDividedQuery(DivisibleContract):
    """A query, in parts."""

    @pytest.fixture
    def world(self, database: Database, tmp_path: Path) -> ColumnWorld:
        """Give a query with a key of two columns."""
        query = "SELECT c.branch, c.no, c.name, c.city, c.changed FROM customers c -- all of them"
        return TableWorld(database, tmp_path, query=query, key=["branch", "no"], updated_at="changed")


class TestPartByKey(ColumnContract, ResumeContract, SourceContract):
    """A part is a source like any other."""

    @pytest.fixture
    def world(self, database: Database, tmp_path: Path) -> World:
        """Give the only part of a table with a key."""
        return OnlyPartWorld(database, tmp_path, key="no")


class TestPartWithLastUpdate(ColumnContract, SourceContract):
    """A part has the versions of its table, and is read by key all the same."""

    @pytest.fixture
    def world(self, database: Database, tmp_path: Path) -> World:
        """Give the only part of a table with a key of two columns and a last update."""
        return OnlyPartWorld(database, tmp_path, key=["branch", "no"], updated_at="changed")
