"""Customers in a CSV file."""

from connectors.csv_file.settings import CsvSettings
from connectors.csv_file.source import CsvSource
from connectors.settings import Surroundings

__all__ = ["CsvSettings", "CsvSource", "SourceSettings", "make_source"]

SourceSettings = CsvSettings


def make_source(settings: CsvSettings, surroundings: Surroundings) -> CsvSource:
    """Make the source of a job."""
    return CsvSource(settings, surroundings.folder)
