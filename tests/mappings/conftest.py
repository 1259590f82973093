"""What the tests of mappings share: the described system, the converters, and a short way to map a few records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pandas as pd
import pytest

from mappings.converter import Converter, load_converters
from mappings.field import FieldRule
from mappings.image import ImagePlace
from mappings.mapping import Mapped, Mapper
from mappings.system import System, load_system

MapRecords: TypeAlias = Callable[[Mapping[str, object], pd.DataFrame], Mapped]


@pytest.fixture(scope="session")
def valomnia() -> System:
    """Return the description of Valomnia."""
    return load_system("valomnia")


@pytest.fixture(scope="session")
def keypro() -> System:
    """Return the description of Keypro."""
    return load_system("keypro")


@pytest.fixture(scope="session")
def jtl() -> System:
    """Return the description of JTL-Wawi."""
    return load_system("jtl")


@pytest.fixture(scope="session")
def tradevest() -> System:
    """Return the description of tradevest."""
    return load_system("tradevest")


@pytest.fixture(scope="session")
def converters() -> dict[str, Converter]:
    """Return the built-in converters."""
    return load_converters()


@pytest.fixture
def map_records(valomnia: System, converters: dict[str, Converter], tmp_path: Path) -> MapRecords:
    """Map records with a job's `fields`; reference and name are filled in where a test does not care."""

    def run(fields: Mapping[str, object], records: pd.DataFrame) -> Mapped:
        complete = {"reference": {"const": "R1"}, "name": {"const": "Anna"}, **fields}
        rules = {name: FieldRule.model_validate(rule) for name, rule in complete.items()}
        return Mapper(
            rules, valomnia, converters, ImagePlace(tmp_path, frozenset({"images.example.com", "127.0.0.1:8080"}))
        ).apply(records)

    return run
