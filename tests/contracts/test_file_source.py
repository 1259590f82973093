"""Files of every kind, and the fake of the flows' tests, keep the contract of sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.file_world import CsvWorld, FakeWorld, FilesWorld, WorkbookWorld
from tests.contracts.incremental import IncrementalContract, InOrderContract
from tests.contracts.source import ColumnContract, ResumeContract, SourceContract
from tests.contracts.world import World


class TestFake(ColumnContract, ResumeContract, SourceContract):
    """Records in memory."""

    @pytest.fixture
    def world(self) -> World:
        """Give a world without last updates."""
        return FakeWorld(incremental=False)


class TestFakeByLastUpdate(ColumnContract, InOrderContract, IncrementalContract, SourceContract):
    """Records in memory, in the order of last updates."""

    @pytest.fixture
    def world(self) -> World:
        """Give a world with last updates."""
        return FakeWorld(incremental=True)


class TestCsvByLine(ResumeContract, SourceContract):
    """A file whose lines have no name."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> World:
        """Give a file without a key."""
        return CsvWorld(tmp_path)


class TestCsvByKey(ColumnContract, ResumeContract, SourceContract):
    """A file whose records have a key."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> World:
        """Give a file with a key."""
        return CsvWorld(tmp_path, key="no")


class TestCsvByLastUpdate(ColumnContract, IncrementalContract, SourceContract):
    """A file with last updates, which it is not ordered by."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> World:
        """Give a file with a key and a last update."""
        return CsvWorld(tmp_path, key="no", updated_at="changed")


class TestFilesByKey(ColumnContract, ResumeContract, SourceContract):
    """Several files whose records have a key."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> World:
        """Give several files with a key."""
        return FilesWorld(tmp_path, key="no")


class TestFilesByLastUpdate(ColumnContract, IncrementalContract, SourceContract):
    """Several files with last updates."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> World:
        """Give several files with a key and a last update."""
        return FilesWorld(tmp_path, key="no", updated_at="changed")


class TestWorkbookByKey(ColumnContract, ResumeContract, SourceContract):
    """A workbook whose records have a key."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> World:
        """Give a workbook with a key."""
        return WorkbookWorld(tmp_path, key="no")


class TestWorkbookByLastUpdate(ColumnContract, IncrementalContract, SourceContract):
    """A workbook with last updates."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> World:
        """Give a workbook with a key and a last update."""
        return WorkbookWorld(tmp_path, key="no", updated_at="changed")
