"""Prefect's storage holds nothing of ours, and nothing that others put there is unpickled (FAULTS.md X27)."""

from __future__ import annotations

import base64
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PrefectHarness
from tests.flows.command import Place, environment_of, start_python
from tests.flows.conftest import place, sandbox

__all__ = ["place", "sandbox"]  # fixtures

pytestmark = pytest.mark.prefect

# Notes each file in Prefect's storage that is opened, then runs the command line.
WATCHED = """
import os, sys
opened = open(os.environ["OPENED"], "a", buffering=1)
storage = os.path.join(os.environ["PREFECT_HOME"], "storage") + os.sep
sys.addaudithook(lambda event, found: opened.write(f"{found[1]} {found[0]}\\n")
                 if event == "open" and str(found[0]).startswith(storage) else None)
from flows.cli import main
main()
"""
# Somebody has turned on whatever Prefect has to keep results of tasks and flows.
KEEPING = {"PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true", "PREFECT_RESULTS_DEFAULT_SERIALIZER": "pickle"}


class Trap:
    """What carries a command out when it is unpickled."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[Any, ...]:
        """Make a file."""
        return Path.touch, (self.sprung,)


def test_x27_a_planted_pickle_is_never_loaded(place: Place, prefect_harness: PrefectHarness, tmp_path: Path) -> None:
    """Even with results kept by default, a run writes nothing to the storage and opens nothing that stands there."""
    home, sprung, opened = tmp_path / "prefect", tmp_path / "sprung", tmp_path / "opened"
    environment = environment_of(place, home) | KEEPING
    environment |= {"PREFECT_API_URL": prefect_harness.api_url, "OPENED": str(opened)}

    def run(code: int, **more: str) -> None:
        said = start_python(WATCHED, "run", place.job, environment=environment | more, cwd=tmp_path)
        assert said.code == code, said.err

    run(1, PASSWORD="wrong")
    storage = home / "storage"
    assert [path for path in storage.rglob("*") if path.is_file()] == [], "no result and no exception is kept"
    trap = pickle.dumps(Trap(sprung))
    wrapped = {"metadata": {"serializer": {"type": "pickle"}}, "result": base64.b64encode(trap).decode()}
    storage.mkdir(parents=True, exist_ok=True)
    for name in ("sync-customers", "sync-page", "page 1: records 1-2", "page 2: records 3-3"):
        (storage / name).write_bytes(json.dumps(wrapped).encode())
    run(0)
    read = [line for line in opened.read_text().splitlines() if line.startswith("r")]
    assert read == []
    assert not sprung.exists()
    pickle.loads(trap)
    assert sprung.exists(), "the trap must be able to spring"
