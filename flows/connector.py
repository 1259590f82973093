"""Finds the connector of a kind, and the description of its system; each kind's library is loaded for it alone.

A connector is a module or package of `connectors` under the name of its kind. As a source it has `SourceSettings` and
`make_source`, as a target `TargetSettings` and `make_target`.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Literal, cast

from pydantic import BaseModel

from connectors.settings import Settings
from mappings.system import System, load_system, system_names

Side = Literal["source", "target"]

_MODULES = {"csv": "csv_file"}  # `csv` would shadow the standard library
_TABLES = ("csv", "database")  # what holds customers under names of its own


def kinds(side: Side) -> tuple[str, ...]:
    """List the kinds that a job may name."""
    return (*_TABLES, *system_names()) if side == "source" else system_names()


def settings_model(side: Side, kind: str) -> type[BaseModel]:
    """Find the model of a section of the job file; raises LookupError where the kind is not on this side."""
    if kind not in kinds(side):
        raise LookupError(kind)
    try:
        model = getattr(connector(kind), f"{side.capitalize()}Settings")
    except (AttributeError, ModuleNotFoundError):  # described, and no connector is there
        raise LookupError(kind) from None
    return cast("type[BaseModel]", model)


def described(settings: Settings) -> System | None:
    """Describe the system of one side, as this installation is; None for a file or a database."""
    if settings.kind in _TABLES:
        return None
    system = load_system(settings.kind)
    return system.adapted(**settings.adaptation) if settings.adaptation else system


def connector(kind: str) -> ModuleType:
    """Load the connector of a kind."""
    return importlib.import_module(f"connectors.{_MODULES.get(kind, kind)}")
