"""What the whole house holds to."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SHARED = {"protocol", "quantity", "settings", "sandbox"}  # types, and the sandboxes themselves
# What a fresh installation installs, with the project itself, and which of its extras it has.
FILES = {"requirements.txt": (".", ()), "requirements-dev.txt": ("-e .", ("dask", "dev"))}


def project() -> dict[str, Any]:
    """Read the project's own file."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(name: str) -> list[Requirement]:
    """Read the requirements that a file pins for the Python that runs."""
    lines = [line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines[-1] == FILES[name][0]
    found = [Requirement(line) for line in lines[:-1]]
    return [each for each in found if each.marker is None or each.marker.evaluate()]


def test_no_connector_is_open_to_sandboxes() -> None:
    """The rule that sandboxes and connectors share no rule names every module of connectors."""
    contracts = project()["tool"]["importlinter"]["contracts"]
    (rule,) = [each for each in contracts if each["name"] == "Sandboxes and connectors share no rule"]
    found = {
        path.stem for path in (ROOT / "connectors").iterdir() if path.suffix in {"", ".py"} and path.stem[0] != "_"
    }
    assert {f"connectors.{name}" for name in found - SHARED} <= set(rule["forbidden_modules"])


@pytest.mark.parametrize("name", FILES)
def test_o17_a_fresh_installation_leaves_no_version_open(name: str) -> None:
    """O17: each line names one version, once; and all that the project wants is among them, at a version it takes."""
    found = pins(name)
    assert [str(each) for each in found if not re.fullmatch(r"==[0-9][\w.!+]*", str(each.specifier))] == []
    exact = {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in found}
    assert len(exact) == len(found)
    extras = project()["project"]["optional-dependencies"]
    wanted = [*project()["project"]["dependencies"]]
    wanted += [each for extra in ("sqlite", "postgresql", "mariadb", *FILES[name][1]) for each in extras[extra]]
    for each in map(Requirement, wanted):
        assert each.specifier.contains(exact.get(canonicalize_name(each.name), "")), each


def test_o17_what_is_tested_is_what_is_run() -> None:
    """O17: these tests run with the versions that are pinned for them, and a run is given the same."""
    tested = {each.name: str(each.specifier) for each in pins("requirements-dev.txt")}
    assert {name: f"=={version(name)}" for name in tested} == tested
    assert {each.name: str(each.specifier) for each in pins("requirements.txt")}.items() <= tested.items()
    assert "pip install -q -r requirements-dev.txt" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
