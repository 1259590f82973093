"""Customers in a CSV file."""

from connectors.csv_file.settings import CsvSettings
from connectors.csv_file.source import CsvSource

__all__ = ["CsvSettings", "CsvSource"]
