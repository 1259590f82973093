"""What the tests of the pages need around a job: the shortest sources and targets, and the modules of the pages."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.docs.page import ADDING, blocks

VARIABLE = re.compile(r"\$\{(\w+)\}")
_MODULE = re.compile(r"# (\w+)\.py\n")

# The shortest source of each kind; of two keys that exclude each other it has one.
SOURCES: Mapping[str, Mapping[str, Any]] = {
    "csv": {"kind": "csv", "path": "customers.csv"},
    "database": {"kind": "database", "url": "sqlite:///crm.db", "table": "customers", "key": "id"},
    "valomnia": {"kind": "valomnia", "base_url": "https://acme.valomnia.com", "username": "u", "password": "p"},
    "keypro": {"kind": "keypro", "base_url": "https://keypro.example", "token": "t"},
    "jtl": {"kind": "jtl", "base_url": "https://jtl.example/erp", "client_id": "i", "client_secret": "s"},
    "tradevest": {
        "kind": "tradevest",
        "base_url": "https://tradevest.example",
        "client_id": "i",
        "client_secret": "s",
        "token_url": "https://tradevest.example/oauth2/token",
    },
}
TARGETS: Mapping[str, Mapping[str, Any]] = {
    kind: source for kind, source in SOURCES.items() if kind not in {"csv", "database", "tradevest"}
} | {"tradevest": {**SOURCES["tradevest"], "requestor_id": "5f0c2f0e-58a1-4d3b-9a52-0d5c1b1f7a10"}}
FIELDS: Mapping[str, Mapping[str, str]] = {
    "valomnia": {"reference": "no", "name": "name"},
    "keypro": {"customerNumber": "no"},
    "jtl": {"Number": "no"},
    "tradevest": {"entityId": "no"},
}

# What a fragment of a job leaves out.
REST: Mapping[str, Any] = {
    "job": "example",
    "source": SOURCES["csv"],
    "target": TARGETS["valomnia"],
    "fields": FIELDS["valomnia"],
}


def write_job(folder: Path, values: Mapping[str, Any]) -> Path:
    """Write a job file."""
    with (folder / "job.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(dict(values), file)
    return folder / "job.yaml"


def parts_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a job so that its sections can be changed."""
    return {name: dict(value) if isinstance(value, dict) else value for name, value in job.items()}


def write_modules(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the modules that the pages show, and let them be imported for as long as a test runs.

    The page about adding a system shows a part of the project itself, which has a test of its own.
    """
    for block in blocks("python"):
        if block.page == ADDING.name:
            continue
        named = _MODULE.match(block.text)
        assert named, f"{block.page}: a Python block begins with the name of its file"
        (folder / f"{named[1]}.py").write_text(block.text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, named[1], raising=False)
    monkeypatch.syspath_prepend(folder)
